"""What runs the runbooks sees a block that has rotted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.runbook import Command, Shell, commands

PAGE = """Text.

```console
$ dbops backup   # exit 4
…
error: no room
$ cat <<END
> a
> END
a
```

```toml
$ this = "is none"
```
"""


def test_a_page_is_read() -> None:
    assert commands(PAGE) == [
        Command(4, "dbops backup   # exit 4", "…\nerror: no room", 4),
        Command(7, "cat <<END\na\nEND", "a", 0),
    ]
    with pytest.raises(ValueError, match="line 2: output of no command"):
        commands("```console\nlost\n$ true\n```\n")


@pytest.mark.parametrize(
    ("written", "printed", "differs"),
    [
        ("backup 20260101T000000Z in 0.1 s, 3 kB", "backup 20271231T235959Z in 12 s, 4.7 MB\n", False),
        ("a long line", "a long\n  line", False),
        ("… the end", "much\nbefore the end", False),
        ("begin\n…\nend", "begin end", False),
        ("4 tables", "5 tables", True),
        ("PASS", "PASS\nERROR more", True),
        ("", "a warning", True),
        ("PASS  a.c", "PASS  abc", True),
        ("a … b … c", "a x c y b", True),
    ],
)
def test_what_is_printed_is_compared(written: str, printed: str, differs: bool) -> None:
    assert Command(1, "", written, 0).differs(printed) is differs


def test_one_shell_runs_all(tmp_path: Path) -> None:
    with Shell(tmp_path, os.environ) as shell:
        assert shell.run("export name=value; cd /") == (0, "")
        assert shell.run('echo "$name $PWD"; echo error >&2; (exit 3)  # exit 3') == (3, "value /\nerror\n")
        assert shell.run("cat; printf 'no end of line'") == (0, "no end of line")
        assert shell.run("cat <<END\na\nEND") == (0, "a\n")
