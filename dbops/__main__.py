"""The console script `dbops`, which `python -m dbops` is, too: as little as can be before Ctrl-C is heard."""

import sys

_INTERRUPTED = 130  # `Exit.INTERRUPTED`, which is one of the imports


def main() -> None:
    """Runs the program; Ctrl-C while it is still being loaded ends it without a word, as nothing was begun."""
    try:
        from dbops.cli import main as program

        program()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
