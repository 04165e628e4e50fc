"""The page of a run: one file with its tables, figures, gallery, facts and failures, which asks no server."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench import protocols
from bench.reporting.figures.picture import Absent
from bench.reporting.gallery.cards import Gallery
from bench.reporting.gallery.contact_sheets import ORACLE
from bench.reporting.page.tables import PageTable, of_frame
from bench.store.files import read_json
from bench.store.run_facts import RunFacts
from bench.store.run_folder import certificate_path


@dataclass(frozen=True, slots=True)
class PageFigure:
    """A figure of the page.

    Attributes:
        name, title, caption, alt: of the figure.
        png: its content.
    """

    name: str
    title: str
    caption: str
    alt: str
    png: bytes

    @property
    def address(self) -> str:
        """The content as a data address."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True, slots=True)
class Chapter:
    """Tables of one prompt kind, or of the run.

    Attributes:
        title: of the chapter.
        shown: tables that stand open.
        folded: tables that open on demand.
    """

    title: str
    shown: Sequence[PageTable]
    folded: Sequence[PageTable]


@dataclass(frozen=True, slots=True)
class Page:
    """All that a page shows.

    Attributes:
        name: of the run.
        facts: its `run.json`.
        chapters: of tables.
        figures: figures.
        absent: figures that the run has no data for.
        gallery: the gallery.
        failures: what was left out, with reasons.
    """

    name: str
    facts: RunFacts
    chapters: Sequence[Chapter]
    figures: Sequence[PageFigure]
    absent: Sequence[Absent]
    gallery: Gallery
    failures: pd.DataFrame

    @property
    def oracle(self) -> str:
        """What to say of the gallery where the scored mask may be another than the drawn one."""
        return ORACLE if protocols.load(self.facts.config.protocol).selection == "oracle" else ""


def render(page: Page) -> str:
    """The page as one HTML text; every value is escaped, and only the page's own script may run."""
    environment = Environment(
        loader=PackageLoader("bench.reporting.page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    style, script = _resource("report.css"), _resource("report.js")
    return environment.get_template("report.html.j2").render(
        page=page,
        style=Markup(style),
        script=Markup(script),
        policy=f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}",
        facts=facts(page.facts),
        failures=failures(page.failures),
        choices=choices(page.gallery),
    )


def _resource(name: str) -> str:
    return (files("bench.reporting.page") / "templates" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """The name by which a content security policy lets exactly this text pass."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def facts(found: RunFacts) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a run was: groups of names and values, from `run.json`."""
    checks = {"prompts.parquet (sha256)": found.prompts_sha256}
    for name, model in found.models.items():
        if model.weights:
            checks[f"{name}: {model.weights} (sha256)"] = model.weights_sha256
    for name, one in found.data.items():
        checks[f"{name}: label files (sha256)"] = one.labels_sha256
    counts = {
        name: ", ".join(f"{number} {what}" for what, number in part.items()) for name, part in found.counts.items()
    }
    models = {
        name: f"{model.title}; {_count(model.parameters)}; {model.licence}; {model.source}"
        for name, model in found.models.items()
    }
    groups: dict[str, Mapping[str, Any]] = {
        "Configuration": found.config.identity(),
        f"Rules of the protocol {found.protocol['name']}": found.protocol,
        "Models": models,
        "Counts": counts,
        "Releases": {name: f"{one.release} ({one.seen})" for name, one in found.data.items() if one.release},
        "Checksums": checks,
        "Versions": found.versions,
        "Hardware": found.hardware,
        "Faster arithmetic against the published one": _proof(found.config.out),
        # Those of the report are not known before its page is written.
        "Seconds": {step: seconds for step, seconds in found.seconds.items() if step != "report"},
        "Not asked": {f"{model}, {kind}": reason for (model, kind), reason in found.not_applicable.items()},
        "Warnings": {name: "; ".join(texts) for name, texts in found.warnings.items()},
    }
    return [(title, [(name, _text(value)) for name, value in part.items()]) for title, part in groups.items() if part]


def _proof(run: Path) -> Mapping[str, str]:
    """A sentence for each model of the certificate that `bench verify-fast` left in the run folder, if it did."""
    path = certificate_path(run)
    found: Mapping[str, str] = read_json(path)["summary"] if path.exists() else {}
    return found


def _count(parameters: int | None) -> str:
    return "no parameters" if not parameters else f"{parameters:,} parameters"


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


def failures(frame: pd.DataFrame) -> PageTable:
    """What was left out, the reasons first."""
    columns = ["kind", "reason", "dataset", "patient", "case", "target", "model", "prompt", "stage"]
    caption = "Cases, targets and predictions that are not in the numbers, each with its reason."
    return of_frame("failures", "Left out", caption, frame[columns])


def choices(gallery: Gallery) -> dict[str, list[str]]:
    """What the gallery can be filtered by: attribute of a pick to its values."""
    names = ("prompt", "model", "dataset", "label", "why")
    return {name: list(dict.fromkeys(str(getattr(card.shown.pick, name)) for card in gallery.cards)) for name in names}
