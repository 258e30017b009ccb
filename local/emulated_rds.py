"""RDS of the emulated AWS: each PostgreSQL instance is a real server on this machine, for as long as it is there."""

import shutil
import uuid
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, Self

from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, DBSnapshot, RDSBackend, rds_backends

from local.access import CA_FILE
from local.certificates import Authority
from local.postgres import PostgresServer, PostgresUnavailableError, Snapshot
from local.processes import ChildProcessFailedError

_RESTORED_FROM = "restored_from"


class RealServers:
    """The servers of the instances, by identifier, and what their snapshots hold.

    Each listens on 127.0.0.1, at the port of its instance, and logs into a file of its name in `directory`.
    """

    ca_file: Path
    """The authority of all their certificates."""

    def __init__(self, directory: Path) -> None:
        self._logs = directory
        self.ca_file = directory / CA_FILE
        self._directory = self.ca_file.parent
        self._directory.mkdir()
        self._authority = Authority()
        self._authority.write_certificate(self.ca_file)
        self._servers: dict[str, PostgresServer] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock, ExitStack() as stopped:
            for server in self._servers.values():
                stopped.callback(server.stop)

    def __getitem__(self, instance: str) -> PostgresServer:
        return self._servers[instance]

    def create(self, instance: DBInstance, *, password: str, snapshot: str | None) -> None:
        """Start a server for a new instance, empty or with what a snapshot holds. Raises RDSClientError."""
        name = instance.db_instance_identifier
        server = PostgresServer(
            hostname=instance.address,
            port=int(instance.port or 5432),
            user=str(instance.master_username),
            password=password,
            database=str(instance.db_name),
            directory=self._directory / name,
            log=self._logs / f"{name}.log",
            authority=self._authority,
            snapshot=self._snapshots[snapshot] if snapshot else None,
        )
        try:
            with self._lock:
                self._servers[name] = server.__enter__()
        except (ChildProcessFailedError, PostgresUnavailableError) as error:
            shutil.rmtree(self._directory / name, ignore_errors=True)
            raise RDSClientError("InvalidParameterValue", str(error)) from error

    def snapshot(self, instance: str, snapshot: str) -> None:
        """Keep what the server of an instance holds at this moment."""
        with self._lock:
            self._snapshots[snapshot] = self._servers[instance].snapshot(self._directory / f"{snapshot}.snapshot")

    def delete(self, instance: str) -> None:
        """Stop the server of an instance, and delete what it holds."""
        with self._lock:
            self._servers.pop(instance).stop()
            shutil.rmtree(self._directory / instance)


class RealRDSBackend(RDSBackend):
    """moto's RDS, which tells the servers what it is told. It knows no engine but PostgreSQL."""

    # moto finds the URLs of a service beside the module of its backend.
    __module__ = RDSBackend.__module__

    servers: ClassVar[RealServers]

    def create_db_instance(self, db_kwargs: dict[str, Any]) -> DBInstance:
        snapshot = db_kwargs.pop(_RESTORED_FROM, None)
        instance = super().create_db_instance(db_kwargs)
        # The provider finds an instance by it, and moto gives all of them the same.
        instance.dbi_resource_id = f"db-{uuid.uuid4().hex[:26].upper()}"
        try:
            self.servers.create(instance, password=db_kwargs["master_user_password"], snapshot=snapshot)
        except RDSClientError:
            super().delete_db_instance(instance.db_instance_identifier, skip_final_snapshot=True)
            raise
        return instance

    def restore_db_instance_from_db_snapshot(self, from_snapshot_id: str, overrides: dict[str, Any]) -> DBInstance:
        snapshot = from_snapshot_id.rpartition(":")[2]
        return super().restore_db_instance_from_db_snapshot(from_snapshot_id, {**overrides, _RESTORED_FROM: snapshot})

    def modify_db_instance(self, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> DBInstance:
        password = db_kwargs.get("master_user_password")
        instance = super().modify_db_instance(db_instance_identifier, db_kwargs)
        if password:
            self.servers[db_instance_identifier].set_password(password)
        return instance

    def stop_db_instance(self, db_instance_identifier: str, db_snapshot_identifier: str | None = None) -> DBInstance:
        instance = super().stop_db_instance(db_instance_identifier, db_snapshot_identifier)
        self.servers[db_instance_identifier].stop()
        return instance

    def start_db_instance(self, db_instance_identifier: str) -> DBInstance:
        instance = super().start_db_instance(db_instance_identifier)
        self.servers[db_instance_identifier].start()
        return instance

    def reboot_db_instance(self, db_instance_identifier: str) -> DBInstance:
        instance = super().reboot_db_instance(db_instance_identifier)
        self.servers[db_instance_identifier].stop()
        self.servers[db_instance_identifier].start()
        return instance

    def create_db_snapshot(
        self,
        db_instance_identifier: str,
        db_snapshot_identifier: str,
        snapshot_type: str = "manual",
        *others: Any,
        **named: Any,
    ) -> DBSnapshot:
        snapshot = super().create_db_snapshot(
            db_instance_identifier, db_snapshot_identifier, snapshot_type, *others, **named
        )
        # An automated one is made before the server is.
        if snapshot_type == "manual":
            self.servers.snapshot(db_instance_identifier, db_snapshot_identifier)
        return snapshot

    def delete_db_instance(self, db_instance_identifier: str, *arguments: Any, **named: Any) -> DBInstance:
        instance = super().delete_db_instance(db_instance_identifier, *arguments, **named)
        self.servers.delete(db_instance_identifier)
        return instance


def install(servers: RealServers) -> None:
    """Let moto's RDS have the servers; before the first request to it."""
    RealRDSBackend.servers = servers
    rds_backends.backend = RealRDSBackend
