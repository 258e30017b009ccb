"""TLS for real: the function's own connection, tried against servers that it must trust or refuse."""

from __future__ import annotations

import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from local import postgres as local_postgres
from local import processes
from local.certificates import Authority
from local.postgres import PostgresServer
from tests.handler.helpers.surroundings import PASSWORD, Aws, Function, Postgres, message

pytestmark = pytest.mark.security

TLS_OF_FUNCTION = """
    select version from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'tap-ingest'
"""
# libpq's own variables, with which whoever can set the function's environment could have it talk in plain text.
DOWNGRADES = [
    {"PGSSLMODE": "disable"},
    {"PGSSLMODE": "allow", "PGREQUIRESSL": "0"},
    {"PGSERVICE": "plain"},
    {"PGGSSENCMODE": "prefer", "PGSSLMODE": "prefer"},
]


@pytest.fixture(scope="module")
def proved(summary: list[str]) -> Iterator[Counter[str]]:
    """Counts what was accepted and what was refused."""
    proved = Counter[str]()
    yield proved
    summary.append(f"TLS: {', '.join(f'{count} {what}' for what, count in proved.items()) or 'nothing proved'}")


@pytest.fixture(params=DOWNGRADES, ids=lambda variables: ",".join(f"{k}={v}" for k, v in variables.items()))
def downgrade(
    request: pytest.FixtureRequest, environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An environment that asks for plain text."""
    service = tmp_path / "service.conf"
    service.write_text("[plain]\nsslmode=disable\n")
    for name, value in {**request.param, "PGSERVICEFILE": str(service)}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def without_tls(aws: Aws, running_postgres: PostgresServer) -> Iterator[None]:
    """The server, with the same data and passwords, but in plain text."""
    rules = running_postgres.ca_file.parent / "data" / "pg_hba.conf"
    only_tls = rules.read_text()
    rules.write_text(only_tls.replace("hostssl", "host"))
    with restarted(running_postgres, "ssl=off"):
        yield
    rules.write_text(only_tls)


@contextmanager
def restarted(server: PostgresServer, *settings: str) -> Iterator[None]:
    """The server with other settings."""
    server.stop()
    process = processes.start(
        [
            *(server._program("postgres"), "-D", server._data, "-c", f"port={server.port}"),
            *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"),
            *(word for setting in settings for word in ("-c", setting)),
        ],
        log=server.log,
        environment={"LC_ALL": "C"},
        directory=server._directory,
        user=local_postgres._identity(),
    )
    try:
        processes.wait_until(lambda: _answers(server), process=process, name="PostgreSQL", log=server.log, timeout=15)
        yield
    finally:
        # SIGINT, since PostgreSQL waits for its sessions otherwise.
        processes.stop(process, stop_signal=signal.SIGINT)
        server.start()


def _answers(server: PostgresServer) -> bool:
    """Whether it takes a client that looks at no certificate: what the function refuses is a server that works."""
    try:
        psycopg.connect(
            host="127.0.0.1",
            port=server.port,
            user="tap",
            password=PASSWORD,
            dbname="tap",
            sslmode="prefer",
            sslrootcert="/dev/null/none",
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def reason_of_refusal(aws: Aws, function: Function) -> str:
    """What the log says of a delivery that could not be recorded: no password in it."""
    delivery = message(aws.upload())
    assert function.invoke(delivery, seconds=0.5) == [delivery["messageId"]]
    entry, *_ = function.log_entries
    assert (entry["message"], entry["error"]) == ("Database unavailable, waiting", "DatabaseUnavailable")
    assert PASSWORD not in function.log
    assert isinstance(entry["reason"], str)
    return entry["reason"]


def test_a_server_of_the_right_authority_is_accepted(
    aws: Aws, postgres: Postgres, function: Function, proved: Counter[str]
) -> None:
    """And talked to in TLS."""
    assert function.invoke(message(aws.upload())) == []
    assert postgres.query(TLS_OF_FUNCTION) == [("TLSv1.3",)]
    proved["accepted"] += 1


def test_a_server_of_another_authority_is_refused(
    aws: Aws, function: Function, proved: Counter[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Even if that calls itself the same; OpenSSL then speaks of the signature, not of the certificate."""
    Authority().write_certificate(tmp_path / "ca.pem")
    monkeypatch.setenv("PGSSLROOTCERT", str(tmp_path / "ca.pem"))
    assert "SSL error: " in reason_of_refusal(aws, function)
    proved["refused"] += 1


def test_without_a_named_authority_those_of_rds_alone_are_trusted(
    aws: Aws, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in AWS, where the variable is not set."""
    monkeypatch.delenv("PGSSLROOTCERT")
    assert "certificate verify failed" in reason_of_refusal(aws, function)


def test_a_server_under_another_name_is_refused(
    aws: Aws, postgres: Postgres, function: Function, proved: Counter[str]
) -> None:
    """A trusted authority is not enough: the certificate must be for the endpoint."""
    aws.put_parameter("endpoint", f"other.example:{postgres.server.port}")
    assert 'does not match host name "other.example"' in reason_of_refusal(aws, function)
    proved["refused"] += 1


def test_a_server_with_an_expired_certificate_is_refused(
    aws: Aws, postgres: Postgres, function: Function, proved: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although it is of a trusted authority, and for the endpoint: one that is valid a little longer is accepted."""
    with another_certificate(postgres.server, monkeypatch, valid_for=timedelta(minutes=-1)):
        assert "certificate verify failed" in reason_of_refusal(aws, function)
    with another_certificate(postgres.server, monkeypatch, valid_for=timedelta(hours=1)):
        assert function.invoke(message(aws.upload())) == []
    proved["refused"] += 1


@contextmanager
def another_certificate(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch, *, valid_for: timedelta
) -> Iterator[None]:
    """The server with a new certificate of a new authority, which libpq is told to trust."""
    with tempfile.TemporaryDirectory(dir=server.ca_file.parent) as name:
        directory = Path(name)
        authority = Authority()
        authority.write_certificate(directory / "ca.pem")
        authority.write_server_certificate(server.hostname, directory, valid_for=valid_for)
        local_postgres._hand_over(directory)
        monkeypatch.setenv("PGSSLROOTCERT", str(directory / "ca.pem"))
        files = (f"ssl_cert_file={directory / 'server.pem'}", f"ssl_key_file={directory / 'server.key'}")
        with restarted(server, "ssl=on", *files):
            yield


@pytest.mark.usefixtures("without_tls")
def test_a_server_without_tls_is_refused(aws: Aws, function: Function, proved: Counter[str]) -> None:
    """Before it is told anything."""
    assert "server does not support SSL, but SSL was required" in reason_of_refusal(aws, function)
    proved["refused"] += 1


@pytest.mark.usefixtures("downgrade", "without_tls")
def test_no_variable_makes_it_talk_in_plain_text(aws: Aws, function: Function, proved: Counter[str]) -> None:
    """The server would take it."""
    assert "server does not support SSL, but SSL was required" in reason_of_refusal(aws, function)
    proved["downgrades refused"] += 1


@pytest.mark.usefixtures("downgrade")
def test_no_variable_makes_it_trust_another_authority(
    aws: Aws, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checking less is no way either."""
    monkeypatch.delenv("PGSSLROOTCERT")
    assert "certificate verify failed" in reason_of_refusal(aws, function)
