"""Where an upload comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
        return cls(
            project=metadata.get("tap-project") or (folder if slash and folder else UNKNOWN_PROJECT),
            branch=metadata.get("tap-branch") or None,
            commit=metadata.get("tap-commit") or None,
            build_url=metadata.get("tap-build-url") or None,
        )
