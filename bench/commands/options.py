"""What commands share: exit codes, options as dataclasses, and how Typer reads them."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import typer

OK, SOME_FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

Precision = Literal["fp32", "bf16", "fp16"]
Engine = Literal["local", "dask", "ray"]
Format = Literal["console", "csv", "md", "tex"]
Aggregation = Literal["macro_class", "mean_image", "mean_mask", "per_case", "volume"]


class NameList(tuple[str, ...]):
    """The names of a comma list, each once."""

    @classmethod
    def parse(cls, text: "str | NameList") -> "NameList":
        """Read a comma list; spaces around names are ignored. NameList pass, as Typer also reads defaults.

        Raises:
            typer.BadParameter: there is no name in it.

        >>> NameList.parse("box, clicks,box")
        ('box', 'clicks')
        """
        if not isinstance(text, str):
            return text
        found = cls(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
        if not found:
            raise typer.BadParameter(f"give at least one name, got {text!r}")
        return found


ALL, BOX = NameList(("all",)), NameList(("box",))  # defaults


def names_option(*flags: str, help: str, panel: str | None = None) -> Any:
    """An option that takes a comma list."""
    return typer.Option(*flags, help=help, parser=NameList.parse, metavar="NAMES", rich_help_panel=panel)


def aggregation_option(default: str) -> Any:
    """The option that says how masks become one number."""
    text = f"How masks become one number: {', '.join(get_args(Aggregation))}. Default: {default}."
    return typer.Option(metavar="RULE", help=text)


def data_option(callback: Callable[..., Path | None] | None = None) -> Any:
    """The option that names the data folder; what it found may pass through a callback."""
    return typer.Option(
        envvar="BENCH_DATA",
        callback=callback,
        metavar="DIR",
        help="Folder that holds the data sets; without it, the built-in phantoms.",
        rich_help_panel="Data",
    )


def from_options(command: Callable[[Any], int]) -> Callable[..., int]:
    """The command as Typer reads it: one parameter for each field of the dataclass that it takes."""
    (options,) = (kind for name, kind in get_type_hints(command).items() if name != "return")
    hints = get_type_hints(options, include_extras=True)

    def call(**values: Any) -> int:
        return command(options(**values))

    parameters = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(options)
    ]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__doc__ = command.__doc__
    return call


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """For commands without options."""


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """One run, by its folder."""

    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")]


@dataclass(frozen=True, kw_only=True)
class DataFolder:
    """Where data sets are."""

    data: Annotated[Path | None, data_option()] = None


@dataclass(frozen=True, kw_only=True)
class ModelNames:
    """Which models."""

    models: Annotated[
        NameList,
        names_option(help="Comma-separated models (see bench ls models), or all; masks:DIR=NAME is a folder of masks."),
    ] = ALL


@dataclass(frozen=True, kw_only=True)
class DataSetNames:
    """Which data sets."""

    datasets: Annotated[
        NameList, names_option(help="Comma-separated data sets (see bench ls datasets), or all.", panel="Data")
    ] = ALL


@dataclass(frozen=True, kw_only=True)
class DataSets(DataFolder, DataSetNames):
    """Which data sets, and where they are."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How much of each data set."""

    limit: Annotated[
        int | None, typer.Option(min=1, help="Use only the first N cases of each data set.", rich_help_panel="Data")
    ] = None


@dataclass(frozen=True, kw_only=True)
class TrustArrays:
    """What to do where image and mask disagree about their place."""

    trust_arrays: Annotated[
        bool,
        typer.Option(
            "--trust-arrays",
            help="Where the affines of image and mask differ, assume that their voxels match.",
            rich_help_panel="Data",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class FollowLinks:
    """Whether links in the data folder are followed."""

    follow_links: Annotated[
        bool,
        typer.Option(
            "--follow-links",
            help="Open what links in the data folder lead to, also outside of it.",
            rich_help_panel="Data",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class WeightsFolder:
    """Where weights files are."""

    weights: Annotated[
        Path | None,
        typer.Option(envvar="BENCH_WEIGHTS", metavar="DIR", help="Folder that holds the authors' weights files."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class EvaluationRules:
    """The rules of the evaluation and the seed of its draws."""

    protocol: Annotated[
        str, typer.Option(help="Rules of the evaluation (see bench ls protocols).", rich_help_panel="Prompts")
    ] = "bench"
    seed: Annotated[
        int, typer.Option(help="Seed of everything that is drawn at random.", rich_help_panel="Prompts")
    ] = 0


@dataclass(frozen=True, kw_only=True)
class Device:
    """Where a network computes."""

    device: Annotated[str, typer.Option(help="auto, cpu or cuda[:i].", rich_help_panel="Machine")] = "auto"


@dataclass(frozen=True, kw_only=True)
class Machine(Device):
    """What computes, how precisely, and in how many processes."""

    precision: Annotated[Precision, typer.Option(help="Number format of the networks.", rich_help_panel="Machine")] = (
        "fp32"
    )
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Worker processes; their number changes no result. Default: as many as cores and memory allow.",
            rich_help_panel="Machine",
        ),
    ] = None
    engine: Annotated[Engine, typer.Option(help="What runs the workers.", rich_help_panel="Machine")] = "local"
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep image embeddings here and read them again in later runs, where that is faster than computing.",
            rich_help_panel="Machine",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class TableFormat:
    """How tables are printed."""

    style: Annotated[
        Format, typer.Option("--format", metavar="FORMAT", help="console (plain text), csv, md (Markdown) or tex.")
    ] = "console"
