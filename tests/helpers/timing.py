"""Processor time of several ways to do the same, taken in turn in one process, so that ratios hold on busy machines."""

import time

import numpy as np


def least_seconds(*ways, rounds=7):
    """The least processor time of each function in seconds, which other programs disturb less than the median.

    Args:
        ways: functions without arguments.
        rounds: in each of which all of them run in turn.
    """
    found = np.empty((rounds, len(ways)))
    for seconds in found:
        for number, way in enumerate(ways):
            start = time.process_time()
            way()
            seconds[number] = time.process_time() - start
    return found.min(axis=0).tolist()
