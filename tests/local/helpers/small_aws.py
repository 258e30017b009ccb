"""A small AWS: one function behind its URL, which checks signatures as AWS does, and says what it is told to."""

import hmac
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NAME = "tap-results-dev"
ACCOUNT = "123456789012"
REGION = "eu-central-1"
HOST = f"abc123.lambda-url.{REGION}.on.aws"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
LOOK_UP = f"/2021-10-31/functions/{NAME}/url"
PAGE = b"<h1>shop: 8 tests</h1>"


@dataclass
class Reply:
    """What is answered; a `length` that is not the body's breaks the answer off."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})
    body: bytes = PAGE
    length: int | None = None
    is_closed_after: bool = False


def refusal(code: str, message: str, status: int = 403) -> Reply:
    """As Lambda refuses, for its API and for the URL of a function."""
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return Reply(status=status, headers=headers, body=json.dumps({"Message": message}).encode())


@dataclass(frozen=True)
class Request:
    """What the function was asked."""

    method: str
    target: str
    headers: Message
    connection: int
    """The same number for all that comes over one connection."""

    @property
    def access_key(self) -> str:
        return self.headers["Authorization"].split("Credential=")[1].split("/")[0]


class SmallAws(ThreadingHTTPServer):
    """`keys`: the secret key and the session token of each access key that is known."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.keys: dict[str, tuple[str, str | None]] = {"AKIDEXAMPLE": ("secret", None)}
        self.looked_up: Reply = Reply(
            headers={"Content-Type": "application/json"},
            body=json.dumps({"FunctionUrl": f"https://{HOST}/", "FunctionArn": ARN, "AuthType": "AWS_IAM"}).encode(),
        )
        self.replies: list[Reply] = []
        """Of the function, one after the other; then the page, always."""
        self.requests: list[Request] = []
        self.delay = threading.Event()
        """Until it is set, the function says nothing."""
        self.delay.set()

    def environment(self) -> dict[str, str]:
        """What makes a program a viewer's in this AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": REGION,
        }

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asks may go away."""


@contextmanager
def small_aws() -> Iterator[SmallAws]:
    with SmallAws() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.delay.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: SmallAws
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == LOOK_UP:
            self._answer(self._refusal() or self.server.looked_up)
            return
        refusal = self._refusal()
        if refusal is None:
            self.server.requests.append(Request(self.command, self.path, self.headers, self.client_address[1]))
            self.server.delay.wait()
        self._answer(refusal or (self.server.replies.pop(0) if self.server.replies else Reply()))

    do_HEAD = do_GET  # noqa: N815 - named by http.server

    def do_POST(self) -> None:
        """The account, of STS."""
        self.rfile.read(int(self.headers["Content-Length"]))
        body = (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
        self._answer(Reply(headers={"Content-Type": "text/xml"}, body=body.encode()))

    def _refusal(self) -> Reply | None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
        parts = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/([\w-]+)/lambda/aws4_request, SignedHeaders=(\S+),"
            r" Signature=(\w+)",
            self.headers.get("Authorization", ""),
        )
        if parts is None:
            return refusal("AccessDeniedException", "Forbidden")
        key, region, names, signature = parts.groups()
        secret, token = self.server.keys.get(key, (None, None))
        if secret is None or region != REGION or self.headers["X-Amz-Security-Token"] != token:
            return refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        assert {"host", "x-amz-date"} | ({"x-amz-security-token"} if token else set()) <= set(names.split(";"))
        path, _, query = self.path.partition("?")
        signed = AWSRequest(
            method=self.command,
            url=f"https://{self.headers['Host']}{path}",
            headers={name: self.headers[name] for name in names.split(";")},
            # Decoded and encoded anew, with a plus for a plus.
            params=[tuple(unquote(text) for text in pair.split("=")) for pair in query.split("&")] if query else None,
        )
        signed.context["timestamp"] = self.headers["X-Amz-Date"]
        auth = SigV4Auth(Credentials(key, secret, token), "lambda", region)
        expected = auth.signature(auth.string_to_sign(signed, auth.canonical_request(signed)), signed)
        if not hmac.compare_digest(expected, signature):
            return refusal("InvalidSignatureException", "The request signature we calculated does not match.")
        return None

    def _answer(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        if reply.is_closed_after or reply.length is not None:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Nothing."""
