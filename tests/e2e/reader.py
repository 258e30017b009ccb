"""The reader of the deployed database."""

from typing import Any

import psycopg

from handler.recording.reader import READER
from local.platform import Platform


def reader_password(platform: Platform) -> str:
    """What Parameter Store holds at this moment."""
    return platform.access.password("reader-password")


def reader(platform: Platform) -> psycopg.Connection[Any]:
    """A connection with this password."""
    return platform.access.connect(user=READER, password=reader_password(platform))
