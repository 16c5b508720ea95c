"""`python -m dbops` is the console script `dbops`."""

from dbops.cli import main

main()
