"""`bench run`: predict, score and report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.headline import finish
from bench.commands.machine import available_device, worker_count
from bench.commands.options import (
    BOX,
    OK,
    DataSets,
    EvaluationRules,
    FollowLinks,
    Limit,
    Machine,
    ModelNames,
    NameList,
    TrustArrays,
    WeightsFolder,
    data_option,
    names_option,
)
from bench.commands.study_file import data_of_study, use_file
from bench.config import RunConfig
from bench.errors import RunError

if TYPE_CHECKING:
    from bench.protocols import Protocol


@dataclass(frozen=True, kw_only=True)
class RunOptions(Machine, EvaluationRules, FollowLinks, TrustArrays, Limit, DataSets, WeightsFolder, ModelNames):
    """Options of `bench run`."""

    config: Annotated[
        Path | None,
        typer.Option(
            is_eager=True,
            callback=use_file,
            metavar="FILE",
            help="Take the settings of a TOML file or of another run's run.json; options given here win.",
        ),
    ] = None
    data: Annotated[Path | None, data_option(data_of_study)] = None
    prompts: Annotated[
        NameList,
        names_option(
            "--prompt",
            help="Comma-separated prompt kinds, such as box,clicks,scribble (see bench ls prompts).",
            panel="Prompts",
        ),
    ] = BOX
    clicks: Annotated[
        int, typer.Option(min=1, help="Rounds of the prompt kinds that add clicks.", rich_help_panel="Prompts")
    ] = 5
    untrained_prompts: Annotated[
        bool,
        typer.Option(
            "--untrained-prompts",
            help="Also ask models with prompts that they were not trained on.",
            rich_help_panel="Prompts",
        ),
    ] = False
    allow_random: Annotated[
        bool, typer.Option("--allow-random", help="Accept untrained networks; their numbers mean nothing.")
    ] = False
    prompted: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="What the tools behind masks:DIR=NAME were prompted with, such as box; tables say so.",
            rich_help_panel="Prompts",
        ),
    ] = "none"
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Run folder. Default: a new one below results/runs.")
    ] = None
    resume: Annotated[
        bool, typer.Option(help="Continue an interrupted run in this folder, or replace what is there.")
    ] = True
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and do nothing.")] = False
    predict_only: Annotated[bool, typer.Option("--predict-only", help="Stop before scoring.")] = False
    profile: Annotated[
        bool, typer.Option("--profile", help="At the end, print where the time went, as bench profile does.")
    ] = False


def run_command(options: RunOptions) -> int:
    """Predict, score and report: every model on every case, with the same prompts."""
    from bench import world
    from bench.commands.plan import plan
    from bench.running import run

    config, note = settled(options)
    print(f"{world.text(config.models, config.world, config.allow_random, config.prompted)} {note}".rstrip())
    if options.dry_run:
        print(plan(config))
        return OK
    if options.predict_only:
        run.predict_only(config, options.resume)
        print(f"\nPredictions: {config.out}. Next: bench score {config.out}")
        code = OK
    else:
        code = finish(run.run(config, options.resume))
    if options.profile:
        from bench.commands.profile import print_profile

        print()
        print_profile(config.out)
    return code


def settled(options: RunOptions) -> tuple[RunConfig, str]:
    """The run that the options ask for, with all defaults settled, and a note on what was left out on the way.

    Raises:
        RunError: nothing to run, no such device, or masks that cannot answer the protocol.
        ValueError: no such model, data set, prompt kind or protocol.
    """
    import adapters
    from bench import protocols
    from bench.prompting import kinds
    from bench.running.choose import choose

    choice = choose(options.models, options.datasets, options.data, options.weights, options.follow_links)
    for name in options.prompts:
        kinds.load(name)
    _require_whole_classes(protocols.load(options.protocol), choice.masks)
    device = available_device(options.device)
    config = RunConfig(
        models=choice.models,
        datasets=choice.datasets,
        prompts=options.prompts,
        clicks=options.clicks,
        protocol=options.protocol,
        data=choice.data,
        world=choice.world,
        weights=options.weights,
        out=Path(),
        limit=options.limit,
        seed=options.seed,
        device=device,
        precision=options.precision,
        jobs=worker_count(options.jobs, device, [adapters.card(name).parameters for name in choice.models]),
        fewer_jobs=options.jobs is None,
        engine=options.engine,
        cache=options.cache,
        untrained_prompts=options.untrained_prompts,
        allow_random=options.allow_random,
        trust_arrays=options.trust_arrays,
        follow_links=options.follow_links,
        masks=choice.masks,
        prompted=options.prompted,
    )
    default = Path("results/runs") / f"{choice.world}-{'-'.join(config.prompts)}-{config.digest()}"
    return config.at(options.out or default), choice.note


def _require_whole_classes(protocol: "Protocol", masks: Sequence[str]) -> None:
    """Masks of another tool hold classes; which component of one answers a prompt for a component, nobody knows."""
    if masks and protocol.component == "each":
        raise RunError(
            f"protocol {protocol.name} asks for every component on its own, which masks of another tool ({masks[0]}) "
            "do not tell apart; choose a protocol of whole classes, such as bench"
        )
