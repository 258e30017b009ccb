"""Makes a schedule that fails as simple as it can be. Hypothesis would need hundreds of runs, which take their time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.chaos.schedules import Deliver, Invoke, Schedule, Step, Together
from tests.chaos.uploads import Upload


def simplified(schedule: Schedule, fails: Callable[[Schedule], bool]) -> Schedule:
    """The schedule, of which nothing more can be left out without its ending well."""
    # Without what comes later the earlier steps may do: from the end.
    for place in reversed(range(len(schedule.steps))):
        shorter = _with(schedule, place)
        if len(schedule.steps) > 1 and fails(shorter):
            schedule = shorter
    for place in range(len(schedule.steps)):
        while simpler := next(
            (it for step in _simpler(schedule.steps[place]) if fails(it := _with(schedule, place, step))), None
        ):
            schedule = simpler
    return schedule


def _with(schedule: Schedule, place: int, *instead: Step) -> Schedule:
    steps = (*schedule.steps[:place], *instead, *schedule.steps[place + 1 :])
    return replace(schedule, steps=steps)


def _simpler(step: Step) -> Iterator[Step]:
    match step:
        case Together():
            yield from (step.one, step.other)
            yield from (replace(step, one=one) for one in _simpler_act(step.one) if isinstance(one, Deliver))
            yield from (replace(step, other=other) for other in _simpler_act(step.other))
        case Deliver() | Invoke():
            yield from _simpler_act(step)
        case Upload():
            if step.is_long or len(step.results) > 1:
                yield replace(step, is_long=False, results=dict(list(step.results.items())[:1]))


def _simpler_act(act: Deliver | Invoke) -> Iterator[Deliver | Invoke]:
    for nth in range(len(act.faults)):
        yield replace(act, faults=(*act.faults[:nth], *act.faults[nth + 1 :]))
    if isinstance(act, Deliver) and act.trouble:
        yield replace(act, trouble=None)
    if isinstance(act, Deliver) and not act.is_heard:
        yield replace(act, is_heard=True)
