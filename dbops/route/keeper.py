"""Runs a command for as long as standard input is open: a program of its own, of the standard library alone.

A tunnel must not outlive dbops, however that ends. Whoever is killed closes the pipe, and so ends the tunnel.
"""

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    # Both are told by whoever ends the group; what is left to do is to pass on the status.
    signal.signal(signal.SIGTERM, lambda *_: None)
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def watch() -> None:
        while os.read(0, 4096):
            pass
        child.terminate()

    threading.Thread(target=watch, daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.stdout.close()
    os._exit(main())  # the watching thread may sit in a read
