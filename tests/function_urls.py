"""Requests to a function URL of the emulated AWS, signed as AWS wants them, or not quite."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.emulator import ADMINISTRATOR, REGION, EmulatedAws

ADMINISTRATORS_KEY = Credentials(ADMINISTRATOR, ADMINISTRATOR)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request: what is sent, with its headers by their names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def with_headers(self, **headers: str | None) -> "Request":
        """The request with other headers, `x_amz_date` for one; None takes one away."""
        changed = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return replace(self, headers={name: value for name, value in changed.items() if value is not None})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back. `headers`: by their names in lower case; of several of one name, the last."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def refusal(self) -> tuple[int, str, str]:
        """Its status, what AWS calls the reason, and what it says."""
        [message] = json.loads(self.body).values()
        return self.status, self.headers["x-amzn-errortype"], message


def unsigned(url: str, method: str = "GET", body: bytes = b"", **headers: str) -> Request:
    """A request as a browser would send it. `url`: with the name that AWS gave it."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method=method, url=url, headers={"host": urlsplit(url).netloc, **given}, body=body)


def sign(
    request: Request,
    credentials: Credentials = ADMINISTRATORS_KEY,
    *,
    service: str = "lambda",
    region: str = REGION,
    age: timedelta = timedelta(),
) -> Request:
    """The request with a signature that was made `age` ago."""
    signed = AWSRequest(method=request.method, url=request.url, data=request.body, headers=dict(request.headers))
    with patch("botocore.auth.get_current_datetime", lambda: datetime.now(UTC) - age):
        SigV4Auth(credentials, service, region).add_auth(signed)
    return replace(request, headers={name.lower(): value for name, value in signed.headers.items()})


def send(aws: EmulatedAws, request: Request) -> Answer:
    """Send the request to the emulator, in the place of the address that the URL's name has in AWS."""
    emulator, url = urlsplit(aws.url), urlsplit(request.url)
    assert emulator.hostname is not None
    connection = http.client.HTTPConnection(emulator.hostname, emulator.port, timeout=60)
    try:
        target = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
        connection.request(request.method, target, body=request.body or None, headers=dict(request.headers))
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(status=response.status, headers=headers, body=response.read())
    finally:
        connection.close()


def assume(aws: EmulatedAws, role_arn: str, **options: Any) -> Credentials:
    """Temporary credentials of a role."""
    session = aws.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test", **options)["Credentials"]
    return Credentials(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
