"""Speed of the official-size models on a CPU against the published way of using them, in one process on one thread.

(a) is the naive loop, which encodes the image anew for every object, (b) encodes it once and decodes one by one; both
by the official predictors of `segment_anything` and `sam2` with glibc's usual allocator settings, or, for models
without an official package, by our network with the authors' arithmetic. (a) is computed from the parts of (b).

    pytest -n 0 -m slow --benchmark-enable -s tests/benchmarks/test_models.py

Guards lie below what was measured; what the issue demands, what was measured and what a processor allows is in
docs/performance.md.
"""

import ctypes
import gc
import resource
import time
from contextlib import contextmanager
from statistics import median

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import adapters
from adapters import Prompt, batching, linear
from adapters.allocator import MMAP_MAX, TOP_PAD, TRIM_THRESHOLD, keep_memory
from adapters.published import published_arithmetic
from bench.studies.equality.sessions import published

pytestmark = [pytest.mark.slow, pytest.mark.benchmark(timer=time.process_time)]
OBJECTS, ROUNDS = 8, 2
MMAP_THRESHOLD = -3
# What glibc comes to by itself once a process has freed large arrays.
USUAL = {MMAP_THRESHOLD: 32 * 2**20, MMAP_MAX: 65536, TRIM_THRESHOLD: 64 * 2**20, TOP_PAD: 128 * 2**10}
GFLOPS = {"sam/vit_b": 941.7, "sam2/hiera_tiny": 292.4, "sam-med2d/vit_b": 71.8, "segmote/released": 209.7}
GFLOPS_A_PROMPT = {"sam/vit_b": 3.62, "sam2/hiera_tiny": 3.64, "sam-med2d/vit_b": 0.27, "segmote/released": 17.2}


@contextmanager
def usual_allocator():
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for name, value in USUAL.items():
            libc.mallopt(name, value)
        libc.malloc_trim(0)
    yield
    keep_memory.cache_clear()
    keep_memory()


def open_model(name):
    torch.manual_seed(0)
    model = adapters.load(name, weights="random")
    with torch.no_grad():
        for parameter in model.network.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)  # such as positions: zeros would hide a mistake
    return model


@pytest.fixture(scope="module", params=list(GFLOPS))
def model(request):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield open_model(request.param)
    torch.set_num_threads(threads)
    gc.collect()


PICTURE = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
BOXES = [np.array([20 + 10 * n, 30 + 5 * n, 200 + 20 * n, 250 + 15 * n], np.float32) for n in range(OBJECTS)]


def seconds(call):
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


def theirs(model):
    """Seconds of encoding, and of decoding all objects one by one, as published."""
    with usual_allocator(), published_arithmetic(), torch.no_grad():
        ask, encoding = seconds(lambda: published(model, PICTURE))
        _, decoding = seconds(lambda: [ask(Prompt(box=box)) for box in BOXES])
        if model.card.name.startswith("segmote"):  # the released code makes them for each prompt
            decoding += OBJECTS * seconds(lambda: details(model))[1]
    return encoding, decoding


def details(model):
    config = model.network.config
    grid = config.image_size // config.encoder.patch
    return model.network.details(
        torch.zeros(1, config.dim, grid, grid), torch.zeros(1, config.encoder.width, grid, grid)
    )


def ours(model):
    [encoded] = model.encode([PICTURE])
    return model.decode([(encoded, Prompt(box=box)) for box in BOXES])


def floor(name, precision):
    """Seconds if every multiplication ran at the best speed that a large matrix reaches here."""
    x, weight, bias = torch.randn(2048, 768), torch.randn(3072, 768), torch.randn(3072)
    ways = [F.linear, linear._one_dnn]
    if precision == "bf16":
        x, weight, bias = (part.bfloat16() for part in (x, weight, bias))
    with torch.no_grad():
        fastest = min(seconds(lambda way=way: way(x, weight, bias))[1] for way in ways for _ in range(5))
    speed = 2 * x.shape[0] * weight.numel() / fastest / 1e9
    return (GFLOPS[name] + OBJECTS * GFLOPS_A_PROMPT[name]) / speed


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_one_image_with_eight_boxes(benchmark, model, precision):
    guards = {"fp32": 1.1, "bf16": 1.3}
    name, official = model.card.name, []
    model.precision = precision
    ours(model)  # the heap takes its place
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

    def beside():
        official.append(theirs(model))

    benchmark.pedantic(ours, args=(model,), setup=beside, rounds=ROUNDS)
    model.precision = "fp32"
    if not benchmark.enabled:
        return
    encoding, decoding = (median(column) for column in zip(*official, strict=True))
    mine, least = benchmark.stats.stats.median, floor(name, precision)
    naive, once = OBJECTS * encoding + decoding, encoding + decoding
    found = {
        "ours": mine, "floor": least, "(a)": naive / mine, "(b)": once / mine, "(b) at the floor": once / least,
        "their encoding": encoding, "their prompt": decoding / OBJECTS, "peak GiB": peak,
    }  # fmt: skip
    benchmark.extra_info.update(found)
    print(f"\n{name} {precision}:", ", ".join(f"{key} {value:.2f}" for key, value in found.items()))
    assert found["(b)"] > guards[precision]


def test_decoding_together(benchmark, model):
    [encoded] = model.encode([PICTURE])
    requests = [(encoded, Prompt(box=box)) for box in BOXES]
    single = []

    def one_by_one():
        single.append(seconds(lambda: [model.decode([request]) for request in requests])[1])

    model.decode(requests)
    benchmark.pedantic(model.decode, args=(requests,), setup=one_by_one, rounds=5)
    if benchmark.enabled:
        ratio = benchmark.stats.stats.min / min(single)
        text = f"together {benchmark.stats.stats.min / OBJECTS:.3f} s a prompt, {ratio:.2f} of one by one"
        print(f"\n{model.card.name}: {text}, {batching.OBJECTS_PER_PASS['cpu']} at once")
        assert ratio <= 1.05


def test_encoder_under_the_same_allocator(benchmark, model):
    if model.card.name != "sam/vit_b":
        pytest.skip("demanded of SAM's ViT-B")
    encoder, x, plain = model.network.image_encoder, torch.randn(1, 3, model.side, model.side), []

    def published_encoder():
        with published_arithmetic(), torch.no_grad():
            plain.append(seconds(lambda: encoder(x)))

    with torch.no_grad():
        found = benchmark.pedantic(torch.no_grad()(encoder), args=(x,), setup=published_encoder, rounds=ROUNDS)
    expected, _ = plain[0]
    error = float((found - expected).norm() / expected.norm())
    assert error <= 5e-6
    if benchmark.enabled:
        ratio = median(spent for _, spent in plain) / benchmark.stats.stats.median
        print(f"\nViT-B encoder {ratio:.2f} times as fast as published, error {error:.1e}")
        assert ratio >= 1.6
