"""Text of data and of file systems made safe to print; the command line loads this and nothing larger."""

import unicodedata

UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format, surrogate, private, unassigned, separators
JOINERS = "\u200c\u200d"  # belong to words of several scripts


def printable(text: str, keep: str = "") -> str:
    r"""Text that is safe to print and to store: control characters, escape sequences, half characters are spelled out.

    Args:
        text: from data.
        keep: control characters that pass.

    Example:
        >>> printable("liver\x1b[31m")
        'liver\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(one if one in keep or one in JOINERS or not _is_unprintable(one) else _escape(one) for one in text)


def _is_unprintable(one: str) -> bool:
    return unicodedata.category(one) in UNPRINTABLE


def _escape(one: str) -> str:
    return one.encode("unicode_escape").decode()
