"""Streams that are read piece by piece."""

from __future__ import annotations

from typing import Protocol


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
