"""Joins standard input and output with a unix socket: a program of its own, of the standard library alone.

It runs as another user (sudo), so that the server's peer authentication meets that user. Usage: relay.py SOCKET
"""

import os
import socket
import sys
import threading

_BYTES = 1 << 18


def main(path: str) -> int:
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(path)
    except OSError as error:
        sys.stderr.write(f"{path}: {error.strerror}\n")
        return 1

    def to_server() -> None:
        try:
            while data := os.read(0, _BYTES):
                server.sendall(data)
        except OSError:
            return  # the server has gone: the other direction meets its end, after what it still has to say
        os._exit(0)  # the client has gone: a server that is busy would not notice before it answers

    threading.Thread(target=to_server, daemon=True).start()
    while data := server.recv(_BYTES):
        view = memoryview(data)
        while view:
            view = view[os.write(1, view) :]
    return 0


if __name__ == "__main__":
    try:
        status = main(sys.argv[1])
    except OSError:  # one of the two sides has gone: there is nobody to tell
        status = 0
    os._exit(status)  # the other thread may sit in a read
