import subprocess
import sys

import pytest

from adapters import allocator

FAULTS = """
import resource, torch
from adapters.allocator import keep_memory
keep = {keep} and keep_memory()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(8):  # the heap takes its place
    torch.ones(2**24).add(1)
before = faults()
for _ in range(5):
    torch.ones(2**24).add(1)
print(keep, faults() - before)
"""


def faults(keep):
    code = FAULTS.format(keep=keep)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kept, count = done.stdout.split()
    return kept == "True", int(count)


@pytest.mark.slow
@pytest.mark.skipif(allocator.platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_is_used_again():
    _, usual = faults(keep=False)
    kept, fewer = faults(keep=True)
    assert kept and fewer < usual / 4


@pytest.mark.parametrize("library", ["", "musl"])
def test_other_libraries_are_left_alone(monkeypatch, library):
    allocator.keep_memory.cache_clear()
    monkeypatch.setattr(allocator.platform, "libc_ver", lambda: (library, ""))
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _: pytest.fail("touched the allocator"))
    assert not allocator.keep_memory()
    allocator.keep_memory.cache_clear()
