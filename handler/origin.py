"""Where an upload comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handler.texts import storable

# Of an upload that says nothing and lies in no folder.
UNKNOWN_PROJECT = "unknown"
# Of what has no name, and of what is no report.
UNKNOWN_SERIES = "unknown"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The project, the series that the upload goes on, and what is known of the build that made it.

    A series is one job of a build, again and again: of the reports of a matrix, each is held against its own like.
    `main_branch` is what the upload calls the main branch of its project.
    """

    project: str
    series: str = UNKNOWN_SERIES
    branch: str | None = None
    commit: str | None = None
    build_url: str | None = None
    main_branch: str | None = None

    @classmethod
    def of(cls, key: str, metadata: Mapping[str, str]) -> Origin:
        """As the object's metadata say: `x-amz-meta-tap-project`, `-job`, `-branch`, `-commit`, `-build-url` and
        `-main-branch`.

        Without such a project, it is the first folder of the object's key; without a job, the series is the key's last
        name.
        """
        folder, slash, _ = key.partition("/")
        name = key.rpartition("/")[2].removesuffix(".gz")
        said = {name: storable(value) for name, value in metadata.items()}
        return cls(
            project=said.get("tap-project") or (folder if slash and folder else UNKNOWN_PROJECT),
            series=said.get("tap-job") or name or UNKNOWN_SERIES,
            branch=said.get("tap-branch") or None,
            commit=said.get("tap-commit") or None,
            build_url=said.get("tap-build-url") or None,
            main_branch=said.get("tap-main-branch") or None,
        )
