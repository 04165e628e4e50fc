import io

from bench.commands.terminal import PrintableStream


def test_a_stream_shows_controls_and_keeps_line_breaks():
    inner = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    stream = PrintableStream(inner)
    print("liver\x1b[2J\tµ", "\r", file=stream)
    stream.flush()
    assert inner.buffer.getvalue() == b"liver\\x1b[2J\t\\xb5 \\r\n"
    assert not stream.isatty() and stream.encoding == "ascii"
