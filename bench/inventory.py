"""What there is, as tables for people: models with their weights, data sets, prompts, protocols, runs."""

from pathlib import Path
from textwrap import fill

from tabulate import tabulate

import adapters
from adapters.weights.catalogue import (
    CATALOGUE,
    ENDINGS,
    MINI_FOLDER,
    Entry,
    Status,
    find,
    locate,
    status,
    weights_dir,
)  # fmt: skip
from bench import protocols
from bench.data import catalogue, datasets
from bench.errors import RunError
from bench.prompting.kinds import KINDS
from bench.store.run_folder import read_run


def models(folder: Path | None) -> str:
    """Every model: trained prompts, parameters, licence, and whether its weights are in the folder."""
    rows = []
    for name in adapters.REGISTRY:
        card = adapters.card(name)
        trained = "; ".join(sorted("+".join(sorted(kinds)) for kinds in card.trained))
        parameters = f"{card.parameters:,}" if card.parameters else "-"
        rows.append((name, card.title, trained, parameters, card.licence, weights_state(name, folder)))
    return tabulate(rows, headers=["model", "title", "trained prompts", "parameters", "licence", "weights"])


def weights_states(folder: Path | None) -> dict[str, str]:
    """Every model's weights, and every other weights file of the folder: present, missing, another checksum, damaged.

    A file that no checksum is known of is read whole.
    """
    states = {name: weights_state(name, folder) for name in adapters.REGISTRY}
    for name, state in states.items():
        entry = adapters.card(name).weights
        if entry and state not in (Status.MISSING.value, Status.PRESENT.value, Status.DIFFERS.value):
            states[name] = damage(locate(entry, weights_dir(folder))) or state
    given = weights_dir(folder)
    known = {find(entry, given) for entry in CATALOGUE.values()}
    files = [given] if given.is_file() else sorted(given.glob("*"))
    rest = (path for path in files if path.suffix in ENDINGS and path.is_file() and path not in known)
    return states | {path.name: damage(path) or "not in the catalogue, readable" for path in rest}


def damage(path: Path) -> str:
    """What is wrong with a weights file; nothing if it can be read, or only `bench convert` could tell."""
    from adapters.weights.checkpoint import DamagedWeights, check  # noqa: PLC0415 - torch, which lists do without

    try:
        check(path)
    except DamagedWeights as error:
        return f"damaged: {error}"
    except ValueError:
        return ""
    return ""


def weights_state(name: str, folder: Path | None) -> str:
    """How a model's weights stand."""
    entry = adapters.card(name).weights
    if entry is None:
        return "needs none"
    if entry in CATALOGUE:
        return status(CATALOGUE[entry], weights_dir(folder)).value
    shipped = MINI_FOLDER / f"{name.partition('/')[0]}.safetensors"
    return "present (mini)" if shipped.is_file() else "missing"


def downloads(names: list[str]) -> list[Entry]:
    """The catalogue's entries for the names of models, or for "all" that a program can fetch.

    Raises:
        ValueError: an unknown model.
        RunError: a model without weights of its own to fetch.
    """
    if names == ["all"]:
        return [entry for entry in CATALOGUE.values() if entry.url]
    full = [name if name in CATALOGUE else adapters.card(name).weights or name for name in names]
    for name in full:
        if name not in CATALOGUE:
            raise RunError(f"{name} needs no download: its weights, if it has any, come with the package")
    return [CATALOGUE[name] for name in full]


def data_sets(data: Path | None) -> str:
    """Every data set: licence and source, and how many folders below `data` hold it."""
    rows = []
    for name in datasets.REGISTRY:
        dataset = datasets.load(name)
        found = len(catalogue.roots(name, data)) if data else "-"
        rows.append((name, dataset.title, dataset.modality, dataset.licence, found, dataset.source))
    widths = [None, 30, None, 35, None, 60]
    headers = ["name", "title", "modality", "licence", "found", "source"]
    return tabulate(rows, headers=headers, maxcolwidths=widths)


def prompt_kinds() -> str:
    """Every kind of simulated prompt."""
    return tabulate([(name, kind.text) for name, kind in KINDS.items()], headers=["prompt", "what"])


def all_protocols() -> str:
    """Every rule of every protocol, then where the rules come from."""
    known = protocols.PROTOCOLS.values()
    rules = [*protocols.PROMPTING, *protocols.SCORING]
    rows = [(rule, *(_rule(getattr(protocol, rule)) for protocol in known)) for rule in rules]
    table = tabulate(rows, headers=["rule", *protocols.PROTOCOLS], disable_numparse=True)
    sources = [fill(f"{one.name}: {one.source}.", 110, subsequent_indent="  ") for one in known]
    scoring = f"Rules of scoring, which `bench score --protocol` can change later: {', '.join(protocols.SCORING)}."
    return "\n".join([table, "", scoring, "", *sources])


def _rule(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def runs(folder: Path) -> str:
    """Run folders below `folder` with what they hold."""
    rows = []
    for path in sorted(folder.glob("*/run.json")):
        try:
            facts = read_run(path.parent)
        except (RunError, ValueError) as error:
            rows.append((path.parent, "no run", "", "", str(error)))
            continue
        state = "scored" if facts.finished["score"] else "unfinished"
        rows.append((path.parent, state, facts.config.protocol, ",".join(facts.config.prompts), facts.world_text))
    return tabulate(rows, headers=["run", "state", "protocol", "prompts", "what"])
