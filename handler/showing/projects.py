"""All projects: which of them fail on their main branch, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from handler.showing.reading import Reading


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Nothing is asked."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """As the view project_summary has it."""

    project: str
    main_branch: str | None
    last_run_id: UUID | None
    last_uploaded_at: datetime | None
    tests: int | None
    failing_tests: int
    flaky_tests: int
    trend_tests: list[int] | None
    trend_failed: list[int] | None


@dataclass(frozen=True, kw_only=True)
class ProjectsPage:
    """Every project."""

    projects: list[Project]


def read(reading: Reading, _: Inputs) -> ProjectsPage:
    return ProjectsPage(projects=reading.rows(Project, "select * from project_summary order by project"))
