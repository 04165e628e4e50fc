"""Scores of different releases of a data set are never held against one another."""

from collections.abc import Mapping

from bench.data.fingerprint import Fingerprint
from bench.errors import RunError

Fingerprints = Mapping[str, Fingerprint]


def require_same_releases(first: object, ours: Fingerprints, second: object, theirs: Fingerprints) -> None:
    """Refuse to compare two runs, or a run with a reference, across releases of a data set.

    Args:
        first, ours: what the message calls the one, and its data sets.
        second, theirs: of the other. Data sets of one alone are passed over, as are those of descriptions that were
            written before releases were.

    Raises:
        RunError: names the data set and both releases.
    """
    for name in (name for name in ours if name in theirs):
        one, other = ours[name], theirs[name]
        if not one.same_release(other):
            raise RunError(
                f"{first} has {name} {one.text or 'without a release'} and {second} has {name} "
                f"{other.text or 'without a release'}: scores on different releases cannot be compared; "
                "run both on one release"
            )
