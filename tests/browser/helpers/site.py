"""The results function in this process, with HTTP before it: and databases with histories, and Parameter Store."""

from __future__ import annotations

import base64
import importlib
import os
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import psycopg
from psycopg import Connection, sql

from handler.recording import reader
from local.emulator import Emulator
from local.postgres import PostgresServer
from tests.browser.helpers.datasets import DATASETS
from tests.browser.helpers.history import History
from tests.postgres import migrate, temporary_server

_OWNER = "tap"
_OWNER_PASSWORD = "correct horse battery staple"
READER_PASSWORD = "who only looks"
_PREFIX = "/tap/test/database"
# The name that the function is told.
_DATABASE = "tap"
# Seconds, as the function has them in AWS.
_TIMEOUT = 30

# Before the schema is made, since views are bound to the function that they find then.
_FREEZE = """
create schema frozen;
grant usage on schema frozen to public;
create function frozen.now() returns timestamptz language sql stable return {}::timestamptz;
alter database {} set search_path = public, frozen, pg_catalog;
"""


class Site:
    """The pages at `address`. They show one history at a time, each of which is made when it is first asked for.

    `now`: what the pages take for the time, if not the real one.
    """

    def __init__(self, address: str, server: PostgresServer, now: datetime | None) -> None:
        self.address = address
        self._server = server
        self._now = now
        self._shown = "nothing"
        self._made: set[str] = set()

    def show(self, data: str) -> None:
        """Changes to this history: its database gets the name that the function knows."""
        if data == self._shown:
            return
        with self._server._connect("postgres") as connection:
            _rename(connection, _DATABASE, self._shown)
            if data in self._made:
                _rename(connection, data, _DATABASE)
                self._shown = data
                return
            self._shown = f"unfinished {data}"
            create = sql.SQL("create database {} owner {}")
            connection.execute(create.format(sql.Identifier(_DATABASE), sql.Identifier(_OWNER)))
        self._make(data)
        self._shown = data
        self._made.add(data)

    def _make(self, data: str) -> None:
        if self._now:
            with self._server._connect(_DATABASE) as connection:
                connection.execute(sql.SQL(_FREEZE).format(self._now.isoformat(), sql.Identifier(_DATABASE)))
        with self.connect() as connection:
            migrate(connection)
            reader.set_up(connection, READER_PASSWORD)
            history = History(connection)
            DATASETS[data](history, self._now or datetime.now(UTC).replace(microsecond=0))
            history.finish()

    def connect(self) -> Connection[Any]:
        """To the database that is shown, past the function and as its owner."""
        return psycopg.connect(
            host=self._server.hostname,
            hostaddr="127.0.0.1",
            port=self._server.port,
            user=_OWNER,
            password=_OWNER_PASSWORD,
            dbname=_DATABASE,
            sslmode="verify-full",
            sslrootcert=str(self._server.ca_file),
            autocommit=True,
        )

    def value(self, query: str, *values: object) -> Any:
        """What this query of the history that is shown has in its first row and column."""
        with self.connect() as connection:
            row = connection.execute(query.encode(), values).fetchone()
        assert row, f"nothing is found: {query} {values}"
        return row[0]


def _rename(connection: Connection[Any], before: str, after: str) -> None:
    # The function finds its connection gone and opens another, as after a failover.
    connection.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", [before])
    connection.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(before), sql.Identifier(after)))


