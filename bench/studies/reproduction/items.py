"""The items of the paper as the report shows them, in order: headings, what must be known to read them, figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.studies.reproduction.parts import ABLATIONS, CURATED, FIGURES, INSIDE

LEGEND = (
    "published: as printed. recomputed: from the printed rows, or counted in our networks. ours: Dice (%) measured "
    "here, with its 95 % interval."
)
NO_PRINTED = "The paper prints no numbers for it."


@dataclass(frozen=True, slots=True)
class ReportItem:
    """An item of the paper in the report.

    Attributes:
        name, title: of its heading.
        text: below the heading.
        figures: names of steps with the stems of the figures that they leave.
        trains: its numbers come from ablations, whose pace is told.
    """

    name: str
    title: str
    text: str = ""
    figures: Sequence[tuple[str, Sequence[str]]] = ()
    trains: bool = False


SMOOTH = (
    "The paper shows the plot and gives no number. The ratio: mean distance of an image to its five nearest ones of "
    "other data sets, divided by that to its five nearest of the own; 1 where data sets run into each other, more "
    "where there are gaps, so smoother means smaller. Of each data set both sides show equally many images. The "
    "encoder is SAM's, frozen."
)
ITEMS = (
    ReportItem(
        "Section 3.6", "the curated set",
        figures=[("curated-set", (f"{CURATED}/quality", f"{CURATED}/contact-sheet"))],
    ),
    ReportItem("Table 1", "zero-shot sets, boxes", LEGEND),
    ReportItem(
        "Figure 5", "held-out patients, one click and boxes", f"{NO_PRINTED} {LEGEND}",
        [("figure-5", (f"{FIGURES}/figure5",))],
    ),
    ReportItem(
        "Table 2", "the decoder tuned as well",
        f"Ours: networks with a tuned decoder, mean over trainings with the interval over these. {LEGEND}",
        [("table-2", (f"{ABLATIONS}/decoder",))],
        trains=True,
    ),
    ReportItem(
        "Table 3", "learnable parameters", "In millions, counted in networks of official size, whatever the world.",
        [("table-3", (f"{ABLATIONS}/size",))],
    ),
    ReportItem(
        "Table 4", "queries of PPT", f"Sets of one class that the paper does not have stand below its own. {LEGEND}",
        [("table-4", (f"{ABLATIONS}/queries",))],
        trains=True,
    ),
    ReportItem(
        "Figure 6", "experts",
        f"{NO_PRINTED} First which tokens are chosen (a), then the numbers of experts and active experts (b, c).",
        [("figure-6a", (f"{INSIDE}/experts",)), ("figure-6bc", (f"{ABLATIONS}/experts",))],
        trains=True,
    ),
    ReportItem(
        "Figure 7", "routing", NO_PRINTED, [("figure-7", (f"{INSIDE}/routing-token", f"{INSIDE}/routing-expert"))],
    ),
    ReportItem("Figure 4", "smooth transitions", SMOOTH, [("figure-4", (f"{INSIDE}/figure4",))]),
)  # fmt: skip
