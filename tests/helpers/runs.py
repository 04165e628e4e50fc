"""Runs made up for tests of what is drawn from them: facts and records without any model."""

from bench.reporting.material import Material
from tests.helpers.records import records

MODELS = ("baseline/box", "sam/mini", "medsam/mini")


def facts(models=MODELS, datasets=("segthor", "isles2022"), prompts=("box",), protocol="bench", clicks=3):
    """The parts of `run.json` that figures and page read."""
    return {
        "config": {
            "models": list(models), "datasets": list(datasets), "prompts": list(prompts), "protocol": protocol,
            "clicks": clicks, "precision": "fp32", "seed": 0, "limit": None, "data": "/nowhere",
        },
        "protocol": {"name": protocol, "axis": "axial"},
        "world_text": "Mini weights on phantom data.",
        "models": {
            name: {
                "title": name, "parameters": 10, "licence": "MIT", "source": "-", "trained_on": "-", "weights": "w",
                "weights_sha256": "ab12",
            }
            for name in models
        },
        "not_applicable": [],
        "untrained": [],
        "versions": {"python": "3.11", "segmote-bench": "0.1.0"},
        "hardware": {"device": "cpu", "name": "a chip", "cores": 2},
        "prompts_sha256": "cd34",
        "counts": {name: {"cases": 2, "patients": 2, "prompts": 4} for name in datasets},
        "warnings": {},
        "seconds": {"predict": 1.0, "score": 1.0},
    }  # fmt: skip


def material(rows, **chosen):
    """A run with these records, each a mapping of what differs from `tests.records.DEFAULTS`."""
    return Material(facts(**chosen), records(*rows))


def everything(dice, patients=3, **chosen):
    """A run in which every model scores every patient's two objects on every data set.

    Args:
        dice: (data set, model, patient number, object number) to Dice.
        patients: how many.
        chosen: see `facts`.
    """
    found = facts(**chosen)
    rows = [
        {
            "model": model, "dataset": dataset, "patient": f"p{patient}", "case": f"c{patient}", "slice": number,
            "target": "heart", "prompt": prompt, "value": dice(dataset, model, patient, number),
            "area_px": 10 + 100 * number, "seconds_encode": 0.01, "seconds_decode": 0.002,
        }
        for prompt in found["config"]["prompts"]
        for dataset in found["config"]["datasets"]
        for model in found["config"]["models"]
        for patient in range(patients)
        for number in range(2)
    ]  # fmt: skip
    return Material(found, records(*rows))


def level(dataset, model, patient, number):
    """Dice that tells models, patients and objects apart."""
    return 0.5 + 0.1 * MODELS.index(model) + 0.01 * patient + 0.05 * number
