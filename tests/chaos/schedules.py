"""What is uploaded, delivered and invoked, in which order, and what goes wrong meanwhile: made by Hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
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
class Join:
    """S3 tells of the last two uploads in one message."""


@dataclass(frozen=True)
class AskAgain:
    """An operator asks for one of the uploads so far to be read again: `make reingest`."""

    place: int = 0


@dataclass(frozen=True)
class Crash:
    """The server is killed and started again, or only ends its sessions, while nothing is delivered."""

    is_server: bool = False


@dataclass(frozen=True)
class Redrive:
    """An operator sends the dead letters again."""


Step = Upload | Deliver | Invoke | Together | SendNoise | Join | AskAgain | Crash | Redrive


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
# What only a new container does.
_AT_FIRST = ("connect", "GetParameters")


@st.composite
def _fault(draw: st.DrawFn) -> Fault:
    at, when = draw(st.sampled_from(list(WHAT)))
    # A server takes a second to start.
    what = draw(st.sampled_from([what for what in WHAT[at, when] for _ in range(1 if what == "crash" else 8)]))
    nth = draw(st.integers(1, _STATEMENTS) if at == "statement" else st.sampled_from([1, 1, 1, 2, 3]))
    return Fault(at, when, what, nth=nth, times=1 if what == "crash" else draw(st.sampled_from([1, 1, 1, 2, 4])))


_faults = st.sampled_from([1, 1, 2, 0]).flatmap(lambda size: st.tuples(*[_fault()] * size))


@st.composite
def _delivery(draw: st.DrawFn) -> Deliver:
    faults = draw(_faults)
    return Deliver(
        places=draw(st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True).map(tuple)),
        is_cold=any(fault.at in _AT_FIRST for fault in faults) or draw(st.booleans()),
        faults=faults,
        is_heard=draw(st.sampled_from([True, True, True, False])),
        trouble=draw(st.sampled_from([None] * 30 + list(TROUBLES))),
    )


_invocations = st.builds(Invoke, event=st.sampled_from(["upkeep", "migrate"]), faults=_faults)
_others = st.sampled_from([_delivery()] * 4 + [_invocations]).flatmap(lambda other: other)
_crashes = st.builds(Crash, is_server=st.sampled_from([False] * 19 + [True]))
# How often each is drawn.
_acts = st.sampled_from(
    [_delivery()] * 8
    + [st.builds(Together, _delivery(), _others)] * 5
    + [_invocations, _crashes, st.just(SendNoise()), st.builds(AskAgain, st.integers(0, 3)), st.just(Redrive())]
).flatmap(lambda act: act)
# Something is uploaded, and while it is delivered, something goes wrong.
_rounds: st.SearchStrategy[tuple[Step, ...]] = st.builds(
    lambda uploaded, is_joined, acts: (*uploaded, *[Join()] * (is_joined and len(uploaded) > 1), *acts),
    st.lists(uploads(), min_size=1, max_size=3),
    st.sampled_from([False] * 4 + [True]),
    st.lists(_acts, min_size=1, max_size=3),
)

any_schedule = st.builds(
    Schedule,
    steps=st.lists(_rounds, min_size=1, max_size=3).map(lambda rounds: tuple(chain.from_iterable(rounds))),
    is_migrated=st.sampled_from([True] * 19 + [False]),
    comes_again=st.sampled_from([False, False, False, True]),
)
