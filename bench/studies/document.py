"""A document of headed answers with tables and figures: the same content as Markdown and as one HTML file."""

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.printable import printable
from bench.reporting.tables.safe_text import markdown_cell
from bench.store.files import write_bytes

STYLE = (
    "body{max-width:60em;margin:2em auto;padding:0 1em;font:16px/1.5 sans-serif;color:#222;background:#fff}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left}"
    "img{max-width:100%}h3{margin-bottom:0}"
)


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """A heading of a document with what stands below it.

    Attributes:
        question: the heading.
        text: may be empty.
        table: header and rows; may be empty.
        figures: PNG files at or below the folder of the document.
    """

    question: str
    text: str
    table: Sequence[Sequence[object]] = ()
    figures: Sequence[Path] = ()


Sections = Mapping[str, Sequence[SheetEntry]]


def write_document(title: str, sections: Sections, stem: Path) -> list[Path]:
    """Write `<stem>.md` and `<stem>.html`, with the same content; the page holds its figures itself.

    Args:
        title: of the whole.
        sections: title to entries.
        stem: path without ending.

    Returns:
        Both files.
    """
    texts = {".md": markdown(title, sections, stem.parent), ".html": page(title, sections)}
    paths = [stem.with_name(stem.name + suffix) for suffix in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        write_bytes(path, text.encode())
    return paths


def markdown(title: str, sections: Sections, folder: Path) -> str:
    """The document as Markdown in a folder, from which its figures are linked."""
    lines = [f"# {title}", ""]
    for section, entries in sections.items():
        lines += [f"## {section}", ""]
        for entry in entries:
            lines += [f"### {entry.question}", "", *([entry.text, ""] if entry.text else [])]
            for number, row in enumerate(entry.table):
                lines.append(f"| {' | '.join(markdown_cell(printable(str(cell))) for cell in row)} |")
                lines += ["|" + " --- |" * len(row)] * (number == 0)
            lines += [""] * bool(entry.table)
            for path in entry.figures:
                lines += [f"![{path.stem}]({path.relative_to(folder).as_posix()})", ""]
    return "\n".join(lines)


def page(title: str, sections: Sections) -> str:
    """The document as one HTML file that asks for no other; all text is escaped."""
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>{_cell(title)}</title>"]
    parts += [f"<style>{STYLE}</style>", f"<h1>{_cell(title)}</h1>"]
    for section, entries in sections.items():
        parts.append(f"<h2>{_cell(section)}</h2>")
        for entry in entries:
            parts.append(f"<h3>{_cell(entry.question)}</h3>" + (f"<p>{_cell(entry.text)}</p>" if entry.text else ""))
            if entry.table:
                rows = "".join(_row(row, number == 0) for number, row in enumerate(entry.table))
                parts.append(f"<table>{rows}</table>")
            parts += [_image(path) for path in entry.figures]
    return "\n".join([*parts, "</html>", ""])


def _row(row: Sequence[object], head: bool) -> str:
    tag = "th" if head else "td"
    return "<tr>" + "".join(f"<{tag}>{_cell(value)}</{tag}>" for value in row) + "</tr>"


def _image(path: Path) -> str:
    content = base64.b64encode(path.read_bytes()).decode()
    return f'<p><img alt="{_cell(path.stem)}" src="data:image/png;base64,{content}"></p>'


def _cell(value: object) -> str:
    return html.escape(printable(str(value)))
