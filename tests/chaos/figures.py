"""The figures that all runs so far come to, in figures.json, and what they have to be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos import deploys, soak
from tests.chaos.blocks import CATEGORIES, Block
from tests.chaos.mutants import MUTANTS

_FILE = Path(__file__).with_name("figures.json")


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A figure is met if it lies within these."""

    figure: str
    at_least: int = 0
    at_most: int | None = None

    def is_met(self, value: int) -> bool:
        return value >= self.at_least and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        return f"{self.at_most:,}" if self.at_most is not None else f"{self.at_least:,} or more"


GOALS = (
    Goal(figure="schedules", at_least=10_000),
    *(Goal(figure=category, at_most=0) for category in CATEGORIES),
    Goal(figure="kills of PostgreSQL", at_least=100),
    Goal(figure="mutants", at_least=len(MUTANTS)),
    Goal(figure="unnoticed mutants", at_most=0),
    Goal(figure="deploys killed", at_least=deploys.KILLS),
    Goal(figure="wrong after deploys", at_most=0),
    Goal(figure="uploads of the soak", at_least=soak.UPLOADS),
    Goal(figure="wrong after the soak", at_most=0),
)


class Figures:
    """Kept in a file, which is written whenever they change."""

    def __init__(self, file: Path = _FILE) -> None:
        self._file = file
        self._values: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}

    def __getitem__(self, figure: str) -> int:
        match figure:
            case "deploys killed":
                return len(deploys.kills(self.deploys))
            case "wrong after deploys":
                return len(deploys.wrong(self.deploys))
            case "uploads of the soak":
                return int(self.soak.get("uploads", 0))
            case "wrong after the soak":
                return len(self._wrong_uploads)
        return int(self._values.get(figure, 0))

    @property
    def next_seed(self) -> int:
        return self["next seed"]

    @property
    def missed(self) -> list[Goal]:
        return [goal for goal in GOALS if not goal.is_met(self[goal.figure])]

    def add(self, block: Block) -> None:
        """Counts what came of a block."""
        self._count("schedules", block.schedules)
        for category in CATEGORIES:
            self._count(category, block.found[category])
        self._count("kills of PostgreSQL", block.postgres_kills)
        self._count("kills of containers", block.container_kills)
        self._values["faults"] = dict(sorted((Counter(self._values.get("faults", {})) + block.faults).items()))
        self._values["next seed"] = max(self.next_seed, block.seed + 1)
        if block.failed:
            self._values["failed seeds"] = [*self._values.get("failed seeds", []), block.seed]
        self._write()

    def set_mutants(self, unnoticed: Sequence[str]) -> None:
        """After all mutants were run, of the functions as they are."""
        self._values["mutants"] = len(MUTANTS)
        self._values["unnoticed mutants"] = len(unnoticed)
        self._write()

    @property
    def deploys(self) -> Mapping[str, Any]:
        """What came of each case of `tests.chaos.deploys` so far."""
        return dict(self._values.get("deploys", {}))

    def note_deploy(self, case: str, outcome: Mapping[str, Any]) -> None:
        self._values["deploys"] = {**self.deploys, case: outcome}
        self._write()

    @property
    def soak(self) -> Mapping[str, Any]:
        """What the last one came to."""
        return dict(self._values.get("soak", {}))

    def set_soak(self, figures: Mapping[str, Any]) -> None:
        self._values["soak"] = dict(figures)
        self._write()

    def __str__(self) -> str:
        rows = [f"{goal.figure:24}{self[goal.figure]:>10,}   {goal}" for goal in GOALS]
        told = [
            deploys.summary(self.deploys),
            soak.summary(self.soak),
            *deploys.wrong(self.deploys),
            *self._wrong_uploads,
        ]
        return "\n".join([f"{'':24}{'so far':>10}   wanted", *rows, *filter(None, told)])

    @property
    def _wrong_uploads(self) -> Sequence[str]:
        return list(self.soak.get("wrong", []))

    def _write(self) -> None:
        self._file.write_text(json.dumps(self._values, indent=2) + "\n")

    def _count(self, figure: str, times: int) -> None:
        self._values[figure] = self[figure] + times
