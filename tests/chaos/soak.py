"""Thousands of uploads to a deployed platform, half of them while parts of it are killed: `python -m tests.chaos soak`.

First a burst, which tells how many uploads a second go through; then a steady pace, at which the time from upload to
event is taken: in calm, beside messages that fail each time, and with a fault every few seconds. At the end the checker
judges what the database and the consumer have.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from itertools import count, islice
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple
from uuid import uuid4

import psutil
import psycopg
from rich.console import Console

from local.platform import Platform
from local.progress import step
from local.signing import ResultsFunction
from local.working_directory import working_directory
from stacks.settings import EnvironmentSettings
from tests.chaos import dashboard
from tests.chaos.checker import Identity, Seen, Sent, violations
from tests.chaos.disturbing import Disturbance, ingest_processes, notification
from tests.chaos.uploads import Upload

UPLOADS = 20_000

_SUFFIX = "soak"
_CONSUMER = "soak"
# Of all uploads.
_PARTS = {"burst": 0.1, "calm": 0.2, "poison": 0.2, "faults": 0.5}
_STEADY = ("calm", "poison")
# Of what goes through in the burst: at more, the time in the queue would be measured.
_PACE = 0.6
# Seconds; the fewest that are allowed, so that what a killed function held comes again after a minute and a half.
_FUNCTION_TIMEOUT = 15
# Messages, each of which comes again every minute and a half.
_POISON = 100
_NOBODY = "tap-nobody"
_UPLOADERS, _PROJECTS, _TESTS = 4, 20, 20
# That a test breaks, or is mended, in an upload.
_FLIP = 0.005
# Seconds: from a fault to the next, from a look at the platform to the next, and until all has to be done.
_BETWEEN_FAULTS, _BETWEEN_LOOKS, _PATIENCE = 10, 5, 1_800

# Of a Look.
_OBSERVED = ("memory", "files", "connections", "unsent")
_LOAD = """
select count(*) filter (where application_name = 'tap-ingest'), (select count(*) from outbox where sent_at is null)
from pg_stat_activity
"""


class Put(NamedTuple):
    """An upload, in which part of the soak it was made, and when: seconds since the epoch."""

    upload: Upload
    part: str
    begun: float
    ended: float


class Look(NamedTuple):
    """At the ingest function's process, and at the database, at one moment. `memory`: MiB."""

    part: str
    memory: float
    files: int
    connections: int
    unsent: int


@dataclass
class Traffic:
    """What was uploaded, all events that arrived, and when the first of each upload did."""

    put: dict[Identity, Put] = field(default_factory=dict)
    events: list[Mapping[str, Any]] = field(default_factory=list)
    arrived: dict[Identity, float] = field(default_factory=dict)

    def receive(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)
        if event["detail-type"] == "S3 Object Processed":
            detail = event["detail"]
            self.arrived.setdefault(Identity(detail["bucket"], detail["key"], detail["version_id"]), time.time())

    def seconds(self, part: str) -> list[float]:
        """From the upload to its event, of all that have one."""
        arrived = self.arrived
        return [arrived[of] - put.ended for of, put in self.put.items() if put.part == part and of in arrived]


def run(uploads: int = UPLOADS, *, picture: Path | None = None) -> dict[str, Any]:
    """The figures of a soak, on a platform of its own. `wrong`: what the checker says, in words.

    `picture`: where to put one of the dashboard, as it is at the end.
    """
    console = Console()
    with working_directory() as directory:
        platform = Platform(_SUFFIX, directory, partial(step, console))
        platform.settings["function_timeout"] = _FUNCTION_TIMEOUT
        with platform:
            begun = datetime.now(UTC)
            figures = _Soak(platform, console, uploads).run()
            if picture:
                dashboard.take(platform, picture, since=begun)
            return figures


def summary(figures: Mapping[str, Any]) -> str:
    """What a soak came to, in a few lines."""
    if not figures:
        return ""
    faults = ", ".join(f"{name} {times}" for name, times in figures["faults"].items())
    lines = [
        f"{figures['uploads']:,} uploads soaked: {figures['uploads a second']} a second, then {figures['pace']}",
        f"  faults: {faults}",
    ]
    for part, seconds in figures["seconds to the event"].items():
        said = ", ".join(f"{name} {value}" for name, value in seconds.items())
        lines.append(f"  seconds from upload to event, {part}: {said}")
    for what in (*_OBSERVED, "pages"):
        said = ", ".join(f"{name} {value}" for name, value in figures[what].items())
        lines.append(f"  {what}: {said}")
    return "\n".join(lines)


