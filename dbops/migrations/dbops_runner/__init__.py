"""dbops' part in the application's own interpreter: runs its migrations there, and tells what happens.

`runner` starts `__main__.py` and reads from it. It imports nothing of dbops but this folder: the standard library
(Python 3.8 and later) and what the application has. Standard input brings one line of JSON, the request, and then stays
open: its end means that dbops is gone, and this process goes too. What happens is told as lines of JSON on the
descriptor that the only argument names (`runner_events` has their schema). The database's URL is in the environment,
never in the request.

SQL stands in these files, and not beside them, since the folder must work alone.
"""
