"""What run.json says of a run: models, rules, versions, hardware."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import adapters
from adapters import Card
from adapters.weights import catalogue
from adapters.weights.download import file_sha256
from bench import protocols, world
from bench.config import RunConfig
from bench.data.given_masks import GivenMasks, given_models
from bench.errors import RunError
from bench.prompting.kinds import KINDS, applies
from bench.store.run_facts import ModelFacts, RunFacts

PACKAGES = (
    "segmote-bench", "torch", "torchvision", "segment-anything", "sam2", "numpy", "scipy", "scikit-image",
    "pillow", "nibabel", "pandas", "pyarrow",
)  # fmt: skip


def describe(config: RunConfig) -> RunFacts:
    """What is known of a run before the first case is read; later steps fill in counts, warnings and seconds."""
    cards = {model: adapters.card(model) for model in config.models}
    asked = [(model, kind) for model in config.models for kind in config.prompts]
    reasons = {pair: applies(cards[pair[0]], pair[1], config.untrained_prompts) for pair in asked}
    usual = {pair: applies(cards[pair[0]], pair[1], False) for pair in asked}
    protocol = protocols.load(config.protocol)
    if protocol.prompted == "every" and (alone := [kind for kind in config.prompts if KINDS[kind].whole_mask]):
        raise RunError(f"prompt {', '.join(alone)} needs a protocol of volumes, for example --protocol volume")
    models = {model: describe_model(model, config) for model in config.models}
    return RunFacts(
        config=config,
        protocol={field: getattr(protocol, field) for field in protocol.__slots__},
        world_text=world.text(config.models, config.world, config.allow_random, config.prompted) + _unpublished(models),
        models=models,
        not_applicable={pair: reason for pair, reason in reasons.items() if reason},
        untrained=frozenset(pair for pair, reason in usual.items() if reason and not reasons[pair]),
        versions={"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        hardware=_hardware(config.device) | ({"cache of embeddings": str(config.cache)} if config.cache else {}),
    )


def describe_model(model: str, config: RunConfig) -> ModelFacts:
    """What a model is and which weights file it runs with; no checksum where it has none."""
    card = adapters.card(model)
    if given := dict(given_models(config.masks)).get(model):
        return _describe_masks(given, card, config.prompted)
    path = None if card.weights is None or config.allow_random else catalogue.locate(card.weights, config.weights)
    return ModelFacts(
        title=card.title,
        parameters=card.parameters,
        licence=card.licence,
        source=card.source,
        trained_on=card.trained_on,
        weights=path.name if path else None,
        weights_sha256=file_sha256(path) if path else None,
    )


def _describe_masks(given: GivenMasks, card: Card, prompted: str) -> ModelFacts:
    """A folder of masks stands in place of a weights file: masks that changed are another run."""
    return ModelFacts(
        title=f"{card.title} (prompt: {prompted})",
        parameters=card.parameters,
        licence=card.licence,
        source=card.source,
        trained_on=card.trained_on,
        weights=given.folder.name,
        weights_sha256=given.sha256(),
    )


def _unpublished(models: Mapping[str, ModelFacts]) -> str:
    """Says whose weights are not the file that the catalogue knows; a converted one cannot be held against it."""
    other = []
    for name, facts in models.items():
        entry = catalogue.CATALOGUE.get(adapters.card(name).weights or "")
        if entry and entry.sha256 and facts.weights not in (None, Path(entry.file).with_suffix(".safetensors").name):
            other += [name] if facts.weights_sha256 != entry.sha256 else []
    return f" Not the published file, by its checksum: {', '.join(other)}." if other else ""


def _hardware(device: str) -> dict[str, Any]:
    import torch  # noqa: PLC0415 - a run that is finished already is described

    from adapters import linear  # noqa: PLC0415

    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.processor()
    facts = {"device": device, "name": name or platform.machine(), "cores": os.cpu_count()}
    return facts | ({"linear layers": linear.summary()} if device == "cpu" else {})
