"""An address here whose every connection is handed to a new process, as its standard input and output."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dbops.command import GRACE_SECONDS, Process
from dbops.errors import ToolError
from dbops.folder import Folder
from dbops.route.base import LOOPBACK, Near

_BACKLOG = 64
_LINES = 5


class Bridge:
    """Listens as soon as it is made. `socket_name`: in a private folder under that name; '' for a port of the loopback
    address, which other accounts of this machine can reach, too."""

    def __init__(self, argv: Sequence[str], socket_name: str) -> None:
        self._argv = tuple(argv)
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._carriers: set[threading.Thread] = set()
        self._folder = Folder(shared=False) if socket_name else None
        self._listener = socket.socket(socket.AF_UNIX if self._folder else socket.AF_INET)
        try:
            if self._folder is not None:
                path = self._folder.path / socket_name
                self._listener.bind(str(path))
                self.near = Near(socket=path)
            else:
                self._listener.bind((LOOPBACK, 0))
                self.near = Near(host=LOOPBACK, port=self._listener.getsockname()[1])
            self._listener.listen(_BACKLOG)
        except BaseException:
            self.close()
            raise
        threading.Thread(target=self._accept, name="route", daemon=True).start()

    def said(self) -> str:
        """The last that its program wrote to stderr."""
        return " ".join(self._lines)

    def close(self) -> None:
        """Ends all connections and their processes."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # ends the accept, too
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            carriers = tuple(self._carriers)
        for carrier in carriers:
            carrier.join(2 * GRACE_SECONDS)
        if self._folder is not None:
            with suppress(OSError):
                self._folder.remove()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            carrier = threading.Thread(target=self._carry, args=(connection,), daemon=True)
            with self._lock:
                self._connections.add(connection)
                self._carriers.add(carrier)
            carrier.start()

    def _carry(self, connection: socket.socket) -> None:
        """One connection, to its end. The process ends by itself once either side is closed: it may be another user's
        (sudo), whom no signal of ours reaches."""
        try:
            end = connection.fileno()
            with suppress(ToolError):
                Process(self._argv, stdin=end, stdout=end, on_line=self._lines.append).wait()
        finally:
            with self._lock:
                self._connections.discard(connection)
                self._carriers.discard(threading.current_thread())
            connection.close()


def script(name: str) -> Path:
    """The path of a program of this package that runs by itself."""
    return Path(__file__).with_name(name)
