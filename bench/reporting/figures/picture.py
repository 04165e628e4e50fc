"""What a family of figures hands back, and how it becomes files."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure

# Without dates and versions equal figures are equal files.
METADATA: Mapping[str, Mapping[str, None]] = {
    "png": {"Software": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}
DPI = 150


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A figure with the words that go with it.

    Attributes:
        name: file stem.
        title: what it shows, in a few words.
        caption: how to read it, with prompt, protocol, weights and data.
        alt: what there is to see, in words, for those who cannot.
        figure: ready to be saved.
    """

    name: str
    title: str
    caption: str
    alt: str
    figure: Figure

    def content(self, suffix: str) -> bytes:
        """The figure as a "png" or "pdf" file."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format=suffix, dpi=DPI, metadata=dict(METADATA[suffix]))
        return buffer.getvalue()

    def saved(self) -> "Saved":
        """The figure as its files."""
        return Saved(self.name, self.title, self.caption, self.alt, {one: self.content(one) for one in METADATA})


@dataclass(frozen=True, slots=True)
class Saved:
    """A figure as its files.

    Attributes:
        name, title, caption, alt: of the figure.
        files: content by suffix.
    """

    name: str
    title: str
    caption: str
    alt: str
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Absent:
    """A figure that a run has no data for, and why."""

    name: str
    title: str
    reason: str