class _Soak:
    def __init__(self, platform: Platform, console: Console, uploads: int) -> None:
        self._platform, self._console = platform, console
        self._uploads = {part: round(share * uploads) for part, share in _PARTS.items()}
        self._s3, self._sqs, self._events = map(platform.emulator.client, ("s3", "sqs", "events"))
        self._outputs = platform.access.outputs
        self._consumer = self._subscribe()
        self._generated = _generated()
        self._part = ""
        self._traffic = Traffic()
        self._looks: list[Look] = []
        self._pages: Counter[int] = Counter()

    def run(self) -> dict[str, Any]:
        disturbance = Disturbance(self._platform, seed=0)
        read = partial(self._read, self._platform.access.results_function())
        with (
            _repeated(self._receive, pause=0),
            _repeated(self._look, pause=_BETWEEN_LOOKS),
            _repeated(read, pause=_BETWEEN_LOOKS),
        ):
            begun = time.monotonic()
            self._upload("burst", pace=None)
            rate = self._uploads["burst"] / (time.monotonic() - begun)
            self._upload("calm", pace=_PACE * rate)
            for _ in range(_POISON):
                self._sqs.send_message(QueueUrl=self._outputs["ingest_queue_url"], MessageBody=_poison())
            self._upload("poison", pace=_PACE * rate)
            with _repeated(disturbance.strike, pause=_BETWEEN_FAULTS):
                self._upload("faults", pace=_PACE * rate)
        with step(self._console, "Look at all that is there"):
            wrong = self._wrong()
        return {
            "uploads": len(self._traffic.put),
            "uploads a second": round(rate, 1),
            "pace": round(_PACE * rate, 1),
            "seconds to the event": {part: _percentiles(self._traffic.seconds(part)) for part in _PARTS},
            "faults": dict(sorted(disturbance.struck.items())),
            **_observed(self._looks),
            "pages": {HTTPStatus(status).phrase: times for status, times in sorted(self._pages.items())},
            "wrong": wrong,
        }

    def _subscribe(self) -> str:
        """The URL of a queue that gets all events of the bus; that of the platform gets those of uploads alone."""
        url = str(self._sqs.create_queue(QueueName=_CONSUMER)["QueueUrl"])
        arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        everything = json.dumps({"source": [{"prefix": ""}]})
        bus = self._outputs["event_bus_name"]
        self._events.put_rule(Name=_CONSUMER, EventBusName=bus, EventPattern=everything)
        principal = {"Service": "events.amazonaws.com"}
        allowed = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": arn}
        policy = {"Version": "2012-10-17", "Statement": [allowed]}
        self._sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        self._events.put_targets(Rule=_CONSUMER, EventBusName=bus, Targets=[{"Id": _CONSUMER, "Arn": arn}])
        return url

    def _upload(self, part: str, *, pace: float | None) -> None:
        """All of a part, so many a second or as fast as it goes; returns when the event of each has arrived."""
        uploads = islice(self._generated, self._uploads[part])
        self._part, begun = part, time.monotonic()

        def put(number: int, upload: Upload) -> None:
            if pace:
                time.sleep(max(0.0, begun + number / pace - time.monotonic()))
            self._put(upload)

        with step(self._console, f"{part.capitalize()}: {self._uploads[part]:,} uploads") as say:
            with ThreadPoolExecutor(_UPLOADERS) as uploaders:
                for done in [uploaders.submit(put, *numbered) for numbered in enumerate(uploads)]:
                    done.result()
                    say(f"events: {len(self._traffic.arrived):,}")
            deadline = time.monotonic() + _PATIENCE
            while len(self._traffic.arrived) < len(self._traffic.put) and time.monotonic() < deadline:
                say(f"events: {len(self._traffic.arrived):,}")
                time.sleep(0.1)

    def _put(self, upload: Upload) -> None:
        bucket, begun = self._outputs["bucket_name"], time.time()
        metadata = {"tap-project": upload.project, **upload.metadata}
        answer = self._s3.put_object(Bucket=bucket, Key=upload.key, Body=upload.content, Metadata=metadata)
        identity = Identity(bucket, upload.key, answer["VersionId"])
        self._traffic.put[identity] = Put(upload, self._part, begun, time.time())

    def _receive(self) -> None:
        for body in self._take(self._consumer):
            self._traffic.receive(json.loads(body))

    def _look(self) -> None:
        # Now and then nobody is there: this is what faults do.
        with suppress(psutil.Error, psycopg.Error, StopIteration):
            process = next(ingest_processes(self._platform))
            with self._platform.access.connect() as connection:
                [(connections, unsent)] = connection.execute(_LOAD).fetchall()
            memory = process.memory_info().rss / 2**20
            self._looks.append(Look(self._part, memory, process.num_fds(), connections, unsent))

    def _read(self, results: ResultsFunction) -> None:
        """As somebody does who has the projects open, and reloads them."""
        self._pages[results.ask("/").status] += 1

    def _take(self, url: str) -> list[str]:
        """Up to ten messages of a queue, which then has them no more."""
        answer = self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        messages = answer.get("Messages", [])
        for message in messages:
            self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages]

    def _take_all(self, url: str) -> Iterator[str]:
        while bodies := self._take(url):
            yield from bodies

    def _waiting(self) -> int:
        """How many messages the ingest queue has, with those that somebody holds."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self._outputs["ingest_queue_url"]
        return sum(map(int, self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))

    def _wrong(self) -> list[str]:
        """What is, when nothing is under way any more: what was announced twice may come after all events."""
        deadline = time.monotonic() + _PATIENCE
        while self._waiting() != _POISON and time.monotonic() < deadline:
            time.sleep(1)
        for body in self._take_all(self._consumer):
            self._traffic.receive(json.loads(body))
        dead_letters = [*self._take_all(self._outputs["ingest_dead_letter_queue_url"])]
        seen = Seen(events=self._traffic.events, dead_letters=dead_letters, redriven=True)
        retention = timedelta(days=EnvironmentSettings(suffix=_SUFFIX).outcome_retention)
        with self._platform.access.connect() as connection:
            found = violations(self._sent(connection), seen, connection, retention=retention)
        wrong = [str(violation) for violation in found]
        if (waiting := self._waiting()) != _POISON:
            wrong.append(f"{waiting} messages are in the ingest queue, and not the {_POISON} that fail each time")
        return wrong

    def _sent(self, connection: psycopg.Connection[Any]) -> list[Sent]:
        """S3 alone knows the time of an upload to the millisecond: while that was made, or it is wrong."""
        rows = connection.execute("select bucket, key, version_id, uploaded_at from upload").fetchall()
        uploaded_at = {Identity(*identity): at for *identity, at in rows}
        sent = []
        for identity, put in self._traffic.put.items():
            begun, ended = (datetime.fromtimestamp(at, UTC) for at in (put.begun, put.ended))
            at = uploaded_at.get(identity, begun)
            upload = put.upload
            sent.append(
                Sent(
                    **identity._asdict(),
                    uploaded_at=at if begun - timedelta(milliseconds=1) <= at <= ended else begun,
                    kind="junit",
                    project=upload.project,
                    series=upload.series,
                    branch=upload.branch,
                    commit=upload.commit,
                    results=upload.all_results,
                )
            )
        return sent


def _generated() -> Iterator[Upload]:
    """Of several projects, jobs and branches, the same each time; now and then a test breaks, or is mended."""
    chance = random.Random(0)  # noqa: S311 - the same in each run
    broken: defaultdict[tuple[str, str, str], set[int]] = defaultdict(set)
    for number in count():
        project = f"project-{number % _PROJECTS}"
        job, branch = chance.choice(("unit", "end-to-end")), chance.choice(("main", "main", "topic"))
        failing = broken[project, job, branch]
        failing ^= {test for test in range(_TESTS) if chance.random() < _FLIP}
        yield Upload(
            project=project,
            build=number,
            job=job,
            branch=branch,
            commit=f"commit-{number // (2 * _PROJECTS)}",
            results={f"test {test}": ("failed" if test in failing else "passed", 0.125) for test in range(_TESTS)},
        )


def _poison() -> str:
    """An upload to a bucket that is not there: nobody can read it, and nobody knows whether it will come."""
    return notification(_NOBODY, "shop/unit.xml", str(uuid4()), uploaded_at=datetime.now(UTC), etag=uuid4().hex, size=1)


@contextmanager
def _repeated(act: Callable[[], object], *, pause: float) -> Iterator[None]:
    """Meanwhile, again and again with so many seconds between."""
    stopping = threading.Event()

    def repeat() -> None:
        while not stopping.wait(pause):
            act()

    with ThreadPoolExecutor(1) as thread:
        repeating = thread.submit(repeat)
        try:
            yield
        finally:
            stopping.set()
        repeating.result()


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    # Inclusive: by default a percentile can lie beyond the longest.
    cuts = quantiles(seconds, n=100, method="inclusive")
    values = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "longest": max(seconds)}
    return {name: round(value, 2) for name, value in values.items()}


def _observed(looks: Sequence[Look]) -> dict[str, Any]:
    """What must not grow: at first and at last while nothing failed, when one process did all, and the most of it."""
    steady = [look for look in looks if look.part in _STEADY]

    def grown(what: str) -> dict[str, float]:
        values = {
            "first": getattr(steady[0], what),
            "last": getattr(steady[-1], what),
            "most": max(getattr(look, what) for look in looks),
        }
        return {name: round(value, 1) for name, value in values.items()}

    return {what: grown(what) for what in _OBSERVED}
