"""What `rules` is made of: id, severity (`!`: firm), case numbers, why, fix. One table for each step of the gate."""

from __future__ import annotations

_Texts = tuple[tuple[str, str, str, str, str], ...]

FILES: _Texts = (
    ("migration-no-folder", "error!", "13", "Without its folder there is no history to judge.",
     "Name the folder that has env.py and versions/."),
    ("migration-folder-missing", "warning", "13", "Alembic passes over a missing version folder in silence.",
     "Correct version_locations, or bring the folder back."),
    ("migration-settings", "error!", "13", "Alembic stops at settings that it cannot read.",
     "Mend alembic.ini or pyproject.toml."),
    ("migration-sourceless", "warning", "13", "Compiled code is not read: a revision is missing from view.",
     "Judge the history where its source is."),
    ("migration-unreadable", "error!", "13", "Alembic loads every *.py in the folder and stops at one it cannot load.",
     "Mend the file, or take it out of the folder."),
    ("migration-computed", "warning", "13", "A value that only running the file would tell: the graph is not judged.",
     "Write the id and its parent as literals."),
    ("migration-bad-value", "error!", "13", "Alembic cannot use the value as an id, a parent or a label.",
     "Write a text, None, or a tuple of texts."),
    ("migration-conflict", "error!", "2", "Both sides of the merge changed the same revision file.",
     "Merge the base branch into this one, and settle the file by hand."),
    ("migration-no-id", "error!", "7", "Alembic stops at a file in the folder that is no revision.",
     "Move the file elsewhere, or give it a revision id."),
    ("migration-no-down-revision", "error!", "13", "Alembic stops at a revision without a parent's name.",
     "Set down_revision: the parent's id, or None for the first."),
    ("migration-duplicate-id", "error", "5", "Alembic only warns, and one of the two files never runs.",
     "Give one of them an id of its own."),
    ("migration-copied-file", "error", "6", "A copy has the id of its original: one of the two never runs.",
     "Delete the copy."),
    ("migration-label-clash", "error!", "13", "Alembic stops at a branch label that is taken.",
     "Label a branch once, at its first revision."),
)  # fmt: skip

EDGES: _Texts = (
    ("migration-parent-missing", "error!", "4", "Alembic dies of a KeyError at a parent that no file declares.",
     "Bring the parent's file back, or correct down_revision."),
    ("migration-dependency-missing", "error!", "9", "Alembic dies at a depends_on that leads nowhere.",
     "Bring the file back, or correct depends_on."),
    ("migration-cycle", "error!", "3", "Revisions that stand on each other have no order.",
     "Correct the parent of one of them."),
    ("migration-heads", "error", "1, 2", "With two heads `upgrade head` fails; merged by two branches, each was fine.",
     "Merge the heads, or set the parent of the one that ran nowhere yet to the other."),
    ("migration-second-base", "error", "8", "A base that nothing connects runs before or after the rest by chance.",
     "Set its down_revision, or give the branch a label."),
)  # fmt: skip

REVISIONS: _Texts = (
    ("migration-id-too-long", "error", "10", "alembic_version.version_num holds 32 characters: the upgrade fails.",
     "Shorten the id, here and where it is the parent."),
    ("migration-id-reserved", "error", "10", "Alembic reads head, heads, base and current as a place in the history.",
     "Give the revision another id."),
    ("migration-merge-of-ancestor", "warning", "11", "Alembic accepts it, and the head that was meant stays unmerged.",
     "Take the ancestor out of down_revision."),
    ("migration-merge-operates", "warning", "12", "Nobody who reviews a merge looks for a change in it.",
     "Leave the merge empty, and put the operations into a revision after it."),
    ("migration-downgrade-empty", "warning", "34", "`downgrade` says that it is done, and the schema is as it was.",
     "Write the way back, or raise NotImplementedError, so that nobody believes in one."),
    ("migration-downgrade-refuses", "info", "34", "There is no way back but a restore; the revision says so.",
     "Have a verified backup before it runs."),
)  # fmt: skip

DATABASE: _Texts = (
    ("migration-database-behind", "info", "15", "Every deploy begins with a database behind the code.",
     "None is needed: what is pending runs with the next migration."),
    ("migration-database-unknown", "error", "14", "The database is at a revision that the code does not have.",
     "Deploy the release that has it, or restore the backup from before it."),
    ("migration-database-ahead", "error", "15", "The code is older than the database: an upgrade fails.",
     "Deploy the release that the database was migrated by, or downgrade with that one."),
    ("migration-database-beside", "error", "15", "The database and the code have each what the other lacks.",
     "Bring the revision's file into this branch, and merge the heads."),
    ("migration-database-overlap", "error", "16", "Alembic refuses rows of which one stands on the other.",
     "Delete the row of the lower revision, if it has run."),
    ("migration-database-rows", "warning", "16", "More rows than heads: two branches were applied apart.",
     "Apply the merge revision that joins them."),
)  # fmt: skip

LEDGER: _Texts = (
    ("migration-never-runs", "error", "17", "A revision under an applied one counts as applied, and never runs.",
     "Put it after the current revision of the database."),
    ("migration-reparented", "warning", "17", "The order in which it ran here is not that of a new database.",
     "Restore down_revision as it was applied."),
    ("migration-edited", "warning", "18", "The file is not what ran here: new databases are built in another way.",
     "Restore the file, and put the change into a revision of its own."),
)  # fmt: skip

SUPPRESSIONS: _Texts = (
    ("migration-suppression-wrong", "error!", "", "A suppression without a rule, reason, owner or expiry hides things.",
     "Write: # dbops: allow RULE until 2027-01-31 by NAME: reason"),
    ("migration-suppression-expired", "warning!", "", "What was allowed for a time is not allowed any more.",
     "Mend the cause, or decide anew and write another date."),
    ("migration-suppression-unused", "info!", "", "It suppresses nothing that this run judged.", "Delete it."),
)  # fmt: skip
