"""A weights file on a server of its own."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import ThreadingHTTPServer

import pytest

from adapters.weights import download
from adapters.weights.catalogue import CATALOGUE
from adapters.weights.entries import Entry
from tests.helpers.weights_server import CONTENT, Behaviour, Handler


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def entry(behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> Iterator[Entry]:
    """A catalogue entry whose address is a server of this test."""
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(download, "BLOCK_BYTES", 10_000)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"behaviour": behaviour}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield replace(
        CATALOGUE["sam/vit_b"],
        url=f"http://127.0.0.1:{server.server_port}/weights.pth",
        bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )
    server.shutdown()
    server.server_close()
    thread.join()
