"""A study as a file: the settings of a run, as TOML or as another run's `run.json`."""

import difflib
import json
import sys
from pathlib import Path
from typing import Any

import typer

from bench.config import SETTINGS
from bench.errors import RunError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def settings(path: Path) -> dict[str, str]:
    """The settings in a file, each as it would be typed on the command line.

    A setting that is null has its default. With the world "phantom" the data come with the package, so that the folder
    that a `run.json` names is left out.

    Args:
        path: a TOML file, or a `.json` file as `bench run` writes it.

    Raises:
        RunError: the file cannot be read, is not about a run, or has a setting that runs do not have.
    """
    chosen = _content(path)
    for name in chosen:
        if name not in SETTINGS:
            likely = difflib.get_close_matches(name, SETTINGS, 1)
            hint = f"did you mean {likely[0]}?" if likely else f"there are {', '.join(SETTINGS)}"
            raise RunError(f"{path}: a run has no setting {name!r}; {hint}")
    _name_masks(chosen)
    if chosen.get("world", "real") not in ("real", "phantom"):
        raise RunError(f'{path}: world must be "real" or "phantom", got {chosen["world"]!r}')
    if chosen.get("world") == "phantom":
        chosen.pop("data", None)
    return {name: _typed(path, name, value) for name, value in chosen.items() if value is not None}


def _name_masks(chosen: dict[str, Any]) -> None:
    """Give the folders of masks their place among the models, as on the command line; `run.json` has them apart."""
    from bench.data.given_masks import given_models

    folders = dict(given_models(chosen.pop("masks", None) or ()))
    models = chosen.get("models")
    if isinstance(models, list):
        chosen["models"] = [folders[name].text if name in folders else name for name in models]


def _content(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text()
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise RunError(f"{path} is not valid {kind}: {error}") from error
    if path.suffix == ".json":
        found = found.get("config") if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise RunError(f"{path} does not describe a run; give the run.json of a `bench run`, or a TOML file")
    return found


def _typed(path: Path, name: str, value: Any) -> str:
    """The value as on the command line, whose own checks it then has to pass."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    if isinstance(value, str | int | float):
        return str(value)
    raise RunError(f"{path}: {name} must be a value or a list of names, got {value!r}")


def use_file(context: typer.Context, path: Path | None) -> Path | None:
    """Make the settings of a file the defaults of the options, below the command line and the environment."""
    if path is not None:
        context.default_map = settings(path)
    return path


def data_of_study(context: typer.Context, data: Path | None) -> Path | None:
    """The data folder. A study of phantoms needs none, whatever the environment says; one of real data needs one."""
    world = (context.default_map or {}).get("world")
    source = context.get_parameter_source("data")
    if world == "phantom" and source is not None and source.name == "ENVIRONMENT":
        return None
    if world == "real" and data is None:
        raise typer.BadParameter("this study is about real data; give --data or set BENCH_DATA")
    return data
