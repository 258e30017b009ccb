"""What goes wrong, and where: at the boundaries between a container and what it works with, never within it.

A container talks to PostgreSQL and to AWS through proxies. Whatever passes one of them crosses a boundary, on its way
there (`before`) and back (`after`); each crossing is counted under the names that it has.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

When = Literal["before", "after"]

# At every boundary: `kill` the container; `reset` the connection; `hold` what crosses until the other container is
# done, so that two work on the same at once; `hole`: nothing passes any more, until the container ran into its timeout.
_ANYWHERE = ("kill", "reset", "hold", "hole")
# Done to the server meanwhile: its sessions are ended, as in a failover, or all of it is killed and started again.
_DATABASE = ("terminate", "crash")
# What the server answers instead: SQLSTATEs of a full disk, a deadlock, a serialization failure, a statement that took
# too long, a lock that was not given, and too little memory.
SQLSTATES = ("53100", "40P01", "40001", "57014", "55P03", "53200")
# What AWS answers instead: it throttles, denies, or fails.
_AWS = ("throttle", "deny", "fail")

WHAT: dict[tuple[str, When], tuple[str, ...]] = {
    # A connection that is opened, and one that was.
    ("connect", "before"): (*_ANYWHERE, "crash"),
    ("connect", "after"): (*_ANYWHERE, *_DATABASE),
    # Any statement of the connections, by its number.
    ("statement", "before"): (*_ANYWHERE, *_DATABASE, *SQLSTATES),
    ("statement", "after"): (*_ANYWHERE, *_DATABASE),
    # What COPY sends, and the ends of transactions: that of the record, and that which marks its event as sent.
    ("copy", "before"): (*_ANYWHERE, *_DATABASE),
    ("commit", "before"): (*_ANYWHERE, *_DATABASE, *SQLSTATES),
    ("commit", "after"): (*_ANYWHERE, *_DATABASE),
    ("GetParameters", "before"): (*_ANYWHERE, *_AWS),
    ("GetParameters", "after"): _ANYWHERE,
    ("GetObject", "before"): (*_ANYWHERE, *_AWS, "crash"),
    # The connection ends in the middle of the object.
    ("GetObject", "after"): (*_ANYWHERE, "truncate"),
    # An answer of 200 that says that the entry failed.
    ("PutEvents", "before"): (*_ANYWHERE, *_AWS, *_DATABASE, "partial"),
    ("PutEvents", "after"): (*_ANYWHERE, *_DATABASE),
}


@dataclass(frozen=True)
class Fault:
    """At the nth crossing of this name within an invocation, and at those that follow it: `times` in all."""

    at: str
    when: When
    what: str
    nth: int = 1
    times: int = 1


class Crossings:
    """What crosses the boundaries of one container at a time, and what is to happen there."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._faults: Sequence[Fault] = ()
        self._invocation = 0
        self._counts: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        """How often each kind of fault happened."""

    def arm(self, faults: Sequence[Fault]) -> None:
        """For the next invocation. What an earlier one left on its way meets no fault any more."""
        with self._changing:
            self._faults = faults
            self._invocation += 1
            self._counts.clear()

    def begin(self, *names: str) -> Crossing:
        """Something sets out under these names."""
        with self._changing:
            self._counts.update(names)
            return Crossing(self, self._invocation, {name: self._counts[name] for name in names})

    def fault(self, invocation: int, numbers: Mapping[str, int], when: When) -> str | None:
        with self._changing:
            if invocation != self._invocation:
                return None
            for fault in self._faults:
                number = numbers.get(fault.at)
                if number and fault.when == when and fault.nth <= number < fault.nth + fault.times:
                    self.struck[fault.what] += 1
                    return fault.what
            return None


@dataclass(frozen=True)
class Crossing:
    """One request with its answer, and the number that it has under each of its names."""

    _crossings: Crossings
    _invocation: int
    _numbers: Mapping[str, int]

    def fault(self, when: When) -> str | None:
        """What happens on this way, or None."""
        return self._crossings.fault(self._invocation, self._numbers, when)


class Cut(Exception):
    """The connection ends here. What was on its way is lost."""


@dataclass(frozen=True)
class Surroundings:
    """What a fault may do beyond the connection at which it happens.

    `kill`: the container. `wait_for_other`: until the other container is done. `wait_for_end`: until this one is gone.
    """

    crossings: Crossings
    kill: Callable[[], None]
    wait_for_other: Callable[[], None]
    wait_for_end: Callable[[], None]
    terminate: Callable[[], None]
    crash: Callable[[], None]

    def strike(self, crossing: Crossing, when: When) -> str | None:
        """Does what is to happen. Returns what only the boundary itself can do. Raises Cut."""
        match what := crossing.fault(when):
            case "kill":
                self.kill()
                raise Cut
            case "reset":
                raise Cut
            case "hole":
                self.wait_for_end()
                raise Cut
            case "hold":
                self.wait_for_other()
            case "terminate":
                self.terminate()
            case "crash":
                self.crash()
            case _:
                return what
        return None
