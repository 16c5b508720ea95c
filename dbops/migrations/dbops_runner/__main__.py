"""Started as a file, `python …/dbops_runner/__main__.py DESCRIPTOR`, so that any interpreter can."""

import importlib
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def begin() -> int:
    """The folder's neighbours have names (`values`, `graph`) that an application may have as well: none of them may be
    found by it. All of ours is imported before the application's own folder comes in their place."""
    own = [one for one in sys.path if Path(one or ".").resolve() != HERE]
    sys.path[:] = [str(HERE.parent), *own]
    run = importlib.import_module(f"{HERE.name}.run")
    sys.path[:] = [str(Path.cwd()), *own]
    return int(run.main())


if __name__ == "__main__":
    result = begin()
    sys.stderr.flush()
    os._exit(result)  # threads that the application has left must not keep it here
