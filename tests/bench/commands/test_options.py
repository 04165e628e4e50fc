import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

import pytest
import typer

from bench import cli
from bench.commands.options import ALL, Aggregation, NameList, from_options, names_option
from bench.statistics.patients import AGGREGATIONS


@dataclass(frozen=True, kw_only=True)
class Shared:
    jobs: Annotated[int, typer.Option(min=1)] = 1


@dataclass(frozen=True, kw_only=True)
class Wanted(Shared):
    folder: Annotated[Path, typer.Argument()]
    models: Annotated[NameList, names_option(help="Models.")] = ALL


def command(options: Wanted) -> int:
    """Say what was asked for."""
    seen.append(options)
    return 3


seen: list[Wanted] = []


def answer(*arguments):
    app = typer.Typer(add_completion=False)
    app.command()(from_options(command))
    code = app(args=arguments, standalone_mode=False)
    return code, seen.pop()


def test_a_command_gets_its_dataclass_with_inherited_options_and_parsed_lists():
    assert answer("r") == (3, Wanted(folder=Path("r"), models=ALL, jobs=1))
    code, options = answer("r", "--models", "sam, sam2,sam", "--jobs", "2")
    assert options == Wanted(folder=Path("r"), models=NameList(("sam", "sam2")), jobs=2) and code == 3


def test_the_signature_has_one_parameter_for_each_field():
    made = from_options(command)
    assert list(inspect.signature(made).parameters) == ["jobs", "folder", "models"]
    assert inspect.getdoc(made) == "Say what was asked for."
    assert inspect.signature(made).parameters["folder"].default is inspect.Parameter.empty


@pytest.mark.parametrize("text", ["", " , "])
def test_a_list_without_a_name_is_refused(text):
    with pytest.raises(typer.BadParameter, match="at least one name"):
        NameList.parse(text)


def test_the_choices_of_an_aggregation_are_those_there_are():
    assert get_args(Aggregation) == tuple(AGGREGATIONS)


def test_every_command_and_option_has_a_help_text():
    for name, one in commands():
        assert inspect.getdoc(one).endswith("."), name
        for option in inspect.signature(from_options(one)).parameters.values():
            (info,) = option.annotation.__metadata__
            assert info.help, f"{name}: {option.name}"


def commands():
    for part in cli.COMMANDS.values():
        for name, one in part.items():
            yield from (
                ((f"{name} {sub}", two) for sub, two in one[1].items()) if isinstance(one, tuple) else [(name, one)]
            )
