"""What commands print, without control characters of names that come from data or from file systems."""

from typing import Any, TextIO

from bench.data.printable import printable


class PrintableStream:
    """A stream that writes text as `printable`, line breaks and tabs aside; everything else is the stream's own.

    Args:
        stream: that is written to, such as `sys.stdout`.
        keep: control characters that pass.
    """

    def __init__(self, stream: TextIO, keep: str = "\n\t") -> None:
        self._stream = stream
        self._keep = keep

    def write(self, text: str) -> int:
        """Write the text made printable; characters that the stream's encoding lacks become escapes, too."""
        safe = printable(text, self._keep)
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(safe.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def isatty(self) -> bool:
        """Whether a progress bar may be drawn; without carriage returns nothing is, and no help is coloured."""
        return "\r" in self._keep and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
