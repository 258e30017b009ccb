"""Where an upload comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handler.texts import storable

# Of an upload that says nothing and lies in no folder.
UNKNOWN_PROJECT = "unknown"

_PREFIX = "tap-"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The project, and what is known of the build that made the upload."""

    project: str
    branch: str | None = None
    commit: str | None = None
    build_url: str | None = None

    @classmethod
    def of(cls, key: str, metadata: Mapping[str, str]) -> Origin:
        """As the object's metadata say (`x-amz-meta-tap-project`, `-branch`, `-commit`, `-build-url`).

        Without such a project, it is the first folder of the object's key.
        """
        folder, slash, _ = key.partition("/")
        said = {name: storable(value) for name, value in metadata.items()}
        return cls(
            project=said.get("tap-project") or (folder if slash and folder else UNKNOWN_PROJECT),
            branch=said.get("tap-branch") or None,
            commit=said.get("tap-commit") or None,
            build_url=said.get("tap-build-url") or None,
        )
