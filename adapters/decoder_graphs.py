"""CUDA graphs of the mask decoder: the hundreds of kernels of a pass are recorded once and then launched as one.

Launching a decoder's kernels one by one takes the processor longer than computing a small pass takes the GPU. A graph
repeats the same shapes on the same memory. So the rows of a pass are filled up to one of a few sizes by repeating the
last row, copied to the graph's inputs, and what the graph drew is copied from its outputs. On a GPU rows are filled up
whether a graph is replayed or not, so that a mask does not depend on what was recorded before.

A shape is recorded when it comes for the second time. The graph is used only if it draws what the kernels drew one by
one, on the very inputs at hand; if it does not, or cannot be recorded, the network does without graphs from then on.
"""

import warnings
from collections.abc import Callable, Hashable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from adapters.published import as_published

ROWS = (1, 2, 4, 8, 16, 24, 32, 48, 64)
MOST_GRAPHS = 16
WARM_UPS = 3
LEAST_FREE = 0.25  # of a GPU's memory, below which nothing is recorded
# As in the exact group of `bench verify-fast`: a difference relative to the deviation, and the share of other signs.
LARGEST_ERROR, MOST_SIGNS = 1e-4, 1e-6

Given: TypeAlias = Sequence[Tensor | None]
Drawn: TypeAlias = tuple[Tensor, ...]
# Takes the number of rows, then tensors that have as many rows, or one row for all, or are missing.
Draw: TypeAlias = Callable[..., Drawn]
# Records a call on inputs that stay where they are, and returns what repeats it.
Record: TypeAlias = Callable[[Callable[[], Drawn]], Callable[[], Drawn]]


class DecoderGraphs:
    """Calls a network's decoder, by a CUDA graph where that is proven.

    Args:
        name: of the model, for the warning.
        record: makes a graph; None, as on a CPU, leaves every call as it is.
    """

    def __init__(self, name: str, record: Record | None) -> None:
        self._name, self._record, self._most = name, record, MOST_GRAPHS
        self._seen: set[Hashable] = set()
        self._graphs: dict[Hashable, tuple[list[Tensor | None], Callable[[], Drawn]]] = {}
        self._inputs: dict[Hashable, Tensor] = {}

    def __call__(self, draw: Draw, rule: Hashable, rows: int, *given: Tensor | None) -> Drawn:
        """What `draw(rows, *given)` returns: tensors of `rows` rows, of which the first holds logits.

        Args:
            draw: reads nothing that changes but its arguments and what `rule` names, and does not wait for the device.
            rule: all that `draw` depends on besides its arguments.
            rows: how many prompts there are.
            given: tensors of `rows` rows, or of one row for all, or None.
        """
        otherwise = as_published() or torch.is_grad_enabled() or torch.is_inference_mode_enabled()
        if self._record is None or rows > ROWS[-1] or otherwise:
            return draw(rows, *given)
        size = next(size for size in ROWS if size >= rows)
        full = [filled(part, rows, size) for part in given]
        key = rule, size, *(None if part is None else (part.shape, part.stride(), part.dtype) for part in full)
        if key in self._graphs:
            inputs, replay = self._graphs[key]
            _copy(full, inputs)
            return tuple(part[:rows].clone() for part in replay())
        drawn = draw(size, *full)
        if key in self._seen and len(self._graphs) < self._most:
            self._add(key, draw, size, full, drawn)
        self._seen.add(key)
        return tuple(part[:rows] for part in drawn)

    def _add(self, key: Hashable, draw: Draw, size: int, full: Given, expected: Drawn) -> None:
        """Record a graph and keep it if it repeats what was drawn."""
        assert self._record is not None
        try:
            inputs = [None if part is None else self._input(place, part) for place, part in enumerate(full)]
            _copy(full, inputs)
            replay = self._record(lambda: draw(size, *inputs))
            proven = all(map(agrees, replay(), expected))
            reason = "a graph did not draw what its kernels draw one by one"
        except RuntimeError as error:  # out of memory, too: graphs are what can be spared first
            proven, reason = False, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        if proven:
            self._graphs[key] = inputs, replay
            return
        self._most = 0
        self._graphs.clear()
        self._inputs.clear()
        warnings.warn(f"{self._name}: its decoder runs without CUDA graphs ({reason})", stacklevel=3)

    def _input(self, place: int, like: Tensor) -> Tensor:
        """A graph's input; graphs share it, the smaller ones its first rows."""
        key = place, like.shape[1:], like.stride()[1:], like.dtype
        if key not in self._inputs or len(self._inputs[key]) < len(like):
            self._inputs[key] = torch.empty_like(like)
        return self._inputs[key][: len(like)]


def filled(part: Tensor | None, rows: int, size: int) -> Tensor | None:
    """A tensor of `rows` rows with its last row repeated up to `size` rows; one row for all stays one row."""
    if part is None or len(part) != rows or rows == size:
        return part
    return torch.cat([part, part[-1:].expand(size - rows, *part.shape[1:])])


def agrees(found: Tensor, expected: Tensor) -> bool:
    """Whether two results are the same but for rounding, both in their values and in their signs."""
    if found.shape != expected.shape:
        return False
    near = (found - expected).abs().max() <= LARGEST_ERROR * expected.square().mean().sqrt()
    signs = ((found > 0) != (expected > 0)).float().mean() <= MOST_SIGNS
    return bool(near & signs)


def _copy(full: Given, inputs: Given) -> None:
    for part, place in zip(full, inputs, strict=True):
        if part is not None and place is not None:
            place.copy_(part)


class CudaRecorder:
    """Records CUDA graphs, which share a stream and a pool of memory: none is replayed while another one is.

    Args:
        device: a GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        with torch.cuda.device(device):
            self._stream, self._pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()

    def __call__(self, call: Callable[[], Drawn]) -> Callable[[], Drawn]:
        """Record a call, after it has warmed up; what is returned repeats it and hands out the same tensors.

        Raises:
            RuntimeError: the call cannot be recorded, or too little memory is free.
        """
        free, total = torch.cuda.mem_get_info(self._device)
        free += torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
        if free < LEAST_FREE * total:
            raise torch.OutOfMemoryError(f"only {free / total:.0%} of the memory is free")
        with torch.cuda.device(self._device):
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                for _ in range(WARM_UPS):
                    call()
            torch.cuda.current_stream().wait_stream(self._stream)
            graph = torch.cuda.CUDAGraph()
            # Other threads go on reading files, which must not break the recording.
            with torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"):
                drawn = call()

        def replay() -> Drawn:
            graph.replay()
            return drawn

        return replay


def decoder_graphs(name: str, device: torch.device) -> DecoderGraphs:
    """The graphs of a model's decoder on a device: none on a CPU."""
    return DecoderGraphs(name, CudaRecorder(device) if device.type == "cuda" else None)
