"""A server of one weights file that misbehaves as told."""

import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

CONTENT = bytes(range(256)) * 4000


@dataclass
class Behaviour:
    """What the server does wrong, and what it was asked."""

    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour
    content: bytes = CONTENT

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.behaviour.asked.append(asked)
        if self.behaviour.statuses:
            return self.send_error(self.behaviour.statuses.pop(0))
        start = int(re.findall(r"\d+", asked)[0]) if asked and self.behaviour.ranges else 0
        if start >= len(self.content):
            return self.send_empty(416, f"bytes */{len(self.content)}")
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(self.content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        self.end_headers()
        stop = start + self.behaviour.cut_after.pop(0) if self.behaviour.cut_after else None
        self.wfile.write(self.content[start:stop])
        return None

    def send_empty(self, status: int, content_range: str) -> None:
        self.send_response(status)
        self.send_header("Content-Range", content_range)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass
