"""Blocks of schedules: a seed makes the same ones each time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings

from tests.chaos.checker import Kind, Violation
from tests.chaos.runner import run
from tests.chaos.schedules import Schedule, any_schedule
from tests.chaos.simplify import simplified
from tests.chaos.world import World

SCHEDULES = 50
"""Of a block."""

# Violations of a schedule that are told.
_SHOWN = 10
_ATTEMPTS = 5

# What a violation counts as.
CATEGORIES = {
    "lost": {Kind.lost, Kind.missing_event, Kind.unsent, Kind.dead_letter, Kind.waiting},
    "doubled": {Kind.doubled, Kind.invented, Kind.event_without_effect, Kind.event_ids},
    "wrong totals": {Kind.wrong_totals, Kind.wrong_record, Kind.wrong_event},
    "wrong histories": {Kind.wrong_history},
}


@dataclass
class Block:
    """What came of a block. `schedules`: how many; `found`: how many of them had a violation of a category.

    `faults`: how often each kind of fault struck.
    """

    seed: int
    schedules: int = 0
    found: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    container_kills: int = 0
    postgres_kills: int = 0
    failed: list[str] = field(default_factory=list)


def run_block(world: World, seed: int, schedules: int = SCHEDULES) -> Block:
    """So many schedules of the block, whatever they find."""
    block = Block(seed)
    struck, kills, crashes = world.struck, world.kills, world.crashes
    world.renew()

    def each(schedule: Schedule) -> None:
        violations = run(world, schedule)
        block.schedules += 1
        block.found.update(categories(violations))
        if violations:
            block.failed.append(described(schedule, violations))

    _each_of(seed, each, schedules)
    block.faults = world.struck - struck
    block.container_kills = world.kills - kills
    block.postgres_kills = world.crashes - crashes
    return block


def reproduce(world: World, seed: int) -> str | None:
    """The first schedule of the block that fails, made simple, with what the functions logged; None if none does."""
    world.renew()
    failing: list[Schedule] = []

    def each(schedule: Schedule) -> None:
        if not failing and run(world, schedule):
            failing.append(schedule)

    _each_of(seed, each, SCHEDULES)
    if not failing:
        return None
    simple = simplified(failing[0], lambda schedule: bool(run(world, schedule)))
    # What depends on a moment may not come again at once.
    violations = next(filter(None, (run(world, simple) for _ in range(_ATTEMPTS))), [])
    return f"{described(simple, violations)}\n{world.log}"


def categories(violations: list[Violation]) -> set[str]:
    return {name for name, kinds in CATEGORIES.items() if any(it.kind in kinds for it in violations)}


def described(schedule: Schedule, violations: list[Violation]) -> str:
    """The schedule step by step, and what is wrong after it."""
    steps = "".join(f"  {step}\n" for step in schedule.steps)
    wrong = "\n".join(f"  {violation}" for violation in violations[:_SHOWN])
    return f"{schedule.is_migrated=} {schedule.comes_again=}\n{steps}ended with {len(violations)} violations:\n{wrong}"


def _each_of(seed: int, each: Callable[[Schedule], None], count: int) -> None:
    quietly = settings(
        max_examples=count,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    hypothesis.seed(seed)(quietly(given(any_schedule)(each)))()
