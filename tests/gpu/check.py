"""All checks that need a GPU, in order of importance, until the time is over; what is done is written at once.

python -m tests.gpu.check --device cuda                   results/performance/<card>.json and .md
python -m tests.gpu.check --device cpu --small            a rehearsal with mini networks
"""

import argparse
import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from adapters.precision import use_whole_float32
from tests.gpu import agreement, speed

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference" / "demo-box.json"
MOST_DICE = 0.005  # how far a row of the mini world may move between devices
# The tests marked `gpu` that compare no official network with the CPU, which is a part of its own.
TESTS = ("tests/gpu", "tests/adapters/test_pinned.py", "tests/bench/predicting/test_transfer.py")
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def main() -> int:
    """Run what the time allows; exits with 1 if a device disagrees, a test fails or a row of the mini world moved."""
    options = _options()
    use_whole_float32()
    results: dict[str, Any] = {"about": _about(options.device, options.small)}
    started, until = time.monotonic(), time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory() as work:
        for name, part in _parts(options, until, Path(work)):
            if time.monotonic() > until:
                results.setdefault("left out for want of time", []).append(name)
                continue
            began = time.monotonic()
            results[name] = part()
            print(f"{name}: {time.monotonic() - began:.0f} s, {time.monotonic() - started:.0f} s in all", flush=True)
            _write(options.out, results)
    _write(options.out, results)
    compared = [*results.get("agreement", []), *results.get("decoder by CUDA graphs", [])]
    wrong = [row for row in compared if not row["agrees"]]
    moved = results.get("mini world", {}).get("moved", {})
    failed = [results["tests"]["end"]] if results.get("tests", {}).get("failed") else []
    print(*wrong, *failed, *moved.items(), sep="\n")
    return 1 if wrong or failed or moved else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="mini networks and few repeats")
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "performance")
    return parser.parse_args()


def _about(device: str, small: bool) -> dict[str, Any]:
    card = torch.cuda.get_device_name() if device.startswith("cuda") else f"{platform.machine()} CPU"
    return {
        "card": f"{card}, small" if small else card,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "python": platform.python_version(),
        "weights": "a function of the tensors' names, so numbers of Dice mean nothing here",
    }


def _parts(options: argparse.Namespace, until: float, work: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    device, small = options.device, options.small
    place = torch.device(device)
    names = agreement.MINIS if small else agreement.OFFICIAL
    sam, others = ("sam/mini", ()) if small else ("sam/vit_b", ("sam/vit_l", "sam/vit_h", "sam2/hiera_large"))
    light = "sam-med2d/mini" if small else "sam-med2d/vit_b"
    batches, prompts, repeats = ((1, 2), (1, 8), 1) if small else ((1, 8, 32), (1, 8, 64, 256, 512), 5)
    images, official_images = (2, 1) if small else (64, 2)
    rates = {name: speed.matmul_rate(place, dtype, 3) for name, dtype in PRECISIONS.items()}

    def encoders() -> list[dict[str, Any]]:
        models = (sam, light, *others)
        return [
            row
            for name in models
            for precision in PRECISIONS
            if time.monotonic() < until
            for row in speed.encoder(name, device, precision, rates[precision], batches, repeats)
        ]

    yield "matrix products, TFLOP/s", lambda: {name: rate / 1e12 for name, rate in rates.items()}
    yield "agreement", lambda: [row for name in names for row in agreement.compared(name, device, until - 240)]
    graphed = agreement.MINIS if small else (*agreement.MINIS, sam, "segmote/released")
    yield "decoder by CUDA graphs", lambda: [row for n in graphed for row in agreement.replayed(n, device, until - 200)]
    yield "tests", lambda: marked_tests(device)
    yield "mini world", lambda: mini_world(device, small, work)
    yield "decoder", lambda: [row for n in (sam, light) for row in speed.decoder(n, device, prompts, repeats)]
    yield "encoder", encoders
    yield (
        "end to end",
        lambda: [row for p in PRECISIONS for row in speed.end_to_end(sam, device, p, images, official_images)],
    )
    yield "bytes", lambda: [speed.bytes_moved(sam, device, work)]
    yield "embedding cache", lambda: [speed.cache(name, device, "fp32", work / name) for name in (sam, *others)]


def marked_tests(device: str) -> dict[str, Any]:
    """The tests marked `gpu`; on a CPU they are found, but not run."""
    how = [] if device.startswith("cuda") else ["--collect-only"]
    chosen = ["-m", "gpu", "-k", "not draws_what_the_cpu_draws", *TESTS]
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-q", *how, *chosen]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return {"failed": bool(done.returncode), "end": (done.stdout + done.stderr)[-2000:]}


def mini_world(device: str, small: bool, work: Path) -> dict[str, Any]:
    """`bench run` of the embedded default on the device; Dice of boxes against the CPU's reference."""
    out = work / "run"
    command = ["run", "--models", "all", "--prompt", "box,clicks", "--device", device, "--out", str(out)]
    if small:
        command += ["--limit", "1", "--clicks", "2"]
    started = time.monotonic()
    bench(*command)
    seconds = time.monotonic() - started
    if small:
        return {"seconds": seconds, "moved": {}}
    # Clicks depend on the masks before them, so that only boxes can be held against the reference.
    written = work / "reference.json"
    bench("verify", str(out), "--against", str(written), "--write")
    found, wanted = (json.loads(path.read_text())["dice"]["box"] for path in (written, REFERENCE))
    moves = {row: found.get(row, float("nan")) - value for row, value in wanted.items()}
    moved = {row: move for row, move in moves.items() if not abs(move) <= MOST_DICE}
    return {"seconds": seconds, "rows": len(moves), "largest move": max(map(abs, moves.values())), "moved": moved}


def bench(*arguments: str) -> None:
    """The command line in a process of its own."""
    code = "from bench.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"bench {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")


def _write(folder: Path, results: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^a-z0-9]+", "-", results["about"]["card"].lower()).strip("-")
    (folder / f"{stem}.json").write_text(json.dumps(results, indent=1))
    parts = [f"# {results['about']['card']}\n"]
    for name, value in results.items():
        rows = value if isinstance(value, list) and value and isinstance(value[0], dict) else None
        table = pd.DataFrame(rows).to_markdown(index=False, floatfmt=".4g") if rows else f"    {value}"
        parts.append(f"## {name}\n\n{table}\n")
    (folder / f"{stem}.md").write_text("\n".join(parts))


if __name__ == "__main__":
    raise SystemExit(main())
