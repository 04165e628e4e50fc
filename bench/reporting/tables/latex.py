"""Tables set in type: LaTeX in the layout of the paper's tables, with intervals, marks and notes."""

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap

from bench.reporting.tables.table import Cell, Line, Table
from bench.reporting.tables.text_table import TextTable
from bench.statistics.patients import AVERAGE

PORTRAIT = 5  # value columns; more are set sideways
LINES = {"table": 30, "sidewaystable": 20}  # rows that fit a page below caption and notes
LATIN = 0x180  # first code beyond the letters that pdfLaTeX's default fonts have
HEAD = 13  # characters of a column title before it is broken
PACKAGES = r"\usepackage{textcomp,booktabs,rotating,adjustbox,caption,longtable}"

_ESCAPES = str.maketrans({
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "§": r"\S{}",
})  # fmt: skip
RANKED = r"\textbf{Bold}: best, \underline{underlined}: second best."
_RANKS = {0: "{}", 1: r"\textbf{{{}}}", 2: r"\underline{{{}}}"}


def escape(text: str) -> str:
    """Text with what LaTeX would read as a command made plain; control characters and letters beyond Latin as codes."""
    known = "".join(one if _has_glyph(one) else f"[U+{ord(one):04X}]" for one in text)
    return known.translate(_ESCAPES)


def _has_glyph(one: str) -> bool:
    return one in "–—‘’“”" or (ord(one) < LATIN and one.isprintable())  # noqa: RUF001


def to_latex(table: Table | TextTable) -> str:
    """A table of scores as one floating table, or several on as many pages; a text table as one that runs over pages.

    Best bold, second best underlined, intervals in small type. Needs the packages of `PACKAGES`.
    """
    if isinstance(table, TextTable):
        return _long(table)
    kind = "table" if len(table.models) <= PORTRAIT else "sidewaystable"
    parts = list(_parts(table.lines, LINES[kind]))
    return "\n".join(_float(table, part, kind, number) for number, part in enumerate(parts))


def _parts(lines: Sequence[Line], limit: int) -> Iterator[list[Line]]:
    """The lines cut into pages, between data sets where that is possible."""
    part: list[Line] = []
    for group in dict.fromkeys(line.group for line in lines):
        rows = [line for line in lines if line.group == group]
        if part and len(part) + len(rows) > limit:
            yield part
            part = []
        part += rows
        while len(part) > limit:
            yield part[:limit]
            part = part[limit:]
    if part or not lines:
        yield part


def _float(table: Table, lines: Sequence[Line], kind: str, number: int) -> str:
    count = len(table.models)
    head = [*map(escape, table.heads), "$n$", "pat.", *(_stacked(table.title(name)) for name in table.models)]
    continued = r"\ContinuedFloat" if number else ""
    caption = (
        r"\caption[]{(continued)}"
        if number
        else rf"\caption{{{escape(table.caption)} {RANKED}}}\label{{tab:{table.name}}}"
    )
    return "\n".join([
        rf"\begin{{{kind}}}[!htbp]", rf"\centering\footnotesize{continued}", caption,
        r"\setlength{\tabcolsep}{4pt}", r"\begin{adjustbox}{max width=\linewidth}",
        rf"\begin{{tabular}}{{@{{}}llrr*{{{count}}}{{c}}@{{}}}}", r"\toprule",
        " & ".join(head) + r" \\", r"\midrule", *_body(table, lines), r"\bottomrule", r"\end{tabular}",
        r"\end{adjustbox}", *_notes(table.notes), rf"\end{{{kind}}}", "",
    ])  # fmt: skip


def _stacked(title: str) -> str:
    """A column title broken into short lines, the last one at the bottom."""
    lines = wrap(title.replace("/", "/ "), HEAD) or [""]
    return r"\shortstack{" + r" \\ ".join(escape(line.replace("/ ", "/")) for line in lines) + "}"


