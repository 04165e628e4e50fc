"""`bench check`: whether data and weights are as they should be; nothing is run."""

from dataclasses import dataclass

from bench.commands.options import OK, SOME_FAILED, DataSets, FollowLinks, TrustArrays, WeightsFolder


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
