"""What is uploaded, delivered and invoked, in which order, and what goes wrong meanwhile: made by Hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from tests.chaos.faults import WHAT, Fault
from tests.chaos.uploads import Upload, uploads

# What may be wrong with the surroundings for as long as a delivery lasts: the database may only be read, takes no login
# of the functions, or has a new password, of which Parameter Store knows or does not know yet; Parameter Store lacks a
# parameter; there is no bus.
Trouble = Literal["read-only", "no login", "new password", "half a new password", "no parameter", "no bus"]
TROUBLES: tuple[Trouble, ...] = (
    "new password", "half a new password", "read-only", "no login", "no parameter", "no bus",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Deliver:
    """A batch of the messages at these places, to a new container or to the one that is there.

    `is_heard`: whether the queue hears of what was done; else all of it comes again.
    """

    places: tuple[int, ...]
    is_cold: bool = False
    faults: tuple[Fault, ...] = ()
    is_heard: bool = True
    trouble: Trouble | None = None


@dataclass(frozen=True, kw_only=True)
class Invoke:
    """The schema function, for a migration or for the daily upkeep."""

    event: Literal["migrate", "upkeep"]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Together:
    """Both at the same moment, in two containers."""

    one: Deliver
    other: Deliver | Invoke


@dataclass(frozen=True)
class SendNoise:
    """Somebody sends a message to the queue that is no notification."""


@dataclass(frozen=True)
class Crash:
    """The server is killed and started again, or only ends its sessions, while nothing is delivered."""

    is_server: bool


@dataclass(frozen=True)
class Redrive:
    """An operator sends the dead letters again."""


Step = Upload | Deliver | Invoke | Together | SendNoise | Crash | Redrive


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """`is_migrated`: whether the database has its schema at the beginning; else some step or the end gives it one.

    `comes_again`: whether every message is delivered once more at the very end.
    """

    steps: tuple[Step, ...]
    is_migrated: bool = True
    comes_again: bool = False


# Statements of a delivery to a new container; other crossings are one or two for each upload.
_STATEMENTS = 36


@st.composite
def _fault(draw: st.DrawFn) -> Fault:
    at, when = draw(st.sampled_from(list(WHAT)))
    # A server takes a second to start.
    what = draw(st.sampled_from([what for what in WHAT[at, when] for _ in range(1 if what == "crash" else 4)]))
    nth = draw(st.integers(1, _STATEMENTS) if at == "statement" else st.sampled_from([1, 1, 1, 2, 2, 3]))
    return Fault(at, when, what, nth=nth, times=draw(st.sampled_from([1, 1, 1, 2, 4])))


_faults = st.sampled_from([0, 1, 1, 2]).flatmap(lambda size: st.tuples(*[_fault()] * size))
_places = st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True).map(tuple)
_deliveries = st.builds(
    Deliver,
    places=_places,
    is_cold=st.booleans(),
    faults=_faults,
    is_heard=st.sampled_from([True, True, True, False]),
    trouble=st.sampled_from([None] * 20 + list(TROUBLES)),
)
_invocations = st.builds(Invoke, event=st.sampled_from(["upkeep", "migrate"]), faults=_faults)
_together = st.builds(
    Together,
    _deliveries,
    st.sampled_from([_deliveries] * 4 + [_invocations]).flatmap(lambda one: one),
)
_crashes = st.builds(Crash, st.sampled_from([False] * 9 + [True]))
# How often each is drawn.
_steps = st.sampled_from(
    [uploads()] * 8
    + [_deliveries] * 8
    + [_together] * 5
    + [_invocations] * 1
    + [_crashes] * 1
    + [st.just(SendNoise())] * 1
    + [st.just(Redrive())] * 1
).flatmap(lambda step: step)

schedules = st.builds(
    lambda first, others, is_migrated, comes_again: Schedule(
        steps=(first, *others), is_migrated=is_migrated, comes_again=comes_again
    ),
    uploads(),
    st.lists(_steps, min_size=2, max_size=9),
    st.sampled_from([True] * 19 + [False]),
    st.sampled_from([False] * 3 + [True]),
)
