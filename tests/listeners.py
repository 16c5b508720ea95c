"""HTTP servers in the test's process: they remember what they were sent, and misbehave by the path that is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    path: str
    content_type: str
    body: bytes


class Listener(ThreadingHTTPServer):
    """`/hang/…` answers when `let_go` is set, `/drip/…` a byte at a time until then, `/500/…` with that status,
    `/302/…` leads to `/elsewhere`, and everything else is fine."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[Request] = []
        self.let_go = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def paths(self) -> list[str]:
        return [request.path.partition("?")[0] for request in self.requests]

    def named(self, path: str) -> Request:
        """The one request of a path."""
        (found,) = [request for request in self.requests if request.path.partition("?")[0] == path]
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(Request(self.path, self.headers.get("Content-Type", ""), body))
        first = self.path.split("/")[1]
        if first == "hang":
            self.server.let_go.wait()
        if first == "302":
            self.send_response(302)
            self.send_header("Location", self.server.url("/elsewhere"))
        else:
            self.send_response(int(first) if first.isdigit() else 200)
        self.end_headers()
        while first == "drip" and not self.server.let_go.wait(0.05):
            self.wfile.write(b".")

    def do_GET(self) -> None:
        self.server.requests.append(Request(f"GET {self.path}", "", b""))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def listening() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.let_go.set()
            server.shutdown()


def refusing() -> str:
    """The address of a port where nobody listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return f"http://127.0.0.1:{server.server_address[1]}"
