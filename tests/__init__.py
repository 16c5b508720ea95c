"""The tests of dbops. They read its messages in English."""

import os

from dbops import language

os.environ["DBOPS_LANG"] = "en"  # whatever the language of whoever runs them
language.use("en")