@contextmanager
def served(*, port: int = 0, now: datetime | None = None) -> Iterator[Site]:
    """The pages; port 0 is any that is free."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        emulator = stack.enter_context(Emulator(log=directory / "emulator"))
        server = stack.enter_context(temporary_server(password=_OWNER_PASSWORD))
        put_parameters(emulator, endpoint=f"{server.hostname}:{server.port}")
        http = _Server(("127.0.0.1", port), _Handler)
        address = f"http://127.0.0.1:{http.server_address[1]}"
        http.environment = partial(environment, emulator, ca_file=str(server.ca_file), address=address)
        stack.enter_context(_running(http))
        yield Site(address, server, now)


def put_parameters(emulator: Emulator, *, endpoint: str) -> None:
    """What leads the function to a database. `endpoint`: `host:port` of a server that knows the reader's login."""
    ssm = emulator.client("ssm")
    for name, value in {"endpoint": endpoint, "name": _DATABASE, "reader-password": READER_PASSWORD}.items():
        ssm.put_parameter(Name=f"{_PREFIX}/{name}", Value=value, Type="SecureString")


def variables(emulator: Emulator, *, address: str) -> dict[str, str]:
    """What `ResultsStack` tells the function. `address`: where its pages are opened."""
    return {
        "ENVIRONMENT": "test",
        "DB_ENDPOINT_PARAM": f"{_PREFIX}/endpoint",
        "DB_NAME_PARAM": f"{_PREFIX}/name",
        "DB_PASSWORD_PARAM": f"{_PREFIX}/reader-password",
        "RESULTS_ADDRESS": address,
        "AWS_ENDPOINT_URL_SSM": emulator.url,
    }


@contextmanager
def environment(emulator: Emulator, *, ca_file: str, address: str) -> Iterator[None]:
    """Makes that of this process the function's. `ca_file`: the authority of the server."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(("AWS_", "PG"))]:
        del os.environ[name]
    os.environ.update(
        {
            **emulator.environment(),
            **variables(emulator, address=address),
            "PGHOSTADDR": "127.0.0.1",
            "PGSSLROOTCERT": ca_file,
        }
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class _Server(ThreadingHTTPServer):
    """`environment`: makes that of this process the function's, for as long as it runs; others run here as well."""

    environment: Callable[[], AbstractContextManager[None]]


@contextmanager
def _running(server: _Server) -> Iterator[None]:
    with server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class _Context:
    """What Lambda tells of an invocation."""

    function_name = "tap-results-test"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:tap-results-test"

    def __init__(self) -> None:
        self.aws_request_id = str(uuid4())

    def get_remaining_time_in_millis(self) -> int:
        return _TIMEOUT * 1000


# A container handles one request at a time.
_container = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        # Here, since the function looks at its environment once.
        results_function = importlib.import_module("handler.results_function")
        with _container, self.server.environment():
            try:
                answer = results_function.lambda_handler(self._event(), _Context())
            except Exception:  # noqa: BLE001 - as Lambda does it
                traceback.print_exc()
                answer = {"statusCode": HTTPStatus.BAD_GATEWAY, "body": "Internal Server Error"}
        body = answer.get("body") or ""
        content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        self.send_response(answer["statusCode"])
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def _event(self) -> dict[str, Any]:
        """As a function URL makes it (payload 2.0)."""
        url = urlsplit(self.path)
        parameters: dict[str, str] = {}
        for name, value in parse_qsl(url.query, keep_blank_values=True):
            parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
        now = datetime.now(UTC)
        return {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": url.path,
            "rawQueryString": url.query,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            **({"queryStringParameters": parameters} if parameters else {}),
            "requestContext": {
                "accountId": "anonymous",
                "apiId": "local",
                "authorizer": {"iam": {"userArn": "arn:aws:iam::123456789012:user/viewer"}},
                "domainName": "local.lambda-url.us-east-1.on.aws",
                "domainPrefix": "local",
                "http": {
                    "method": self.command,
                    "path": url.path,
                    "protocol": self.request_version,
                    "sourceIp": "127.0.0.1",
                    "userAgent": self.headers.get("User-Agent", ""),
                },
                "requestId": str(uuid4()),
                "routeKey": "$default",
                "stage": "$default",
                "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
                "timeEpoch": int(now.timestamp() * 1000),
            },
            "isBase64Encoded": False,
        }

    def log_message(self, *_: object) -> None:
        """Keeps the output clean."""
