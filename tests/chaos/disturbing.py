"""What is done to a platform while it works: parts are killed, locked, changed, or hear of the same again."""

from __future__ import annotations

import json
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

import psutil

from local.platform import Platform

# Seconds.
_LOCKED = 3
_BETWEEN_PASSWORDS = 2
_DYING = 10

_SESSIONS = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tap-ingest'"
_TABLES = "lock table upload, outbox in access exclusive mode"
_LATEST = "select bucket, key, version_id, etag, size, uploaded_at from upload order by processed_at desc limit 10"


class Disturbance:
    """A fault after the other, as the seed has it. `struck`: how often each happened."""

    def __init__(self, platform: Platform, *, seed: int) -> None:
        self._platform = platform
        self._random = random.Random(seed)  # noqa: S311 - the same in each run
        self.struck = Counter[str]()
        self._faults: dict[str, Callable[[], None]] = {
            "function killed": self._kill_function,
            "PostgreSQL killed": self._kill_postgres,
            "sessions ended": self._end_sessions,
            "tables locked": self._lock_tables,
            "password rotated": self._rotate_password,
            "uploads announced twice": self._announce_again,
            "upkeep in the middle": self._run_upkeep,
        }

    def strike(self) -> None:
        """The next one, until it is over."""
        name = self._random.choice([*self._faults])
        self._faults[name]()
        self.struck[name] += 1

    def _kill_function(self) -> None:
        for process in ingest_processes(self._platform):
            process.kill()

    def _kill_postgres(self) -> None:
        """With all that belongs to it, as when its host fails; then RDS starts it."""
        data = f"{self._instance}/data"
        [server] = [process for process in _children(self._platform) if _is_server(process, data)]
        sessions = server.children(recursive=True)
        for process in (server, *sessions):
            process.kill()
        # Their memory has to be free before the next server starts. The emulator itself waits for this one.
        psutil.wait_procs(sessions, timeout=_DYING)
        self._client("rds").reboot_db_instance(DBInstanceIdentifier=self._instance)

    def _end_sessions(self, password: str | None = None) -> None:
        """As a failover does. `password`: another one than Parameter Store holds."""
        with self._platform.access.connect(password=password) as connection:
            connection.execute(_SESSIONS)

    def _lock_tables(self) -> None:
        with self._platform.access.connect() as connection, connection.transaction():
            connection.execute(_TABLES)
            time.sleep(_LOCKED)

    def _rotate_password(self) -> None:
        """First in the database, as Terraform does: meanwhile the functions know the one of before."""
        password = secrets.token_urlsafe()
        self._client("rds").modify_db_instance(
            DBInstanceIdentifier=self._instance, MasterUserPassword=password, ApplyImmediately=True
        )
        # Whoever is in would stay in, and not notice.
        self._end_sessions(password)
        time.sleep(_BETWEEN_PASSWORDS)
        name = f"{self._platform.access.outputs['parameter_store_prefix']}database/password"
        self._client("ssm").put_parameter(Name=name, Value=password, Type="SecureString", Overwrite=True)

    def _announce_again(self) -> None:
        """What was processed last, as S3 may do at any time."""
        with self._platform.access.connect() as connection:
            latest = connection.execute(_LATEST).fetchall()
        for bucket, key, version_id, etag, size, uploaded_at in latest:
            body = notification(bucket, key, version_id, uploaded_at=uploaded_at, etag=etag, size=size)
            self._client("sqs").send_message(
                QueueUrl=self._platform.access.outputs["ingest_queue_url"], MessageBody=body
            )

    def _run_upkeep(self) -> None:
        name = self._platform.access.outputs["schema_function_name"]
        self._client("lambda").invoke(FunctionName=name, Payload=json.dumps({"upkeep": True}))

    @property
    def _instance(self) -> str:
        return str(self._platform.access.outputs["db_instance_id"])

    def _client(self, service: str) -> Any:
        return self._platform.emulator.client(service)


def notification(bucket: str, key: str, version_id: str, *, uploaded_at: datetime, etag: str, size: int) -> str:
    """As S3 announces an upload."""
    object_ = {"key": quote_plus(key), "versionId": version_id, "eTag": etag, "size": size}
    record = {
        "eventName": "ObjectCreated:Put",
        "eventTime": uploaded_at.isoformat(timespec="milliseconds"),
        "s3": {"bucket": {"name": bucket}, "object": object_},
    }
    return json.dumps({"Records": [record]})


def ingest_processes(platform: Platform) -> Iterator[psutil.Process]:
    """Those in which the ingest function runs at this moment."""
    name = platform.access.outputs["lambda_function_name"]
    for process in _children(platform):
        try:
            if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == name:
                yield process
        except psutil.Error:
            continue


def _children(platform: Platform) -> list[psutil.Process]:
    return list(psutil.Process(platform.emulator._process.pid).children(recursive=True))


def _is_server(process: psutil.Process, data: str) -> bool:
    try:
        return any(argument.endswith(data) for argument in process.cmdline())
    except psutil.Error:
        return False
