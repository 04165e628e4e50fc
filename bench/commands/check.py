"""`bench check`: whether data, weights and models are as they should be; no run is made."""

from dataclasses import dataclass
from typing import Annotated

import typer

from bench.commands.machine import available_device
from bench.commands.options import OK, SOME_FAILED, DataSets, Device, FollowLinks, TrustArrays, WeightsFolder


@dataclass(frozen=True, kw_only=True)
class CheckDataOptions(FollowLinks, TrustArrays, DataSets):
    """Options of `bench check data`."""


def check_data(options: CheckDataOptions) -> int:
    """Read every case of the data sets and list what is wrong with them."""
    from bench.data.check import check
    from bench.running.choose import choose

    choice = choose(("baseline/box",), options.datasets, options.data, None, options.follow_links)
    failed = 0
    for name in choice.datasets:
        report = check(name, choice.data, options.trust_arrays, options.follow_links)
        print(report.text())
        failed += report.failed
    return SOME_FAILED if failed else OK


def check_weights(options: WeightsFolder) -> int:
    """Compare the weights files that are here with their checksums, and read those that have none."""
    from tabulate import tabulate

    from bench.commands.weights import weights_states

    states = weights_states(options.weights)
    print(tabulate(states.items(), headers=["model", "weights"]))
    return SOME_FAILED if any("differs" in state or "damaged" in state for state in states.values()) else OK


@dataclass(frozen=True, kw_only=True)
class CheckModelOptions(Device, WeightsFolder):
    """Options of `bench check model`."""

    names: Annotated[
        list[str],
        typer.Argument(metavar="MODEL", help="Models, also of other packages: family/variant or package.module:Class."),
    ]


def check_model(options: CheckModelOptions) -> int:
    """Run the contract checks on models: whether each does what the interface promises."""
    from tabulate import tabulate

    import adapters
    from adapters.contract import broken

    failed = 0
    for name in options.names:
        found = broken(adapters.load(name, options.weights, available_device(options.device)))
        rows = [(check.replace("_", " "), reason or "kept") for check, reason in found.items()]
        print(tabulate(rows, headers=[name, ""], maxcolwidths=[None, 80]))
        failed += sum(reason is not None for reason in found.values())
    return SOME_FAILED if failed else OK
