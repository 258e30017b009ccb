"""When the builds of a project ran, and of which commits."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

DAYS = 15
_MAIN = 32


class Build(NamedTuple):
    """`age`: how many builds of its branch came after it. `slowness`: 1 for a machine as usual."""

    project: str
    number: int
    branch: str
    commit: str
    at: datetime
    age: int
    slowness: float

    @property
    def on_main(self) -> bool:
        return self.branch == "main"

    @property
    def url(self) -> str:
        return f"https://ci.example/{self.project}/builds/{self.number}"

    def metadata(self, job: str) -> dict[str, str]:
        """What the job says with its upload."""
        return {
            "tap-project": self.project,
            "tap-job": job,
            "tap-branch": self.branch,
            "tap-commit": self.commit,
            "tap-build-url": self.url,
            "tap-main-branch": "main",
        }

    def chance(self, *of: object) -> random.Random:
        """The same at each call."""
        return chance(self.project, self.number, *of)


def chance(*of: object) -> random.Random:
    return random.Random(" ".join(map(str, of)))  # noqa: S311 - the same at each call


def commit(*of: object) -> str:
    return hashlib.sha1(" ".join(map(str, of)).encode(), usedforsecurity=False).hexdigest()


def planned(
    project: str,
    *,
    now: datetime,
    latest: timedelta,
    number: int,
    pull_requests: Mapping[str, int],
    again: Mapping[str, set[int]],
    slow: Mapping[int, float],
) -> list[Build]:
    """The builds of the last 15 days, the oldest first: 32 of main, and of each pull request so many.

    `latest`: how long ago the last one was; `number`: its number. `again`: by branch, the ages of builds of the same
    commit as the one before. `slow`: by the age of a build on main, how slow its machine was.
    """
    dice = chance(project, "plan")
    branches = ["main"] * (_MAIN - 1) + [branch for branch, count in pull_requests.items() for _ in range(count)]
    dice.shuffle(branches)
    branches.append("main")
    gaps = [dice.uniform(0.4, 1.6) for _ in branches[1:]]
    hours = (timedelta(days=DAYS) - latest) / sum(gaps)
    ages = Counter(branches)
    commits = dict.fromkeys(branches, "")
    at = now - timedelta(days=DAYS)
    builds = []
    for nth, (branch, gap) in enumerate(zip(branches, [*gaps, 0], strict=True)):
        ages[branch] -= 1
        age = ages[branch]
        if age not in again.get(branch, ()):
            commits[branch] = commit(project, branch, age)
        slowness = slow.get(age, 1.0) if branch == "main" else 1.0
        builds.append(
            Build(
                project,
                number - len(branches) + 1 + nth,
                branch,
                commits[branch],
                at,
                age,
                slowness * dice.lognormvariate(0, 0.06),
            )
        )
        at += gap * hours
    return builds
