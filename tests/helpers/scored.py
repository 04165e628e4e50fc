"""A scored run folder made of nothing but names and random scores, for tests of what reads one."""

import numpy as np

import adapters
from bench import world
from bench.data import datasets
from bench.store.run_facts import ModelFacts
from bench.store.run_folder import records_path, write_run, write_table
from tests.helpers.records import records
from tests.helpers.runs import facts

OFFICIAL = ("sam/vit_b", "sam2/hiera_base_plus", "medsam/vit_b", "huang/vit_b", "sam-med2d/vit_b", "imis/vit_b")
PAPER = ("isles2022", "segthor", "totalsegmentator-mri")


def write_scored(folder, models=OFFICIAL, names=PAPER, patients=8, level=0.75, prompts=("box",), **config):
    """Two slices per patient and class, Dice and HD95 around `level` and 10 mm, each model better than the last."""
    chosen = {"world": "real", "clicks": 1} | config
    cards = [adapters.card(name) for name in models]
    changes = {
        "world_text": world.text(models, chosen["world"]),
        "models": {
            card.name: ModelFacts(card.title, 10, card.licence, "-", card.trained_on, None, None) for card in cards
        },
    }
    found = facts(changes, models=tuple(models), datasets=tuple(names), prompts=tuple(prompts), out=folder, **chosen)
    folder.mkdir(parents=True, exist_ok=True)
    write_run(found)
    write_table(scores(models, names, patients, level, prompts), records_path(folder))
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
