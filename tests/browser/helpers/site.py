"""The results function in this process, with HTTP before it: and a database with a history, and Parameter Store."""

from __future__ import annotations

import base64
import importlib
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import psycopg
from psycopg import Connection

from handler.recording import reader
from local.emulator import Emulator
from local.postgres import PostgresServer
from tests.browser.helpers.datasets import DATASETS
from tests.browser.helpers.history import History
from tests.postgres import migrate, temporary_server

_OWNER_PASSWORD = "correct horse battery staple"
_READER_PASSWORD = "who only looks"
_PREFIX = "/tap/test/database"
# Seconds, as the function has them in AWS.
_TIMEOUT = 30


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where the pages are served; the database behind them."""

    address: str
    database: PostgresServer

    def connect(self) -> Connection[Any]:
        """As the owner, past the function."""
        return owner_of(self.database)


def owner_of(server: PostgresServer) -> Connection[Any]:
    return psycopg.connect(
        host=server.hostname,
        hostaddr="127.0.0.1",
        port=server.port,
        user="tap",
        password=_OWNER_PASSWORD,
        dbname="tap",
        sslmode="verify-full",
        sslrootcert=str(server.ca_file),
        autocommit=True,
    )


@contextmanager
def served(data: str, *, port: int = 0, now: datetime | None = None) -> Iterator[Site]:
    """The pages of this history; port 0 is any that is free. The environment of this process is the function's."""
    now = now or datetime.now(UTC).replace(microsecond=0)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        emulator = stack.enter_context(Emulator(log=directory / "emulator"))
        server = stack.enter_context(temporary_server(password=_OWNER_PASSWORD))
        with owner_of(server) as connection:
            migrate(connection)
            reader.set_up(connection, _READER_PASSWORD)
            history = History(connection)
            DATASETS[data](history, now)
            history.finish()
        _put_parameters(emulator, server)
        http = stack.enter_context(_http_server(port))
        address = f"http://127.0.0.1:{http.server_address[1]}"
        stack.enter_context(_environment(emulator, server, address))
        yield Site(address=address, database=server)


def _put_parameters(emulator: Emulator, server: PostgresServer) -> None:
    ssm = emulator.client("ssm")
    parameters = {
        "endpoint": f"{server.hostname}:{server.port}",
        "name": "tap",
        "reader-password": _READER_PASSWORD,
    }
    for name, value in parameters.items():
        ssm.put_parameter(Name=f"{_PREFIX}/{name}", Value=value, Type="SecureString")


@contextmanager
def _environment(emulator: Emulator, server: PostgresServer, address: str) -> Iterator[None]:
    """The function's, for as long as it is served."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(("AWS_", "PG"))]:
        del os.environ[name]
    os.environ.update(
        {
            **emulator.environment(),
            "AWS_ENDPOINT_URL_SSM": emulator.url,
            "PGHOSTADDR": "127.0.0.1",
            "PGSSLROOTCERT": str(server.ca_file),
            "ENVIRONMENT": "test",
            "DB_ENDPOINT_PARAM": f"{_PREFIX}/endpoint",
            "DB_NAME_PARAM": f"{_PREFIX}/name",
            "DB_PASSWORD_PARAM": f"{_PREFIX}/reader-password",
            "RESULTS_ADDRESS": address,
        }
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _http_server(port: int) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", port), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
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
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        # Here, since the function looks at its environment once.
        results_function = importlib.import_module("handler.results_function")
        with _container:
            answer = results_function.lambda_handler(self._event(), _Context())
        body = answer.get("body") or ""
        content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        self.send_response(answer["statusCode"])
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

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
