"""Linear layers on a CPU by oneDNN where that is as exact and faster.

PyTorch multiplies float32 matrices with MKL, which on some processors runs far below what they can do, while oneDNN,
which PyTorch also holds, does not. Which is true here is measured, never guessed from the processor's name, and never
by `torch.set_float32_matmul_precision`, which on some processors silently rounds to bfloat16.

Both ways are exact to float32, but not to the last bit. So that a machine gives the same bytes in every run and in
every worker, it is measured once and the decision is kept in the cache folder; where it cannot be kept it is not used.
Delete the file to measure again, for example after a change of the hardware. A new version of PyTorch is measured anew.
The decision is the machine's, not a model's, so that all models of a table are computed alike. Layers that are too
small to gain (all those of the mini models) are always PyTorch's own.
"""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pooch
import torch
from filelock import FileLock
from torch import Tensor, nn
from torch.nn import functional as F

from adapters.published import as_published

# Rows, inputs and outputs of typical products: ViT-B's layers, scores and values of its attention, a decoder's layer.
SHAPES = ((1024, 768, 2304), (1024, 768, 3072), (1024, 3072, 768), (512, 64, 4096), (512, 4096, 64), (4096, 256, 128))
LARGEST_ERROR = 5e-6  # relative to the product in float64
FASTER = 1.1  # in total over the shapes; below it the gain is not worth another arithmetic
ROUNDS = 4
FEWEST_ROWS = 64
FEWEST_WEIGHTS = 256 * 128


class OneDnnLinear(nn.Linear):
    """A linear layer that oneDNN computes: float32 on a CPU, without gradients; else PyTorch's own."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        rows = x.numel() // max(1, x.shape[-1])
        if rows < FEWEST_ROWS or not _suits(x):
            return super().forward(x)
        return _one_dnn(x, self.weight, self.bias)


def use_one_dnn(network: nn.Module) -> None:
    """Let the larger linear layers of a network compute by oneDNN if this machine gains; weights and names stay."""
    large = [m for m in network.modules() if type(m) is nn.Linear and m.weight.numel() >= FEWEST_WEIGHTS]
    if large and decision()["use"]:
        for module in large:
            module.__class__ = OneDnnLinear


def product(left: Tensor, right: Tensor) -> Tensor:
    """The product (n, m) of left (n, K) and the transpose of right (m, K), both contiguous."""
    worth = len(left) >= FEWEST_ROWS and right.numel() >= FEWEST_WEIGHTS
    if worth and _suits(left) and decision()["use"]:
        return _one_dnn(left, right, None)
    return left @ right.t()


def _suits(x: Tensor) -> bool:
    plain = x.dtype == torch.float32 and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    return plain and not torch.is_grad_enabled() and not as_published()


def _one_dnn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    made: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return made


@cache
def decision() -> dict[str, Any]:
    """This machine's decision, measured if there is none yet.

    Returns:
        `use`; `error`, the largest relative error of oneDNN; `speedup` over PyTorch's own way; and `reason`.
    """
    path = decision_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if path.exists():
                kept: dict[str, Any] = json.loads(path.read_text())
                return kept
            made = measure()
            unfinished = path.with_suffix(f".{os.getpid()}")
            unfinished.write_text(json.dumps(made, indent=1))
            unfinished.replace(path)
            return made
    except (OSError, ValueError) as error:
        return _verdict(False, f"the decision cannot be kept in {path}: {error}")


def summary() -> str:
    """The decision in a few words."""
    made = decision()
    return f"oneDNN ({made['speedup']:.2f} times as fast)" if made["use"] else f"PyTorch's own ({made['reason']})"


def decision_path() -> Path:
    """The file that keeps it: one for each machine, version of PyTorch and instruction set."""
    machine = f"{platform.node()} {platform.machine()} {torch.__version__} {torch.backends.cpu.get_cpu_capability()}"
    return Path(pooch.os_cache("segmote-bench")) / f"linear-{hashlib.sha256(machine.encode()).hexdigest()[:12]}.json"


def measure() -> dict[str, Any]:
    """Compare both ways on this machine, on one thread; takes about a second."""
    if not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")):
        return _verdict(False, "this PyTorch has no oneDNN")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            return _compare([_operands(*shape) for shape in SHAPES])
    finally:
        torch.set_num_threads(threads)


def _operands(rows: int, inputs: int, outputs: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(rows)
    sizes = ((rows, inputs), (outputs, inputs), (outputs,))
    x, weight, bias = (torch.randn(size, generator=generator) for size in sizes)
    return x, weight, bias


def _compare(operands: list[tuple[Tensor, Tensor, Tensor]]) -> dict[str, Any]:
    try:
        error = max(_error(*each) for each in operands)
    except RuntimeError as reason:
        return _verdict(False, f"oneDNN refuses: {str(reason).splitlines()[0]}")
    if not error < LARGEST_ERROR:
        return _verdict(False, f"not float32: relative error above {LARGEST_ERROR:g}", error)
    ways = (F.linear, _one_dnn)
    fastest = [[min(_seconds(way, each) for _ in range(ROUNDS)) for way in ways] for each in operands]
    own, other = (sum(column) for column in zip(*fastest, strict=True))
    faster = own / other > FASTER
    return _verdict(faster, "exact and faster" if faster else "not clearly faster", error, own / other)


def _error(x: Tensor, weight: Tensor, bias: Tensor) -> float:
    exact = F.linear(x.double(), weight.double(), bias.double())
    return float((_one_dnn(x, weight, bias) - exact).norm() / exact.norm())


def _seconds(way: Callable[..., Tensor], operands: tuple[Tensor, ...]) -> float:
    start = time.process_time()
    way(*operands)
    return time.process_time() - start


def _verdict(use: bool, reason: str, error: float | None = None, speedup: float | None = None) -> dict[str, Any]:
    return {"use": use, "reason": reason, "error": error, "speedup": speedup}
