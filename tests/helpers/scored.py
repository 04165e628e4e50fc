"""A scored run folder made of nothing but names and random scores, for tests of what reads one."""

import json

import numpy as np

import adapters
from bench import world
from bench.data import datasets
from bench.store.run_folder import write_table
from tests.helpers.records import records

OFFICIAL = ("sam/vit_b", "sam2/hiera_base_plus", "medsam/vit_b", "huang/vit_b", "sam-med2d/vit_b", "imis/vit_b")
PAPER = ("isles2022", "segthor", "totalsegmentator-mri")


def write_scored(folder, models=OFFICIAL, names=PAPER, patients=8, level=0.75, prompts=("box",), **config):
    """Two slices a patient and class, Dice and HD95 around `level` and 10 mm, each model better than the last."""
    facts = {
        "config": {
            "models": list(models), "datasets": list(names), "prompts": list(prompts), "clicks": 1, "protocol": "bench",
            "world": "real", "limit": None, "allow_random": False,
        } | config,
        "world_text": world.text(models, config.get("world", "real")),
        "models": {
            name: {"title": card.title, "licence": card.licence, "trained_on": card.trained_on}
            for name in models for card in [adapters.card(name)]
        },
        "not_applicable": [], "untrained": [],
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(facts))
    write_table(scores(models, names, patients, level, prompts), folder / "records.parquet")
    return folder


def scores(models, names, patients, level, prompts):
    rng = np.random.default_rng(0)
    rows = []
    for name in names:
        targets = [targets[0] for targets in (datasets.load(name).rows or {"thing": ("thing",)}).values()]
        for patient in range(patients):
            difficulty = rng.normal(0, 0.03)
            for target in targets:
                for place, model in enumerate(models):
                    for number in range(2):
                        value = level + difficulty + 0.01 * place + rng.normal(0, 0.02)
                        facts = {"dataset": name, "patient": f"p{patient}", "case": f"c{patient}", "slice": number}
                        facts |= {"model": model, "target": target}
                        for prompt in prompts:
                            rows.append(facts | {"prompt": prompt, "value": min(value, 1)})
                            rows.append(facts | {"prompt": prompt, "metric": "hd95", "value": 40 * (1 - value)})
    return records(*rows)
