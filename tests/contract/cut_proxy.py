"""A TCP proxy that cuts connections, as networks do."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from urllib.parse import urlsplit

_LINGER_RESET = struct.pack("ii", 1, 0)  # close with a reset, not in good order


class CutProxy:
    """Stands before `endpoint`. Cuts each connection after so many bytes, the first `times` that get so far.

    `up`: bytes from client to server after which to cut, with a reset; `down`: from server to client, in good order.
    `dead`: refuse everything. `lose_answer_to`: bytes of a request whose answer is thrown away, its connection cut.
    `hold`: bytes from server to client after which a connection stands still until `go` is set.
    """

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._upstream = (parts.hostname or "", parts.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.up: int | None = None
        self.down: int | None = None
        self.times: int | None = None
        self.hold: int | None = None
        self.go = threading.Event()
        self.dead = False
        self.lose_answer_to: bytes | None = None
        self.cuts = 0
        self._lock = threading.Lock()

    def __enter__(self) -> CutProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.dead:
                _reset(client)
                continue
            try:
                server = socket.create_connection(self._upstream)
            except OSError:  # nobody is there any more
                _reset(client)
                continue
            deaf = threading.Event()
            for source, sink, upward in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(source, sink, upward, deaf), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, upward: bool, deaf: threading.Event) -> None:
        passed = 0
        try:
            while data := source.recv(1 << 16):
                passed += len(data)
                limit = self.up if upward else self.down
                if limit is not None and passed > limit and self._may_cut():
                    if not upward:
                        # In good order, so that the client has all up to here: a reset would take it back.
                        sink.shutdown(socket.SHUT_WR)
                        return _reset(source)
                    _reset(source)
                    return _reset(sink)
                if not upward and self.hold is not None and passed > self.hold:
                    self.go.wait()
                if self.dead:
                    _reset(source)
                    return _reset(sink)
                if upward and self.lose_answer_to is not None and self.lose_answer_to in data:
                    self.lose_answer_to = None
                    deaf.set()
                elif not upward and deaf.is_set():  # the server has done it, and says so; nobody hears
                    self.cuts += 1
                    _reset(source)
                    return _reset(sink)
                sink.sendall(data)
        except OSError:  # one side is gone: the other is told, even one that only sends
            _reset(source)
            return _reset(sink)
        with _quiet():
            sink.shutdown(socket.SHUT_WR)
        return None

    def _may_cut(self) -> bool:
        with self._lock:
            if self.times is not None and self.cuts >= self.times:
                return False
            self.cuts += 1
            return True


@contextmanager
def _quiet() -> Iterator[None]:
    try:
        yield
    except OSError:
        return


def _reset(connection: socket.socket) -> None:
    with _quiet():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        # Wakes the other thread that waits on this socket: closing it would not.
        connection.shutdown(socket.SHUT_RDWR)
    with _quiet():
        connection.close()
