"""The claims of the paper's text, each checked by the rule that its kind names."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import groupby
from pathlib import Path

import pandas as pd

from bench.comparing.published import (
    CITATION,
    FOLDER,
    OURS,
    Key,
    Measured,
    Outcome,
    PrintedScore,
    Verdict,
    cells,
    check_averages,
    check_cells,
    check_repeats,
    read,
    recomputed,
)
from bench.reporting.tables.formats import to_console
from bench.reporting.tables.text_table import TextTable
from bench.statistics.patients import AVERAGE


@dataclass(frozen=True, slots=True)
class Evidence:
    """What claims are held against.

    Attributes:
        printed: the Dice values of Tables 1, 2 and 4.
        numbers: those of Table 3 (in millions) and of the text, by name.
        counted: parameters of our networks and bytes of official files, by name.
    """

    printed: Sequence[PrintedScore]
    numbers: Mapping[str, float]
    counted: Mapping[str, int]


Finding = tuple[Outcome, float | None, str]  # outcome, the recomputed number, how it came about


def evidence(folder: Path = FOLDER) -> Evidence:
    """Everything in the folder of published numbers but the claims."""
    third, numbers, counted = (read(name, folder) for name in ("table3", "numbers", "counted"))
    named = [*zip(third["method"], third["learnable_params_millions"], strict=True)]
    named += [*zip(numbers["id"], numbers["value"], strict=True)]
    counts = {part: int(count) for part, count in zip(counted["part"], counted["count"], strict=True)}
    return Evidence(cells(folder), {name: float(value) for name, value in named}, counts)


def _gain(found: Evidence, subject: str, expected: str) -> Finding:
    """Ours less the best other model (Table 4: Q = 2 less no PPT); a range names the smallest and the largest gain."""
    low, high = (float(end) for end in (expected.split("..") * 2)[:2])
    places = [(int(table), dataset) for table, dataset in (part.split(":") for part in subject.split("+"))]
    gains = [_margin(found.printed, table, dataset) for table, dataset in places]
    fits = round(min(gains)) == low and round(max(gains)) == high
    note = ", ".join(f"{dataset} {gain:+.2f}" for (_, dataset), gain in zip(places, gains, strict=True))
    corrected = [
        f"{dataset} {_margin(found.printed, table, dataset, from_rows=True):+.2f}"
        for (table, dataset), gain in zip(places, gains, strict=True)
        if abs(_margin(found.printed, table, dataset, from_rows=True) - gain) > 0.05
    ]
    note += f" as printed; {', '.join(corrected)} with averages of the printed rows" if corrected else " as printed"
    return Outcome.HOLDS if fits else Outcome.CONTRADICTED, gains[0] if len(gains) == 1 else None, note


def _margin(printed: Sequence[PrintedScore], table: int, dataset: str, from_rows: bool = False) -> float:
    here = [c for c in printed if (c.table, c.dataset) == (table, dataset)]
    if table == 4:
        values = {c.row: c.value for c in here}
        return values["Q=2"] - values["w/o PPT"]
    summary = [c for c in here if c.row == AVERAGE] or here
    means = {c.model: (recomputed(c, printed) if from_rows else None) or c.value for c in summary}
    return means.pop(OURS) - max(means.values())


def _best(found: Evidence, subject: str, expected: str) -> Finding:
    """In how many printed rows ours (Table 4: Q = 2) is the best; averages are no rows of their own."""
    here = [c for c in found.printed if c.table == int(subject)]
    classes = [c for c in here if c.table != 1 or c.row != AVERAGE]
    by_row: dict[tuple[str, str], dict[str, float]] = {}
    for c in classes:
        key, column = ((c.dataset, ""), c.row) if c.table == 4 else ((c.dataset, c.row), c.model)
        by_row.setdefault(key, {})[column] = c.value
    lost = [key for key, row in by_row.items() if max(row, key=row.__getitem__) not in (OURS, "Q=2")]
    fits = not lost if expected == "all" else 2 * len(lost) < len(by_row)
    won = len(by_row) - len(lost)
    names = ", ".join(" ".join(filter(None, key)) for key in lost)
    note = f"best in {won} of {len(by_row)} rows" + (f"; not in {names}" if lost else "")
    return Outcome.HOLDS if fits else Outcome.CONTRADICTED, float(won), note


def _colours(found: Evidence, subject: str, expected: str) -> Finding:
    """The two largest values of each row are the coloured ones."""
    here = [c for c in found.printed if c.table == int(subject)]
    wrong = []
    for (dataset, row), group in groupby(sorted(here, key=_line), key=_line):
        ordered = sorted(group, key=lambda c: -c.value)
        second = ordered[1]
        wrong += [
            f"{dataset} {row}: {second.model} {second.value:.2f} is second, {c.model} {c.value:.2f} is coloured"
            for c in ordered[2:]
            if c.coloured
        ]
    return Outcome.CONTRADICTED if wrong else Outcome.HOLDS, None, "; ".join(wrong) or "in every row"


def _line(cell: PrintedScore) -> tuple[str, str]:
    return cell.dataset, cell.row


def _parts(found: Evidence, subject: str, expected: str) -> Finding:
    """Printed millions are what our networks count, rounded or cut off; the first is the sum of the others."""
    pairs = [part.split("=") for part in subject.split(";")]
    printed, counts = [found.numbers[name] for name, _ in pairs], [found.counted[part] for _, part in pairs]
    agree = all(abs(count / 1e6 - million) < 1 for count, million in zip(counts, printed, strict=True))
    adds_up = len(pairs) == 1 or (printed[0] == sum(printed[1:]) and counts[0] == sum(counts[1:]))
    note = f"counted: {' = '.join(filter(None, [f'{counts[0]:,}', ' + '.join(f'{n:,}' for n in counts[1:])]))}"
    if not agree and (size := found.counted.get(f"{pairs[0][1]}_file")):
        note += f"; the official file has {size / 2**20:.1f} MiB"
    outcome = Outcome.DIFFERS if not agree else Outcome.HOLDS if adds_up else Outcome.CONTRADICTED
    return outcome, counts[0] / 1e6, note


def _ratio(found: Evidence, subject: str, expected: str) -> Finding:
    """One number in percent of another; "<" is an upper bound, otherwise the printed digits must agree."""
    top, bottom = (found.numbers[name] if name in found.numbers else float(name) for name in subject.split("/"))
    percent = 100 * top / bottom
    digits = len(expected.partition(".")[2])
    fits = percent < float(expected[1:]) if expected.startswith("<") else round(percent, digits) == float(expected)
    return Outcome.HOLDS if fits else Outcome.DIFFERS, percent, f"{top:,.0f} / {bottom:,.0f} = {percent:.2f} %"


KINDS: dict[str, Callable[[Evidence, str, str], Finding]] = {
    "gain": _gain,
    "best": _best,
    "colours": _colours,
    "parts": _parts,
    "ratio": _ratio,
}


def check_claims(folder: Path = FOLDER) -> list[Verdict]:
    """Every claim of `claims.csv`, in its order."""
    found = evidence(folder)
    return [_verdict(found, claim) for claim in read("claims", folder).to_dict("records")]


def _verdict(found: Evidence, claim: Mapping[Hashable, str]) -> Verdict:
    if claim["kind"] == "untestable":
        outcome, value, note = Outcome.UNTESTABLE, None, f"missing: {claim['needs']}"
    else:
        outcome, value, note = KINDS[claim["kind"]](found, claim["subject"], claim["expected"])
    stated = claim["expected"].lstrip("<")
    published = float(stated) if stated.replace(".", "", 1).isdigit() else None
    return Verdict(claim["id"], claim["where"], claim["quote"], published, value, None, outcome, note)


def audit(ours: Mapping[Key, Measured] | None = None, folder: Path = FOLDER) -> list[Verdict]:
    """Every printed average, repeated value, claim and cell of the paper.

    Args:
        ours: from `bench.comparing.paper.ours`; None: nothing was measured.
        folder: of the published numbers.
    """
    printed = cells(folder)
    return [
        *check_averages(printed),
        *check_repeats(printed),
        *check_claims(folder),
        *check_cells(printed, ours or {}),
    ]


def is_value(verdict: Verdict) -> bool:
    """It is about a number of the tables held against ours, not about the paper itself."""
    return verdict.id.startswith("value ")


def text_tables(verdicts: Sequence[Verdict], every: bool = False) -> list[TextTable]:
    """The audit as tables: what the paper says of itself, then its printed numbers beside ours.

    Args:
        verdicts: from `audit`.
        every: also show the printed numbers that nobody can test here.
    """
    text = [v for v in verdicts if not is_value(v)]
    values = [v for v in verdicts if is_value(v)]
    shown = [v for v in values if every or v.outcome is not Outcome.UNTESTABLE]
    about = "The paper against itself and against counted parameters."
    made = [_text_table("paper-claims", f"{about} {_tally(text)}", text)]
    if shown:
        made.append(_text_table("paper-values", f"Printed Dice (%) against ours. {_tally(values)}", shown))
    return made


def missing(verdicts: Sequence[Verdict]) -> list[str]:
    """What it would take to test the printed numbers that are not tested."""
    absent = [v for v in verdicts if is_value(v) and v.outcome is Outcome.UNTESTABLE]
    return sorted({part for v in absent for part in v.note.removeprefix("missing: ").split("; ")})


def render(verdicts: Sequence[Verdict], every: bool = False) -> str:
    """The audit as text for the console, with what is missing at the end."""
    parts = [CITATION, *map(to_console, text_tables(verdicts, every))]
    absent = missing(verdicts)
    if absent:
        values = [v for v in verdicts if is_value(v)]
        count = sum(v.outcome is Outcome.UNTESTABLE for v in values)
        parts.append(
            "\n".join([f"{count} of {len(values)} printed values are {Outcome.UNTESTABLE.value}; missing:", *absent])
        )
    return "\n\n".join(parts)


def _tally(verdicts: Sequence[Verdict]) -> str:
    counts = Counter(v.outcome.value for v in verdicts)
    return f"{len(verdicts)} in all: {', '.join(f'{outcome} {count}' for outcome, count in counts.most_common())}."


HEADS = ("where", "what", "published", "recomputed", "ours", "verdict", "why")
WIDE = (("what", 0.34), ("verdict", 0.15), ("why", 0.34))


def _text_table(name: str, caption: str, verdicts: Sequence[Verdict]) -> TextTable:
    rows = [
        [
            v.where,
            v.quote.removeprefix(f"{v.where}, "),
            _number(v.published),
            _number(v.recomputed),
            _interval(v.ours),
            v.outcome.value,
            v.note,
        ]
        for v in verdicts
    ]
    return TextTable(name, f"{caption} {LEGEND}", HEADS, rows, frame(verdicts), wide=WIDE)


LEGEND = (
    "published: as printed. recomputed: from the printed rows, or counted in our networks. ours: measured, with its "
    "95 % interval over patients."
)


def frame(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """One line per verdict, at full precision."""
    nothing = Measured(float("nan"), float("nan"), float("nan"))
    rows = [
        {"id": v.id, "where": v.where, "what": v.quote, "published": v.published, "recomputed": v.recomputed}
        | dict(zip(("ours", "ours_low", "ours_high"), astuple(v.ours or nothing), strict=True))
        | {"verdict": v.outcome.value, "why": v.note}
        for v in verdicts
    ]
    return pd.DataFrame(rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".") if value >= 1000 else f"{value:.2f}"


def _interval(found: Measured | None) -> str:
    return "" if found is None else f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
