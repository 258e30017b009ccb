"""The results function of an environment, asked with the AWS credentials of whoever looks."""

import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlencode

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, NoCredentialsError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies, normalize_url_path

from local.refusals import ResultsUnavailableError, failed, refused, unavailable
from stacks.names import function_name

# Seconds. The function answers within a few, or has given up by itself.
_CONNECT_TIMEOUT, _READ_TIMEOUT = 5, 30
_LOOK_UP = Config(connect_timeout=_CONNECT_TIMEOUT, read_timeout=10, retries={"total_max_attempts": 2})
_CONNECTIONS = 16
_EMPTY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_ARN = re.compile(r"arn:[\w-]+:lambda:[\w-]+:(?P<account>\d+):function:")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the function answered, as it came: a compressed body is still compressed."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def viewers_session() -> boto3.Session:
    """A session of boto3's ordinary chain, with AWS_REGION as well: the AWS CLI and Terraform read it, boto3 does not.

    Raises BotoCoreError, for a profile that is not there.
    """
    return boto3.Session(region_name=os.environ.get("AWS_REGION") or None)


def _viewers_credentials() -> Any:
    return viewers_session().get_credentials()


class Viewer:
    """Whoever looks, by their AWS credentials: found and kept fresh as boto3 does it for all its clients."""

    def __init__(self, find_credentials: Callable[[], Any] = _viewers_credentials) -> None:
        self._find_credentials = find_credentials
        self._credentials: Any = None
        self._lock = threading.Lock()

    def credentials(self) -> Any:
        """Access key, secret key and token that are good at this moment. Raises BotoCoreError, ClientError."""
        with self._lock:
            if self._credentials is None:
                self._credentials = self._find_credentials()
            if self._credentials is None:
                raise NoCredentialsError
            return self._credentials.get_frozen_credentials()

    def forget(self) -> None:
        """Find the credentials anew the next time: in files there may be younger ones."""
        with self._lock:
            self._credentials = None


class ResultsFunction:
    """A results function behind its URL.

    `url` is what AWS calls it, and the signature holds its host. `address`: where it answers, if AWS is emulated.
    `place`: the account and the region, for people.
    """

    def __init__(
        self, *, name: str, url: str, region: str, place: str, viewer: Viewer, address: str | None = None
    ) -> None:
        self.name = name
        self.place = place
        self._url = url.rstrip("/")
        self._address = (address or url).rstrip("/")
        self._region = region
        self._viewer = viewer
        self._http = URLLib3Session(
            # As boto3's clients: the company's proxy and certificate authorities. What is emulated is on this machine.
            proxies={} if address else get_environ_proxies(self._url),
            verify=os.environ.get("AWS_CA_BUNDLE") or True,
            timeout=(_CONNECT_TIMEOUT, _READ_TIMEOUT),
            max_pool_connections=_CONNECTIONS,
        )

    @classmethod
    def find(cls, suffix: str) -> Self:
        """That of an environment, in the viewer's account and region. Raises ResultsUnavailableError."""
        try:
            name = function_name("results", suffix)
        except ValueError as error:
            raise ResultsUnavailableError(str(error), HTTPStatus.BAD_GATEWAY) from None
        place = ""
        try:
            session = viewers_session()
            functions = session.client("lambda", config=_LOOK_UP)
            place = f"region {session.region_name}"
            found = functions.get_function_url_config(FunctionName=name)
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError):
                place = f"{_account(session)}{place}"
            raise unavailable(error, function=name, place=place) from error
        if arn := _ARN.match(found["FunctionArn"]):
            place = f"account {arn['account']}, {place}"
        return cls(
            name=name,
            url=found["FunctionUrl"],
            region=session.region_name,
            place=place,
            viewer=Viewer(),
            # An emulated AWS answers for all its host names at one address.
            address=os.environ.get("AWS_ENDPOINT_URL"),
        )

    def ask(
        self, path: str, query: str = "", *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Asks for a page; of `path` and `query` any character may be percent-encoded, or not.

        Raises ResultsUnavailableError, for what AWS answers in the place of the function as well.
        """
        target = _normal_path(path) + _normal_query(query)
        try:
            signed = AWSRequest(method=method, url=self._url + target)
            SigV4Auth(self._viewer.credentials(), "lambda", self._region).add_auth(signed)
            # Signed are the host, the time and the session's token: the others a proxy on the way may change.
            sent = {**(headers or {}), **signed.headers, "Host": self._url.partition("://")[2], "User-Agent": "tap"}
            answer = self._send(AWSPreparedRequest(method, self._address + target, sent, None, stream_output=False))
        except (BotoCoreError, ClientError) as error:
            self._viewer.forget()
            raise unavailable(error, function=self.name, place=self.place) from error
        self._raise_for_aws(answer)
        return Answer(status=answer.status_code, headers=tuple(answer.headers.items()), body=answer.content)

    def _send(self, request: AWSPreparedRequest) -> Any:
        try:
            return self._send_once(request)
        except ConnectionClosedError:
            # Kept open for the next request, and closed by the other side at that moment.
            return self._send_once(request)

    def _send_once(self, request: AWSPreparedRequest) -> Any:
        # All of it before any of it is passed on: 6 MB at most, and half a page could not be taken back.
        answer = self._http.send(request)
        length = answer.headers.get("Content-Length")
        has_body = request.method != "HEAD" and answer.status_code not in _EMPTY
        if has_body and length is not None and int(length) != len(answer.content):
            raise ConnectionClosedError(endpoint_url=self._url)
        return answer

    def _raise_for_aws(self, answer: Any) -> None:
        """Tells Lambda's own answers from the function's, which forbids nothing and does not fail without a word.

        https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
        """
        code = answer.headers.get("x-amzn-ErrorType", "").partition(":")[0]
        if not code and answer.status_code == HTTPStatus.BAD_GATEWAY:
            raise failed(self.name)
        if code or answer.status_code == HTTPStatus.FORBIDDEN:
            self._viewer.forget()
            raise refused(
                code or "AccessDeniedException", _message(answer.content), function=self.name, place=self.place
            )


def _normal_path(path: str) -> str:
    """The path as both sides of the signature write it, whatever a browser leaves as it is."""
    segments = (quote(unquote(each), safe="") for each in path.split("/"))
    return str(normalize_url_path("/".join(segments)))


def _normal_query(query: str) -> str:
    """Likewise the query. A plus is a blank to a form, and a plus to whoever checks the signature: it goes."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return "?" + urlencode(pairs, quote_via=quote, safe="") if pairs else ""


def _message(body: bytes) -> str:
    """What AWS says in the body of a refusal: some of its services write the name with a capital letter."""
    with suppress(ValueError, AttributeError):
        said = json.loads(body)
        return str(said.get("message") or said.get("Message") or "")
    return ""


def _account(session: boto3.Session) -> str:
    """The account, which everybody may ask for; nothing if it cannot be had."""
    with suppress(BotoCoreError, ClientError):
        return f"account {session.client('sts', config=_LOOK_UP).get_caller_identity()['Account']}, "
    return ""
