"""Cases 1 and 3 to 13: each graph that is wrong, and beside it one, nearly the same, that is fine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dbops.migrations.graph_rules import judge_graph
from dbops.migrations.history import read
from dbops.model import Finding, Severity
from tests.unit.migration_samples import Down, findings, history, project, write

LINE: dict[str, Down] = {"a": None, "b": "a", "c": "b"}


def only(found: dict[str, Finding], kind: str) -> Finding:
    assert list(found) == [kind], found
    finding = found[kind]
    assert finding.subject
    assert finding.expected
    assert finding.actual
    assert finding.hint
    return finding


def test_a_plain_line_is_fine(tmp_path: Path) -> None:
    found = history(tmp_path, LINE)
    assert findings(found, notes=True) == {}
    assert (found.heads, found.bases) == (("c",), ("a",))


# --- 1. two heads -------------------------------------------------------------------------------------------------


def test_01_two_heads_with_a_common_parent(tmp_path: Path) -> None:
    found = only(findings(history(tmp_path, {**LINE, "d": "b"})), "migration-heads")
    assert found.severity is Severity.ERROR
    assert found.actual == "2 heads after b: c (versions/c_x.py:12), d (versions/d_x.py:12)"
    assert found.subject == "versions/d_x.py:13"
    assert "alembic merge c d" in found.hint


def test_01_twin_merged(tmp_path: Path) -> None:
    assert findings(history(tmp_path, {**LINE, "d": "b", "m": ("c", "d")}), notes=True) == {}


def test_01_three_heads_are_one_finding(tmp_path: Path) -> None:
    found = only(findings(history(tmp_path, {**LINE, "d": "b", "e": "a"})), "migration-heads")
    assert found.actual.startswith("3 heads after a: ")


def test_01_twin_branches_with_labels_are_meant(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a": None})
    write(folder / "versions", "b", "a", labels=("shop",))
    write(folder / "versions", "c", "a", labels="stock")
    assert findings(folder) == {}
    assert findings(folder, notes=True)["migration-heads"].severity is Severity.INFO
    write(folder / "versions", "d", "c")
    write(folder / "versions", "e", "c")
    assert only(findings(folder), "migration-heads").severity is Severity.ERROR, "a fork within a labelled branch"


def test_01_heads_that_merges_connect_without_a_common_revision(tmp_path: Path) -> None:
    graph: dict[str, Down] = {"a": None, "x": None, "m": ("a", "x"), "b": "a", "y": "x"}
    assert "3 heads" in only(findings(history(tmp_path, graph)), "migration-heads").actual


# --- 3. cycle -----------------------------------------------------------------------------------------------------


def test_03_cycle(tmp_path: Path) -> None:
    found = history(tmp_path, {"a": None, "b": "d", "c": "b", "d": "c", "e": "d"})
    finding = only(findings(found), "migration-cycle")
    assert "→" in finding.actual
    assert {"b", "c", "d"} == set(finding.actual.split(" (")[0].split(" → "))
    assert "versions/d_x.py:13" in finding.hint
    assert (found.heads, found.bases, found.walkable) == ((), (), False)
    skipped = judge_graph(found).not_evaluated
    assert "migration-heads" in {one.id for one in skipped}


def test_03_its_own_parent(tmp_path: Path) -> None:
    finding = only(findings(history(tmp_path, {"a": "a"})), "migration-cycle")
    assert finding.actual == "a stands on itself"


def test_03_cycle_through_depends_on(tmp_path: Path) -> None:
    folder = project(tmp_path, {"b": "a"})
    write(folder / "versions", "a", depends_on="b")
    only(findings(folder), "migration-cycle")


def test_03_twin_a_diamond_is_no_cycle(tmp_path: Path) -> None:
    assert findings(history(tmp_path, {"a": None, "b": "a", "c": "a", "d": ("b", "c"), "e": "d"})) == {}


# --- 4, 9. parents and dependencies that are not there ------------------------------------------------------------


def test_04_parent_that_is_not_there(tmp_path: Path) -> None:
    found = history(tmp_path, {**LINE, "e": "d", "f": "e"})
    finding = only(findings(found), "migration-parent-missing")
    assert finding.subject == "versions/e_x.py:13"
    assert "'d'" in finding.actual
    assert found.ancestors(["f"]) == {"e", "f"}, "it can be walked all the same"


def test_04_the_beginning_of_an_id_is_no_parent(tmp_path: Path) -> None:
    """On the command line Alembic completes it, in a file it does not."""
    (finding,) = findings(history(tmp_path, {"abcdef": None, "b": "abc"})).values()
    assert "the beginning of abcdef" in finding.actual
    (finding,) = findings(history(tmp_path / "twice", {"abcdef": None, "abcd": "abcdef", "b": "abc"})).values()
    assert "beginning" not in finding.actual, "of which of them?"
    (finding,) = findings(history(tmp_path / "empty", {"a": "", "b": "a"})).values()
    assert "down_revision = None" in finding.hint


def test_04_a_label_is_no_parent(tmp_path: Path) -> None:
    folder = project(tmp_path, {"c": "shop"})
    write(folder / "versions", "a", labels="shop")
    finding = only(findings(folder), "migration-parent-missing")
    assert "branch label of a" in finding.actual


def test_04_twin_the_parent_is_in_another_folder(tmp_path: Path) -> None:
    folder = project(tmp_path, {**LINE, "e": "d"})
    write(folder / "more", "d", "c")
    (folder / "alembic.ini").write_text(
        "[alembic]\nversion_locations = %(here)s/versions %(here)s/more\npath_separator = space\n"
    )
    assert findings(folder) == {}


@pytest.mark.parametrize(
    ("depends_on", "wrong"), [("z", True), (("b", "z"), True), ("b", False), ("shop", False), ("", False)]
)
def test_09_dangling_depends_on(tmp_path: Path, depends_on: Down, wrong: bool) -> None:
    """An id or a label that is not there; the twins depend on one that is."""
    folder = project(tmp_path, {"b": "a"})
    write(folder / "versions", "a", labels="shop")
    write(folder / "versions", "c", "b", depends_on=depends_on)
    found = findings(folder)
    if wrong:
        assert "'z'" in only(found, "migration-dependency-missing").actual
    else:
        assert found == {}


# --- 5, 6. one id, two files --------------------------------------------------------------------------------------


def test_05_two_files_with_one_id(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    write(folder / "versions", "b", "a", file="b_something_else.py", upgrade="op.drop_table('t')")
    finding = only(findings(folder), "migration-duplicate-id")
    assert (finding.severity, finding.subject) == (Severity.ERROR, "versions/b_something_else.py:12")
    assert "versions/b_x.py" in finding.actual


def test_05_twin_ids_that_begin_alike(tmp_path: Path) -> None:
    assert findings(history(tmp_path, {"abcd": None, "abcde": "abcd", "ABCD": "abcde"})) == {}


@pytest.mark.parametrize(
    "name", ["b_x copy.py", "b_x copy 2.py", "b_x (1).py", "b_x_copy.py", "Copy of b_x.py", "z.py"]
)
def test_06_a_copied_file(tmp_path: Path, name: str) -> None:
    """By its name, or by the same content under any name."""
    folder = project(tmp_path, LINE)
    shutil.copy(folder / "versions" / "b_x.py", folder / "versions" / name)
    if name != "z.py":
        with (folder / "versions" / name).open("a") as file:
            file.write("\n# edited since\n")
    finding = only(findings(folder), "migration-copied-file")
    assert "delete it" in finding.hint
    if name != "z.py":
        assert finding.subject == f"versions/{name}:12"


def test_06_twin_a_revision_about_a_copy(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    write(folder / "versions", "d", "c", file="d_orders_copy.py")
    assert findings(folder) == {}


# --- 7. no revision -----------------------------------------------------------------------------------------------


def test_07_a_file_with_no_revision(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    (folder / "versions" / "helpers.py").write_text("def add(table): ...\n")
    finding = only(findings(folder), "migration-no-id")
    assert finding.subject == "versions/helpers.py:1"


def test_07_twin_the_helper_beside_the_folder(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    (folder / "helpers.py").write_text("def add(table): ...\n")
    (folder / "versions" / "__init__.py").touch()
    assert findings(folder) == {}


# --- 8. a second base ---------------------------------------------------------------------------------------------


def test_08_a_second_base(tmp_path: Path) -> None:
    found = only(findings(history(tmp_path, {**LINE, "x": None, "y": "x"})), "migration-second-base")
    assert (found.severity, found.subject) == (Severity.ERROR, "versions/x_x.py:13")
    assert found.expected == "one base: a (versions/a_x.py:12)"


def test_08_twin_with_a_label(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    write(folder / "versions", "x", labels="plugin")
    assert findings(folder) == {}


def test_08_twin_in_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    write(folder / "plugin", "x")
    (folder / "alembic.ini").write_text(
        "[alembic]\nversion_locations = %(here)s/versions:%(here)s/plugin\npath_separator = :\n"
    )
    assert findings(folder) == {}


def test_08_twin_that_a_merge_has_joined(tmp_path: Path) -> None:
    assert findings(history(tmp_path, {**LINE, "x": None, "m": ("c", "x")})) == {}


# --- 10. ids ------------------------------------------------------------------------------------------------------


def test_10_an_id_over_32_characters(tmp_path: Path) -> None:
    name = "add_customer_number_to_invoices_2"
    assert len(name) == 33
    found = history(tmp_path, {"a": None, name: "a"})
    assert only(findings(found), "migration-id-too-long").actual == f"{name} has 33"
    assert judge_graph(found, judged=["a"]).findings == (), "what has run already is no news"


def test_10_twin_of_32_characters_that_are_more_bytes(tmp_path: Path) -> None:
    assert findings(history(tmp_path, {"a": None, "ä" * 32: "a"})) == {}


@pytest.mark.parametrize("name", ["head", "base", "heads", "current"])
def test_10_ids_that_alembic_reads_as_something_else(tmp_path: Path, name: str) -> None:
    folder = project(tmp_path, {})
    write(folder / "versions", name, file="x.py")
    assert only(findings(folder), "migration-id-reserved").actual == name


@pytest.mark.parametrize("name", ["header", "a.b", "v3.2.0.a", "0001 initial"])
def test_10_twin_of_other_signs(tmp_path: Path, name: str) -> None:
    assert findings(history(tmp_path, {name: None})) == {}


# --- 11, 12. merges -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("down", [("a", "c"), ("c", "b"), ["c", "c"]])
def test_11_a_merge_with_an_ancestor(tmp_path: Path, down: Down) -> None:
    finding = only(findings(history(tmp_path, {**LINE, "m": down})), "migration-merge-of-ancestor")
    assert (finding.severity, finding.subject) == (Severity.WARNING, "versions/m_x.py:13")


def test_11_twin_a_merge_of_two_branches(tmp_path: Path) -> None:
    graph: dict[str, Down] = {**LINE, "d": "b", "e": "d", "m": ("c", "e"), "f": "m", "g": "m", "n": ("g", "f")}
    assert findings(history(tmp_path, graph)) == {}


def test_12_a_merge_with_operations(tmp_path: Path) -> None:
    folder = project(tmp_path, {**LINE, "d": "b"})
    write(folder / "versions", "m", ("c", "d"), upgrade="op.drop_table('t')")
    finding = only(findings(folder), "migration-merge-operates")
    assert (finding.severity, finding.subject) == (Severity.WARNING, "versions/m_x.py:19")
    assert judge_graph(read(folder), judged=[]).findings == ()


def test_12_twin_a_merge_with_words_alone(tmp_path: Path) -> None:
    folder = project(tmp_path, {**LINE, "d": "b"})
    write(folder / "versions", "m", ("c", "d"), upgrade='"""Both are needed."""', downgrade="raise NotImplementedError")
    assert findings(folder) == {}


# --- 13. files that cannot be read --------------------------------------------------------------------------------


def test_13_a_syntax_error_makes_no_false_heads(tmp_path: Path) -> None:
    """Without b, a would look like a second head, and the parent of c would be missing."""
    folder = project(tmp_path, LINE)
    path = folder / "versions" / "b_x.py"
    path.write_text(path.read_text().replace("def upgrade():", "def upgrade(:"))
    judged = judge_graph(read(folder))
    assert [(one.id, one.subject) for one in judged.findings] == [("migration-unreadable", "versions/b_x.py:18")]
    assert {one.id for one in judged.not_evaluated} == {
        "migration-dependency-missing",
        "migration-heads",
        "migration-merge-of-ancestor",
        "migration-parent-missing",
        "migration-second-base",
    }
    assert all("versions/b_x.py:18" in one.reason for one in judged.not_evaluated)


def test_13_a_computed_id_is_not_analysable_rather_than_wrong(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    path = folder / "versions" / "b_x.py"
    path.write_text(path.read_text().replace("revision = 'b'", "revision = 'b'.lower()"))
    judged = judge_graph(read(folder))
    assert [(one.id, one.severity) for one in judged.findings] == [("migration-computed", Severity.WARNING)]
    assert judged.not_evaluated


def test_13_a_label_none_is_fine_once_and_taken_twice(tmp_path: Path) -> None:
    folder = project(tmp_path, {})
    write(folder / "versions", "a", labels="None")
    write(folder / "versions", "b", "a")
    assert findings(folder) == {}
    write(folder / "versions", "c", "b", labels="None")
    finding = only(findings(folder), "migration-label-clash")
    assert "versions/a_x.py:12" in finding.actual


def test_13_a_label_that_is_an_id(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a": None})
    write(folder / "versions", "b", "a", labels="a")
    assert "the id of" in only(findings(folder), "migration-label-clash").actual


def test_13_a_history_of_344_revisions_with_32_merges(tmp_path: Path) -> None:
    graph: dict[str, Down] = {"r0": None}
    last = "r0"
    for number in range(32):
        for step in range(5):
            graph[f"m{number}_{step}"] = f"m{number}_{step - 1}" if step else last
        for step in range(5):
            graph[f"f{number}_{step}"] = f"f{number}_{step - 1}" if step else last
        last = f"j{number}"
        graph[last] = (f"m{number}_4", f"f{number}_4")
    while len(graph) < 344 + 9:
        graph[f"t{len(graph)}"], last = last, f"t{len(graph)}"
    found = history(tmp_path, graph)
    assert findings(found, notes=True) == {}
    assert len(found.pending(set())) == len(graph)
    write(tmp_path / "migrations" / "versions", "fork", "f7_2")
    assert only(findings(tmp_path / "migrations"), "migration-heads").actual.startswith("2 heads after f7_2: ")
