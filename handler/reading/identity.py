"""What makes a test the same one in every run of its project."""

from __future__ import annotations

import json
import re
from uuid import UUID, uuid5

# Never to change: the history of every test hangs on the ids that are made under it.
_TESTS = UUID("f2b3a3f6-6f0c-5c1e-9d53-0f5b5d5e8a21")

# POSIX, Windows (drive or share) or a URL.
_ABSOLUTE = re.compile(r"/|[A-Za-z]:/|[A-Za-z][A-Za-z0-9+.-]+://")


def test_id(*, project: str, file: str | None, suite: str | None, classname: str | None, name: str) -> UUID:
    """The identity of a test: UUIDv5 of its project, file or else suite, class and name.

    The folder that a CI job is run in is no part of it: of an absolute path the last name counts, together with the
    suite.
    """
    if file:
        file = file.replace("\\", "/").removeprefix("./")
        if _ABSOLUTE.match(file):
            file = _last_name(file)
        else:
            suite = None
    return uuid5(_TESTS, json.dumps([project, file, suite, classname, name]))


def suite_name(name: str) -> str:
    """The name of a suite; of one that is called by the absolute path of a file, the last name in it."""
    slashed = name.replace("\\", "/")
    last = _last_name(slashed)
    # A dot, since suites are called by the routes of a web service as well: "/users".
    return last if "." in last and _ABSOLUTE.match(slashed) else name


def _last_name(path: str) -> str:
    return path.rpartition("/")[2]
