"""All that a schedule needs, started once: the emulator, PostgreSQL, the package, and two slots for containers."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg

from local.emulator import Emulator
from tests.chaos.checker import Sent
from tests.chaos.containers import unpack
from tests.chaos.schedules import Trouble
from tests.chaos.slots import Parts, Slot
from tests.chaos.uploads import Upload
from tests.handler.helpers.surroundings import BUCKET, PASSWORD, VARIABLES
from tests.postgres import make_empty, migrate, temporary_server

PACKAGE = Path(__file__).parents[2] / "dist" / "handler-host.zip"

RETENTION = timedelta(days=int(VARIABLES["OUTCOME_RETENTION"]))
_ENVIRONMENT = {
    **VARIABLES,
    "TEXT_RETENTION": "30",
    "DB_READER_PASSWORD_PARAM": "/tap/test/database/reader-password",
}
_NEW_PASSWORD = "rotated"
# All else goes with these.
_EMPTY = "delete from upload; delete from history.project; delete from history.test; delete from invalid_message"
_MOST_MESSAGES = 10
_SESSIONS = (
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name in ('tap-ingest', 'tap-schema')"
)


class World:
    """One of each part, on ports of its own."""

    def __init__(self, package: Path = PACKAGE) -> None:
        self._package = package
        self._stack = ExitStack()
        self._repairing = threading.RLock()
        self._admin: psycopg.Connection[Any] | None = None
        self.crashes = 0
        """How often PostgreSQL was killed."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self._postgres = stack.enter_context(temporary_server(password=PASSWORD))
            self._emulator = stack.enter_context(Emulator(log=self._directory / "emulator.log"))
            stack.callback(self._forget_admin)
            self._s3, self._ssm, self._events, self._sqs = map(self._emulator.client, ("s3", "ssm", "events", "sqs"))
            self._running = stack.enter_context(ExitStack())
            self.use(self._package)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def use(self, package: Path) -> None:
        """Runs the functions of this package from here on; all else is as new."""
        self._running.close()
        code = Path(self._running.enter_context(tempfile.TemporaryDirectory(dir=self._directory)))
        unpack(package, code)
        parts = Parts(
            emulator=self._emulator,
            postgres=self._postgres,
            code=code,
            directory=self._directory,
            environment=_ENVIRONMENT,
            terminate=self.terminate,
            crash=self.crash,
        )
        self.slots = [self._running.enter_context(Slot(name, parts)) for name in ("a", "b")]
        self.slots[0].other, self.slots[1].other = self.slots[1], self.slots[0]
        self.renew()

    @property
    def struck(self) -> Counter[str]:
        """How often each kind of fault happened."""
        return sum((slot.crossings.struck for slot in self.slots), Counter())

    @property
    def kills(self) -> int:
        """How many containers were killed by a fault."""
        return sum(slot.kills for slot in self.slots)

    @property
    def log(self) -> str:
        """What the functions have logged in the last schedule."""
        return "".join(slot.log.read_text(errors="replace") for slot in self.slots)

    def renew(self) -> None:
        """Takes away all that schedules left: now and then, since the emulator keeps everything in memory."""
        reset = urllib.request.Request(f"{self._emulator.url}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset).close()
        self._s3.create_bucket(Bucket=BUCKET)
        self._s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self._notifications, arn = self._create_queue("notifications")
        self._s3.put_bucket_notification_configuration(
            Bucket=BUCKET,
            NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
        )
        self._take(self._notifications)
        for slot in self.slots:
            self._put_parameter(f"endpoint-{slot.name}", slot.endpoint)
        self._put_parameter("username", "tap")
        self._put_parameter("name", "tap")
        self._put_parameter("password", PASSWORD)
        self._put_parameter("reader-password", "who only looks")
        self._consumer, self._consumer_arn = self._create_queue("consumer")
        self._create_bus()
        self._make_schema()

    def empty(self, *, is_migrated: bool) -> None:
        """Makes it as if nothing had been uploaded; without `is_migrated`, the database has no schema."""
        for slot in self.slots:
            os.truncate(slot.log, 0)
        if is_migrated:
            self.admin.execute(_EMPTY)
        else:
            self._drop_schema()

    def quiet(self) -> None:
        """Ends all containers, and waits for what they left under way."""
        for slot in self.slots:
            slot.end()
        for slot in self.slots:
            slot.wait_until_quiet()

    def received_events(self) -> list[dict[str, Any]]:
        """The events that arrived at the consumer since it was asked last."""
        return [json.loads(body) for body in self._take(self._consumer)]

    @property
    def admin(self) -> psycopg.Connection[Any]:
        """A superuser's connection, past the boundaries."""
        if self._admin is None:
            self._admin = self._postgres._connect("tap")
        return self._admin

    def upload(self, upload: Upload) -> tuple[Sent, str]:
        """What was sent, and what S3 notifies of it."""
        self._s3.put_object(
            Bucket=BUCKET,
            Key=upload.key,
            Body=upload.content,
            Metadata={"tap-project": upload.project, **upload.metadata},
        )
        [body] = self._take(self._notifications)
        notification = json.loads(body)
        [record] = notification["Records"]
        version_id = record["s3"]["object"]["versionId"]
        uploaded_at = datetime.fromisoformat(record["eventTime"]) - upload.age
        record["eventTime"] = uploaded_at.isoformat(timespec="milliseconds")
        if upload.kind == "deleted":
            self._s3.delete_object(Bucket=BUCKET, Key=upload.key, VersionId=version_id)
        is_artifact = upload.kind == "artifact"
        # Metadata went with the object.
        is_known = upload.kind != "deleted"
        sent = Sent(
            bucket=BUCKET,
            key=upload.key,
            version_id=version_id,
            uploaded_at=uploaded_at,
            kind="artifact" if is_artifact else "junit",
            project=upload.project,
            series=upload.series,
            branch=upload.branch if is_known else None,
            commit=upload.commit if is_known else None,
            error_code=upload.error_code,
            results={} if is_artifact or upload.error_code else upload.all_results,
        )
        return sent, json.dumps(notification)

    @contextmanager
    def troubled(self, trouble: Trouble | None) -> Iterator[None]:
        """While this is wrong with the surroundings."""
        # A server that a fault has killed is started again first.
        with self._repairing:
            self._trouble(trouble)
        try:
            yield
        finally:
            with self._repairing:
                self._mend(trouble)

    def terminate(self) -> None:
        """Ends all sessions of the functions, as a failover does."""
        with self._repairing:
            self.admin.execute(_SESSIONS)

    def crash(self) -> None:
        """Kills the server with all that belongs to it, and starts it on what it left."""
        with self._repairing:
            self.crashes += 1
            self._forget_admin()
            server = self._postgres._process
            assert server is not None
            processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            server.wait()
            psutil.wait_procs(processes)
            self._postgres.start()

    def _trouble(self, trouble: Trouble | None) -> None:
        match trouble:
            case "new password" | "half a new password":
                self._postgres.set_password(_NEW_PASSWORD)
                if trouble == "new password":
                    self._put_parameter("password", _NEW_PASSWORD)
            case "read-only":
                self.admin.execute("alter role tap set default_transaction_read_only = on")
            case "no login":
                self.admin.execute("alter role tap connection limit 0")
            case "no parameter":
                self._ssm.delete_parameter(Name="/tap/test/database/name")
            case "no bus":
                self._delete_bus()
        if trouble:
            # Else a container with an open connection would notice little of it.
            self.terminate()

    def _mend(self, trouble: Trouble | None) -> None:
        match trouble:
            case "new password" | "half a new password":
                self._postgres.set_password(PASSWORD)
                self._put_parameter("password", PASSWORD)
            case "read-only":
                self.admin.execute("alter role tap reset default_transaction_read_only")
            case "no login":
                self.admin.execute("alter role tap connection limit -1")
            case "no parameter":
                self._put_parameter("name", "tap")
            case "no bus":
                self._create_bus()

    def _create_bus(self) -> None:
        bus = VARIABLES["EVENT_BUS_NAME"]
        self._events.create_event_bus(Name=bus)
        pattern = {"source": [VARIABLES["EVENT_SOURCE"]]}
        self._events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps(pattern))
        targets = [{"Id": "consumer", "Arn": self._consumer_arn}]
        self._events.put_targets(Rule="all", EventBusName=bus, Targets=targets)

    def _delete_bus(self) -> None:
        bus = VARIABLES["EVENT_BUS_NAME"]
        self._events.remove_targets(Rule="all", EventBusName=bus, Ids=["consumer"])
        self._events.delete_rule(Name="all", EventBusName=bus)
        self._events.delete_event_bus(Name=bus)

    def _create_queue(self, name: str) -> tuple[str, str]:
        """Its URL and its ARN."""
        # Nobody deletes what was taken: it comes back when it is forgotten.
        hidden_for = str(timedelta(hours=12) // timedelta(seconds=1))
        url = self._sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": hidden_for})["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        return url, attributes["QueueArn"]

    def _take(self, queue_url: str) -> list[str]:
        """The bodies of all messages that were not taken before."""
        bodies: list[str] = []
        while True:
            answer = self._sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=_MOST_MESSAGES)
            messages = answer.get("Messages", [])
            bodies += (message["Body"] for message in messages)
            if len(messages) < _MOST_MESSAGES:
                return bodies

    def _put_parameter(self, name: str, value: str) -> None:
        self._ssm.put_parameter(Name=f"/tap/test/database/{name}", Value=value, Type="SecureString", Overwrite=True)

    def _drop_schema(self) -> None:
        self.admin.execute("set role tap")
        make_empty(self.admin)
        self.admin.execute("reset role")

    def _make_schema(self) -> None:
        self._drop_schema()
        self.admin.execute("set role tap")
        migrate(self.admin)
        self.admin.execute("reset role")

    def _forget_admin(self) -> None:
        if self._admin:
            self._admin.close()
            self._admin = None
