"""Runs a schedule, until nothing fails any more and all messages were delivered; and has it checked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import quote_plus
from uuid import uuid4

from tests.chaos.checker import Seen, Sent, Violation, violations
from tests.chaos.containers import InvocationFailed
from tests.chaos.faults import Fault
from tests.chaos.ingest_queue import IngestQueue
from tests.chaos.schedules import AskAgain, Crash, Deliver, Invoke, Join, Redrive, Schedule, SendNoise, Step, Together
from tests.chaos.slots import Slot
from tests.chaos.uploads import Upload
from tests.chaos.world import RETENTION, World

# Seconds: the functions' timeout, and that of an invocation in which something is silent or unavailable all the time.
_TIMEOUT, _SHORT_TIMEOUT = 30, 0.7
# In which all has to be done, when nothing fails any more.
_ROUNDS = 4
# Messages, the most that Lambda hands over at once without a window.
_BATCH = 10

_NOISE = "What somebody sent by hand."
_TAKES_ALL_TIME = ("no login", "half a new password")


def run(world: World, schedule: Schedule) -> list[Violation]:
    """What is wrong after it."""
    world.empty(is_migrated=schedule.is_migrated)
    running = _Run(world)
    try:
        for step in schedule.steps:
            running.take(step)
        running.finish(schedule)
    finally:
        world.quiet()
    seen = Seen(
        events=world.received_events(),
        dead_letters=[message.body for message in running.queue.dead_letters],
        waiting=[message.body for message in running.queue.messages],
        redriven=True,
    )
    return violations(running.sent, seen, world.admin, retention=RETENTION, noise=running.noise)


class _Run:
    def __init__(self, world: World) -> None:
        self._world = world
        self._bodies: list[str] = []
        self.queue = IngestQueue()
        self.sent: list[Sent] = []
        self.noise: list[str] = []

    def take(self, step: Step) -> None:
        one, other = self._world.slots
        match step:
            case Upload():
                sent, body = self._world.upload(step)
                self.sent.append(sent)
                self._send(body)
            case SendNoise():
                self.noise.append(_NOISE)
                self._send(_NOISE)
            case Join():
                self.queue.join()
            case AskAgain():
                self._ask_again(step.place)
            case Deliver():
                with self._world.troubled(step.trouble):
                    self._deliver(one, step, self.queue.receive(step.places))
            case Invoke():
                self._invoke(other, step)
            case Together():
                with self._world.troubled(step.one.trouble):
                    self._act_together(step)
            case Crash():
                (self._world.crash if step.is_server else self._world.terminate)()
            case Redrive():
                self.queue.redrive()

    def finish(self, schedule: Schedule) -> None:
        """No fault is left: the database has its schema, an operator redrives, and Lambda delivers what there is."""
        if not schedule.is_migrated:
            self._invoke(self._world.slots[1], Invoke(event="migrate"))
        self._deliver_all()
        if schedule.comes_again:
            for body in self._bodies:
                self.queue.send(body)
            self._deliver_all()

    def _deliver_all(self) -> None:
        for _ in range(_ROUNDS + len(self.queue.messages) // _BATCH):
            self.queue.redrive()
            batch = self.queue.receive(range(min(_BATCH, len(self.queue.messages))))
            self._deliver(self._world.slots[0], Deliver(places=()), batch)
            if not self.queue.messages and not self.queue.dead_letters:
                return

    def _send(self, body: str) -> None:
        self._bodies.append(body)
        self.queue.send(body)

    def _ask_again(self, place: int) -> None:
        """See docs/operating.md."""
        if not self.sent:
            return
        upload = self.sent[place % len(self.sent)]
        object_ = {"key": quote_plus(upload.key), "versionId": upload.version_id}
        s3 = {"bucket": {"name": upload.bucket}, "object": object_}
        self._send(json.dumps({"Records": [{"eventName": "Reingest", "requestId": str(uuid4()), "s3": s3}]}))

    def _act_together(self, step: Together) -> None:
        one, other = self._world.slots
        for slot in (one, other):
            slot.reserve()
        batch = self.queue.receive(step.one.places)
        with ThreadPoolExecutor() as at_once:
            first = at_once.submit(self._deliver, one, step.one, batch)
            if isinstance(step.other, Deliver):
                second = at_once.submit(self._deliver, other, step.other, self.queue.receive(step.other.places))
            else:
                second = at_once.submit(self._invoke, other, step.other)
            for done in (first, second):
                done.result()

    def _deliver(self, slot: Slot, deliver: Deliver, batch: Sequence[dict[str, Any]]) -> None:
        if not batch:
            slot.release()
            return
        seconds = _seconds(deliver.faults, is_short=deliver.trouble in _TAKES_ALL_TIME)
        try:
            failed = slot.ingest(batch, deliver.faults, is_cold=deliver.is_cold, seconds=seconds)
        except InvocationFailed:
            return
        if deliver.is_heard:
            self.queue.delete({message["messageId"] for message in batch} - set(failed))

    def _invoke(self, slot: Slot, invoke: Invoke) -> None:
        # Terraform and the schedule have their own ways to try again.
        with suppress(InvocationFailed):
            slot.schema({invoke.event: True}, invoke.faults, seconds=_seconds(invoke.faults, is_short=False))


def _seconds(faults: Sequence[Fault], *, is_short: bool) -> float:
    return _SHORT_TIMEOUT if is_short or any(fault.what == "hole" for fault in faults) else _TIMEOUT
