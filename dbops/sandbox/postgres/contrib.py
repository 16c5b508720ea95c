"""What the official image of PostgreSQL has beyond the server: the extensions of its own source, and few locales."""

from __future__ import annotations

_EXTENSIONS = """
adminpack amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance file_fdw
fuzzystrmatch hstore insert_username intagg intarray isn lo ltree moddatetime old_snapshot pageinspect
pg_buffercache pg_freespacemap pg_logicalinspect pg_overexplain pg_prewarm pg_stat_statements pg_surgery pg_trgm
pg_visibility pg_walinspect pgcrypto pgrowlocks pgstattuple plpgsql postgres_fdw refint seg sslinfo tablefunc tcn
tsm_system_rows tsm_system_time unaccent uuid-ossp xml2
"""
_LIBRARIES = """
auth_delay auto_explain basebackup_to_shell basic_archive passwordcheck pg_overexplain pg_prewarm
pg_stat_statements sepgsql test_decoding
"""
EXTENSIONS = frozenset(_EXTENSIONS.split())
LIBRARIES = frozenset(_LIBRARIES.split())
"""Those that are worth preloading."""
LOCALES = ("C", "C.UTF-8", "POSIX", "en_US.UTF-8")
