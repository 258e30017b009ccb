"""What makes a test the same one in every run of its project: docs/reading.md has the whole rule."""

from __future__ import annotations

import hashlib
import json
import re
from json.encoder import encode_basestring_ascii
from uuid import UUID

from handler.reading.limits import MAX_NAME
from handler.reading.writers import UNITTEST_TIME

# Never to change: the history of every test hangs on the ids that are made under it.
_TESTS = UUID("f2b3a3f6-6f0c-5c1e-9d53-0f5b5d5e8a21")

# POSIX, Windows (drive or share) or a URL.
_ABSOLUTE = re.compile(r"/|[A-Za-z]:/|[A-Za-z][A-Za-z0-9+.-]+://")
# Where CI systems and people keep their working copies.
_FOLDER_OF_JOBS = re.compile(
    r"/(?:home|Users|root|tmp|var|private|builds?|github|workspaces?|opt|srv|mnt|__w)/|[A-Za-z]:/"
)


class Identities:
    """Makes the ids of a project's tests.

    Most cases differ from the one before in their name alone: what comes before the name is hashed once.
    """

    def __init__(self, project: str) -> None:
        self._project = project
        self._names: object = None
        self._hashed = hashlib.sha1(usedforsecurity=False)

    def test_id(self, file: str | None, suite: str | None, classname: str | None, name: str) -> bytes:
        """UUIDv5 of project, file or else suite, class and name, in 16 bytes.

        The folder that a CI job is run in is no part of it: of an absolute path the last name counts, together with
        the suite.
        """
        if (names := (file, suite, classname)) != self._names:
            self._names = names
            # Linters, and some frameworks of C++, call it by the path of a file.
            known_class = suite_name(classname) if classname else classname
            before = json.dumps([self._project, *_place(file, suite), known_class]).removesuffix("]")
            self._hashed = hashlib.sha1(_TESTS.bytes + before.encode(), usedforsecurity=False)
        hashed = self._hashed.copy()
        hashed.update(f", {encode_basestring_ascii(name)}]".encode())
        uuid = bytearray(hashed.digest()[:16])
        # As `uuid.uuid5` does it, which takes half of the time that reading a report takes.
        uuid[6] = uuid[6] & 0x0F | 0x50
        uuid[8] = uuid[8] & 0x3F | 0x80
        return bytes(uuid)


def _place(file: str | None, suite: str | None) -> tuple[str | None, str | None]:
    if not file:
        return file, suite
    file = file.replace("\\", "/").removeprefix("./")
    return (_last_name(file), suite) if _ABSOLUTE.match(file) else (file, None)


def brief(name: str) -> str:
    """The name for an id, in few characters: its SHA-1 if it is long, since much would be lost where it is cut."""
    return name if len(name) <= MAX_NAME else hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def suite_name(name: str) -> str:
    """The name of a suite, without what differs from run to run: a time, or the folder of an absolute path."""
    name = UNITTEST_TIME.sub("", name)
    slashed = name.replace("\\", "/")
    last = _last_name(slashed)
    # Suites are called by the routes of a web service as well: "/users".
    is_file = "." in last and _ABSOLUTE.match(slashed)
    return last if last and (is_file or _FOLDER_OF_JOBS.match(slashed)) else name


def _last_name(path: str) -> str:
    return path.rpartition("/")[2]