def _body(table: Table, lines: Sequence[Line]) -> Iterator[str]:
    last = None
    for line in lines:
        if last not in (None, line.group):
            yield r"\midrule"
        elif line.label == AVERAGE and last is not None:
            yield rf"\cmidrule(l){{2-{4 + len(table.models)}}}"
        group = "" if line.group == last else escape(table.title(line.group))
        values = [_value(table, *pair) for pair in zip(table.ranks(line), line.cells, strict=True)]
        yield (
            " & ".join([group, escape(table.title(line.label)), str(line.n), str(line.patients), *values])
            + r" \\[-2pt]"
        )
        intervals = [rf"{{\scriptsize {text}}}" if (text := c.interval(table.metric)) else "" for c in line.cells]
        yield " & ".join(["", "", "", "", *intervals]) + r" \\[1.5pt]"
        last = line.group


def _value(table: Table, rank: int, cell: Cell) -> str:
    """The number, with its marks raised beside it so that numbers stay below each other."""
    marks = rf"\rlap{{\textsuperscript{{{escape(','.join(cell.marks))}}}}}" if cell.marks else ""
    return _RANKS[rank].format(cell.number(table.metric)) + marks


def _notes(notes: Sequence[str]) -> list[str]:
    if not notes:
        return []
    text = escape("; ".join(notes))
    return [r"\par\smallskip\noindent", rf"\begin{{minipage}}{{\linewidth}}\footnotesize {text}.\end{{minipage}}"]


def _long(table: TextTable) -> str:
    wide = dict(table.wide)
    columns = [
        rf"p{{{wide[head]}\linewidth}}" if head in wide else "l" if place == 0 else "r"
        for place, head in enumerate(table.heads[1:])
    ]
    head = " & ".join(map(escape, table.heads[1:])) + r" \\ \midrule"
    body = [
        text
        for number, (group, found) in enumerate(table.grouped())
        for rows in [[[table.title(row[0]), *row[1:]] for row in found]]
        for text in (*[r"\addlinespace"][: number > 0], _spanning(table.title(group), len(columns)), *map(_row, rows))
    ]
    return "\n".join([
        r"{\footnotesize\setlength{\tabcolsep}{4pt}", rf"\begin{{longtable}}{{@{{}}{''.join(columns)}@{{}}}}",
        rf"\caption{{{escape(table.caption)}}}\label{{tab:{table.name}}}\\", r"\toprule", head, r"\endfirsthead",
        r"\caption[]{(continued)}\\", r"\toprule", head, r"\endhead", r"\bottomrule", r"\endfoot", *body,
        r"\end{longtable}", *_notes(table.notes), "}", "",
    ])  # fmt: skip


def _spanning(text: str, count: int) -> str:
    return rf"\multicolumn{{{count}}}{{@{{}}l}}{{\textit{{{escape(text)}}}}} \\*"


def _row(texts: Sequence[str]) -> str:
    small = [re.sub(r"(\[[^]]*, [^]]*\])", r"{\\scriptsize \1}", escape(text)) for text in texts]
    return " & ".join(small) + r" \\"


def document(names: Sequence[str]) -> str:
    """A document that shows the tables beside it: `pdflatex all.tex`, twice for the page breaks of long tables.

    Its pages are wide, so that tables which are set sideways in an article can be read on a screen.
    """
    body = [rf"\input{{{name}.tex}}\clearpage" for name in names]
    return "\n".join([
        r"\documentclass[a4paper,landscape,10pt]{article}", r"\usepackage[utf8]{inputenc}", PACKAGES,
        r"\usepackage[margin=2cm]{geometry}", r"\captionsetup{font=footnotesize,labelfont=bf,justification=justified}",
        r"\renewenvironment{sidewaystable}[1][p]{\begin{table}[#1]}{\end{table}}",
        r"\begin{document}", *body, r"\end{document}", "",
    ])  # fmt: skip
