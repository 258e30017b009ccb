"""The boundary before AWS: a proxy to the emulator that knows which operation is asked for."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.connections import Connections, reset
from tests.chaos.faults import Cut, Surroundings

# Seconds.
_PATIENCE = 30
# What the emulator's answer says of its own connection.
_OF_THE_CONNECTION = ("connection", "content-length", "date", "server", "transfer-encoding")

Answer = tuple[int, Sequence[tuple[str, str]], bytes]

# As each of the services says it: S3 in XML, the others in JSON.
_REFUSALS = {
    "throttle": {"GetObject": (503, "SlowDown"), "": (400, "ThrottlingException")},
    "deny": {"GetObject": (403, "AccessDenied"), "": (400, "AccessDeniedException")},
    "fail": {"GetObject": (500, "InternalError"), "": (500, "InternalServerError")},
}


class AwsBoundary(Connections):
    """Answers at `url` as the emulator does, and strikes."""

    def __init__(self, emulator_url: str, surroundings: Surroundings) -> None:
        super().__init__("aws")
        self._emulator = urlsplit(emulator_url).netloc
        self._surroundings = surroundings

    @property
    def url(self) -> str:
        """The endpoint of the containers."""
        return f"http://127.0.0.1:{self.port}"

    def serve(self, client: socket.socket) -> None:
        client.settimeout(_PATIENCE)
        emulator = http.client.HTTPConnection(self._emulator, timeout=_PATIENCE)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body go out as one.
            wbufsize = -1

            def do_GET(handler) -> None:  # noqa: N805 - `self` is the boundary
                self._answer(handler, emulator)

            do_POST = do_GET  # noqa: N815 - the base class's name

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        try:
            Handler(client, client.getpeername(), None)  # type: ignore[arg-type]
        except Cut:
            reset(client)
        finally:
            emulator.close()

    def _answer(self, handler: BaseHTTPRequestHandler, emulator: http.client.HTTPConnection) -> None:
        operation = handler.headers.get("X-Amz-Target", "GetObject").rpartition(".")[2]
        content = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        crossing = self._surroundings.crossings.begin(operation)
        refusal = self._surroundings.strike(crossing, "before")
        if refusal == "partial":
            answer = _partly_put(emulator, handler, content)
        elif refusal:
            answer = _refused(operation, refusal)
        else:
            answer = _asked(emulator, handler, content)
        is_cut_off = self._surroundings.strike(crossing, "after") == "truncate"
        status, headers, body = answer
        handler.send_response_only(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2] if is_cut_off else body)
        handler.wfile.flush()
        if is_cut_off:
            handler.close_connection = True


def _asked(emulator: http.client.HTTPConnection, handler: BaseHTTPRequestHandler, content: bytes) -> Answer:
    emulator.request(handler.command, handler.path, body=content, headers=dict(handler.headers.items()))
    answer = emulator.getresponse()
    headers = [item for item in answer.getheaders() if item[0].lower() not in _OF_THE_CONNECTION]
    return answer.status, headers, answer.read()


def _partly_put(emulator: http.client.HTTPConnection, handler: BaseHTTPRequestHandler, content: bytes) -> Answer:
    """The last entry is refused, those before it are not. https://docs.aws.amazon.com/eventbridge/latest/userguide/"""
    *entries, _ = json.loads(content)["Entries"]
    answers = [{"ErrorCode": "InternalFailure", "ErrorMessage": "Made to fail."}]
    if entries:
        del handler.headers["Content-Length"]
        _, _, body = _asked(emulator, handler, json.dumps({"Entries": entries}).encode())
        answers = json.loads(body)["Entries"] + answers
    return _json(200, {"FailedEntryCount": 1, "Entries": answers})


def _refused(operation: str, refusal: str) -> Answer:
    of_operation = _REFUSALS[refusal]
    status, code = of_operation.get(operation, of_operation[""])
    if operation == "GetObject":
        body = f"<Error><Code>{code}</Code><Message>Made to fail.</Message></Error>"
        return status, [("Content-Type", "application/xml")], body.encode()
    return _json(status, {"__type": code, "message": "Made to fail."})


def _json(status: int, content: Any) -> Answer:
    return status, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(content).encode()
