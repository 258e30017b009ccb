"""The pages on the viewer's machine: what is passed on, signed, and what is refused."""

import gzip
import http.client
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from botocore.credentials import Credentials

from local import signing
from local.pages import Pages, PortTakenError
from local.signing import ResultsFunction, Viewer
from tests.local.helpers.small_aws import HOST, NAME, PAGE, REGION, Reply, SmallAws, refusal, small_aws

PLACE = f"account 123456789012, region {REGION}"


@dataclass(frozen=True)
class Got:
    status: int
    headers: Mapping[str, str]
    body: bytes


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SmallAws]:
    """And this process is a viewer's, whatever is set up on this machine."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    with small_aws() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def pages(aws: SmallAws) -> Iterator[Pages]:
    with serving(function_of(aws)) as server:
        yield server


def function_of(aws: SmallAws, viewer: Viewer | None = None) -> ResultsFunction:
    return ResultsFunction(
        name=NAME, url=f"https://{HOST}/", region=REGION, place=PLACE, viewer=viewer or Viewer(), address=aws.url
    )


class serving:  # noqa: N801 - used like a function
    """Serves the pages of a function on a free port."""

    def __init__(self, function: ResultsFunction) -> None:
        self._pages = Pages(0)
        self._pages.function = function
        self._thread = threading.Thread(target=self._pages.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Pages:
        self._thread.start()
        return self._pages

    def __exit__(self, *_: object) -> None:
        self._pages.shutdown()
        self._thread.join()
        self._pages.server_close()


def get(pages: Pages, target: str = "/", headers: Mapping[str, str | None] | None = None, method: str = "GET") -> Got:
    """Sends exactly these headers, and the right Host unless another is given, or None."""
    connection = http.client.HTTPConnection("127.0.0.1", pages.server_address[1], timeout=20)
    connection._validate_path = lambda _: None  # type: ignore[attr-defined]
    connection._encode_request = lambda request: request.encode()  # type: ignore[attr-defined]
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": pages.hosts[0], **(headers or {})}.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return Got(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


class TestPassingOn:
    """What is asked and answered arrives as it is, signed as AWS checks it."""

    def test_a_page(self, aws: SmallAws, pages: Pages) -> None:
        answer = get(pages, "/runs/3b241101?page=2")
        assert (answer.status, answer.body) == (200, PAGE)
        assert answer.headers == {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(PAGE))}
        [request] = aws.requests
        assert (request.method, request.target, request.headers["Host"]) == ("GET", "/runs/3b241101?page=2", HOST)

    def test_headers_of_the_function_and_no_others(self, aws: SmallAws, pages: Pages) -> None:
        """None of the connection to AWS, none of AWS itself."""
        own = {
            "Content-Security-Policy": "default-src 'none'",
            "ETag": '"1a"',
            "Cache-Control": "max-age=60",
            "Content-Type": "text/html",
            "X-Content-Type-Options": "nosniff",
        }
        others = {
            "Connection": "keep-alive, X-Hop",
            "Keep-Alive": "timeout=5",
            "X-Hop": "1",
            "Upgrade": "h2c",
            "x-amzn-RequestId": "1",
            "X-Amzn-Trace-Id": "2",
            "x-amz-apigw-id": "3",
        }
        aws.replies = [Reply(headers={**own, **others})]
        assert get(pages).headers == {**own, "Content-Length": str(len(PAGE))}

    def test_compressed_stays_compressed(self, aws: SmallAws, pages: Pages) -> None:
        body = gzip.compress(PAGE)
        aws.replies = [Reply(headers={"Content-Encoding": "gzip"}, body=body)]
        answer = get(pages, headers={"Accept-Encoding": "gzip, br"})
        assert (answer.headers["Content-Encoding"], answer.body) == ("gzip", body)
        assert aws.requests[0].headers["Accept-Encoding"] == "gzip, br"

    def test_only_what_the_function_needs_is_told(self, aws: SmallAws, pages: Pages) -> None:
        """No cookie, no page that one came from, and nobody else's signature."""
        told = {"Accept": "text/html", "Accept-Encoding": "gzip", "If-None-Match": '"1a"'}
        untold = {
            "Cookie": "session=1",
            "Authorization": "Basic x",
            "Referer": "http://127.0.0.1/secret",
            "User-Agent": "Firefox",
            "X-Forwarded-For": "1.2.3.4",
            "X-Amz-Security-Token": "theirs",
            "x-amz-date": "20000101T000000Z",
        }
        assert get(pages, headers={**told, **untold}).status == 200
        headers = dict(aws.requests[0].headers)
        assert headers.pop("Authorization").startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
        assert headers.pop("X-Amz-Date") > "2020"
        assert headers == {**told, "Host": HOST, "User-Agent": "tap"}

    @pytest.mark.parametrize("status", [404, 400, 405, 503])
    def test_what_the_function_refuses(self, aws: SmallAws, pages: Pages, status: int) -> None:
        aws.replies = [Reply(status=status, headers={"Content-Type": "text/html", "Retry-After": "5"}, body=b"no")]
        answer = get(pages)
        assert (answer.status, answer.body, answer.headers["Retry-After"]) == (status, b"no", "5")

    def test_redirect_is_for_the_browser(self, aws: SmallAws, pages: Pages) -> None:
        aws.replies = [Reply(status=302, headers={"Location": "/runs/1"}, body=b"")]
        answer = get(pages, "/old")
        assert (answer.status, answer.headers["Location"]) == (302, "/runs/1")
        assert [request.target for request in aws.requests] == ["/old"]

    def test_not_modified(self, aws: SmallAws, pages: Pages) -> None:
        aws.replies = [Reply(status=304, headers={"ETag": '"1a"'}, body=b"")]
        assert get(pages, headers={"If-None-Match": '"1a"'}) == Got(304, {"ETag": '"1a"'}, b"")

    def test_head(self, aws: SmallAws, pages: Pages) -> None:
        """The length of what a GET would have brought."""
        answer = get(pages, method="HEAD")
        assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", str(len(PAGE)))
        assert aws.requests[0].method == "HEAD"

    @pytest.mark.parametrize(
        "name",
        ["a b", "größer", "a+b", "a%2Fb", "it's", "~x", "a&b=c", "*!()", "日本", "", "a#b", "?", "\x1b[2J", "a=b", "%"],
    )
    @pytest.mark.parametrize("encoded", [quote_plus, quote], ids=["form", "link"])
    def test_names_in_the_query(self, aws: SmallAws, pages: Pages, name: str, encoded: Any) -> None:
        """Whichever way a browser writes them: the function is asked for the same."""
        assert get(pages, f"/grid?project={encoded(name)}&branch=z&a={encoded(name)}&project=").status == 200
        query = aws.requests[0].target.partition("?")[2]
        assert parse_qsl(query, keep_blank_values=True) == [
            ("project", name),
            ("branch", "z"),
            ("a", name),
            ("project", ""),
        ]

    def test_what_browsers_leave_as_it_is(self, aws: SmallAws, pages: Pages) -> None:
        """Characters that they need not encode, and AWS does; pairs without a value; nothing between two."""
        assert get(pages, "/search/it's(a)*%2F%c3%a9é?q=it's(a)*!;,:@/?é&flag&&x=1").status == 200
        path, _, query = aws.requests[0].target.partition("?")
        assert path == "/search/it%27s%28a%29%2A%2F%C3%A9%C3%A9"
        assert parse_qsl(query, keep_blank_values=True) == [("q", "it's(a)*!;,:@/?é"), ("flag", ""), ("x", "1")]

    def test_bytes_that_are_no_text(self, aws: SmallAws, pages: Pages) -> None:
        assert get(pages, "/search?q=%FF%00").status == 200
        assert aws.requests[0].target == "/search?q=%EF%BF%BD%00"

    @pytest.mark.parametrize("path", ["//runs/./1/../2", "/runs//2", "/x/%2E%2E/runs/2"])
    def test_way_back_in_a_path(self, aws: SmallAws, pages: Pages, path: str) -> None:
        assert get(pages, path).status == 200
        assert aws.requests[0].target == "/runs/2"

    def test_connections_are_kept(self, aws: SmallAws, pages: Pages) -> None:
        for _ in range(3):
            get(pages)
        assert len({request.connection for request in aws.requests}) == 1

    def test_connection_that_aws_has_closed(self, aws: SmallAws, pages: Pages) -> None:
        aws.replies = [Reply(is_closed_after=True)]
        assert [get(pages).status for _ in range(2)] == [200, 200]

    def test_requests_at_once(self, aws: SmallAws, pages: Pages) -> None:
        """A page and its stylesheet, while another is still being made."""
        aws.delay.clear()
        statuses: list[int] = []
        threads = [threading.Thread(target=lambda: statuses.append(get(pages).status)) for _ in range(4)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 30
        while len(aws.requests) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        aws.delay.set()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 4


class TestRefusing:
    """No other page of the browser reads the results, and nobody is served anything else."""

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost:{port}.evil.example", "", None],
    )
    def test_another_host(self, aws: SmallAws, pages: Pages, host: str | None) -> None:
        """The name of a stranger, who lets it lead to this machine."""
        answer = get(pages, headers={"Host": host and host.format(port=pages.server_address[1])})
        assert answer.status == 421
        assert answer.body.decode() == f"TAP: the pages are at {pages.address}, and nothing else is here\n"
        assert aws.requests == []

    def test_two_hosts(self, aws: SmallAws, pages: Pages) -> None:
        assert get(pages, headers={"host": "evil.example"}).status == 421
        assert get(pages, headers={"host": pages.hosts[0]}).status == 421
        assert aws.requests == []

    @pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost"])
    def test_own_names(self, pages: Pages, name: str) -> None:
        assert get(pages, headers={"Host": f"{name}:{pages.server_address[1]}"}).status == 200

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "X", "get"])
    def test_another_method(self, aws: SmallAws, pages: Pages, method: str) -> None:
        answer = get(pages, method=method, headers={"Content-Length": "0"})
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
        assert answer.body == b"TAP: the pages are for reading: GET and HEAD\n"
        assert aws.requests == []

    @pytest.mark.parametrize("target", ["http://evil.example/", "https://127.0.0.1/", "evil.example:443", "*", "x"])
    def test_another_address(self, aws: SmallAws, pages: Pages, target: str) -> None:
        answer = get(pages, target)
        assert (answer.status, answer.body) == (400, b"TAP: this is no proxy to other addresses\n")
        assert aws.requests == []

    @pytest.mark.parametrize("headers", [{"Content-Length": "5"}, {"Transfer-Encoding": "chunked"}])
    def test_a_body(self, aws: SmallAws, pages: Pages, headers: dict[str, str]) -> None:
        """It is not read: the answer comes before it."""
        answer = get(pages, headers=headers)
        assert (answer.status, answer.body) == (400, b"TAP: a request for a page has no body\n")
        assert answer.headers["Connection"] == "close"
        assert aws.requests == []

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    @pytest.mark.parametrize(
        ("mode", "destination"),
        [
            ("no-cors", "image"),
            ("no-cors", "script"),
            ("no-cors", "style"),
            ("cors", "empty"),
            ("navigate", "iframe"),
            ("navigate", "embed"),
            ("navigate", "object"),
            ("websocket", "websocket"),
            (None, None),
        ],
    )
    def test_what_other_pages_embed_or_fetch(
        self, aws: SmallAws, pages: Pages, site: str, mode: str | None, destination: str | None
    ) -> None:
        """Neither those of other sites, nor those of other ports of this machine."""
        answer = get(pages, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination})
        assert answer.status == 403
        assert answer.body == b"TAP: another page may lead here, and not embed or fetch what is here\n"
        assert aws.requests == []

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1:{port}"])
    def test_another_origin(self, aws: SmallAws, pages: Pages, origin: str) -> None:
        """All that browsers say of a web socket, and the older ones of what is fetched."""
        answer = get(pages, headers={"Origin": origin.format(port=pages.server_address[1]), "Upgrade": "websocket"})
        assert answer.status == 403
        assert aws.requests == []

    def test_own_origin(self, pages: Pages) -> None:
        assert get(pages, headers={"Origin": pages.address}).status == 200

    @pytest.mark.parametrize(
        ("site", "mode", "destination"),
        [
            ("none", "navigate", "document"),
            ("same-origin", "no-cors", "style"),
            ("same-origin", "cors", "empty"),
            ("cross-site", "navigate", "document"),
            ("same-site", "navigate", "document"),
        ],
    )
    def test_own_pages_and_links_that_lead_here(self, pages: Pages, site: str, mode: str, destination: str) -> None:
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination}
        assert get(pages, headers=headers).status == 200

    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),  # TLS
            (b"GET / HTTP/9.9\r\n\r\n", 505),
            (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
            (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        ],
    )
    def test_what_is_no_http(self, pages: Pages, sent: bytes, status: int) -> None:
        """It is not repeated, in the answer nor in the terminal."""
        with socket.create_connection(("127.0.0.1", pages.server_address[1]), timeout=20) as connection:
            connection.sendall(sent)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == status
            assert answer.read().decode() == f"TAP: {http.HTTPStatus(status).phrase}\n"

    def test_pages_of_our_own_are_inert(self, pages: Pages) -> None:
        assert get(pages, headers={"Host": None}).headers == {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(get(pages, headers={"Host": None}).body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Connection": "close",
        }

    def test_this_machine_alone(self, pages: Pages) -> None:
        assert pages.server_address[0] == "127.0.0.1"

    def test_port_that_is_taken(self, pages: Pages) -> None:
        port = pages.server_address[1]
        with pytest.raises(PortTakenError, match=rf"^port {port} of this machine is taken: end the other"):
            Pages(port)

    def test_connection_that_nobody_uses(
        self, pages: Pages, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Is closed, without a word."""
        monkeypatch.setattr(pages.RequestHandlerClass, "timeout", 0.1)
        with socket.create_connection(("127.0.0.1", pages.server_address[1]), timeout=20) as connection:
            assert connection.recv(1) == b""
        assert capfd.readouterr() == ("", "")

    def test_nothing_is_printed(self, aws: SmallAws, pages: Pages, capfd: pytest.CaptureFixture[str]) -> None:
        """Neither of a request, whose query may hold what a terminal obeys, nor of a browser that goes away."""
        get(pages, "/search?q=\x1b[2J")
        with socket.create_connection(("127.0.0.1", pages.server_address[1])) as connection:
            connection.sendall(b"X\x1b[2J /\x1b]0;x\x07 HTTP/1.1\r\nHost: \x1b\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 421 Misdirected Request\r\n")
        with socket.create_connection(("127.0.0.1", pages.server_address[1])) as connection:
            aws.delay.clear()
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {pages.hosts[0]}\r\n\r\n".encode())
            while len(aws.requests) < 2:
                pass
            # Closed with a reset, so that the answer has nowhere to go.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        aws.replies = [Reply(body=b"x" * 1_000_000)]
        aws.delay.set()
        get(pages)
        assert capfd.readouterr() == ("", "")


class TestTrouble:
    """Whatever goes wrong while the pages are served, the browser is told in one sentence."""

    @pytest.mark.parametrize(
        ("reply", "status", "sentence"),
        [
            (
                refusal("AccessDeniedException", "Forbidden. For troubleshooting ..."),
                403,
                f"your AWS credentials may not use {NAME} in {PLACE}: have the policy attached to them that the output"
                " results_reader_policy_arn names, or look at another environment",
            ),
            (
                Reply(status=403, headers={}, body=b'{"Message":null}'),
                403,
                f"your AWS credentials may not use {NAME} in {PLACE}: have the policy attached to them that the output"
                " results_reader_policy_arn names, or look at another environment",
            ),
            (
                refusal("ExpiredTokenException", "The security token included in the request is expired"),
                403,
                "your AWS credentials have expired: sign in again (`aws sso login`), and try again",
            ),
            (
                refusal("UnrecognizedClientException:http://x/", "The security token is invalid."),
                403,
                "AWS does not know these credentials: check AWS_PROFILE, or the keys that are set",
            ),
            (
                refusal("InvalidSignatureException", "Signature expired: 1 is now earlier\nthan 2"),
                403,
                "AWS does not accept the signature: check this machine's clock and the secret key"
                " (Signature expired: 1 is now earlier than 2)",
            ),
            (
                refusal("TooManyRequestsException", "Rate Exceeded.", 429),
                503,
                f"{NAME} has too much to do: try again in a moment",
            ),
            (
                Reply(status=502, headers={}, body=b"Internal Server Error"),
                502,
                f"{NAME} failed: its log says why, in CloudWatch /aws/lambda/{NAME}",
            ),
            (
                refusal("KMSAccessDenied\x1bException", "Lambda\x1b[2J was", 502),
                502,
                f"AWS answers for {NAME}: KMSAccessDenied�Exception Lambda�[2J was",
            ),
        ],
    )
    def test_what_aws_answers(self, aws: SmallAws, pages: Pages, reply: Reply, status: int, sentence: str) -> None:
        aws.replies = [reply]
        answer = get(pages)
        assert (answer.status, answer.body.decode()) == (status, f"TAP: {sentence}\n")
        assert get(pages).status == 200

    def test_head_has_no_sentence(self, aws: SmallAws, pages: Pages) -> None:
        aws.replies = [Reply(status=403, headers={}, body=b"")]
        with socket.create_connection(("127.0.0.1", pages.server_address[1])) as connection:
            connection.sendall(f"HEAD / HTTP/1.0\r\nHost: {pages.hosts[0]}\r\n\r\n".encode())
            with connection.makefile("rb") as answer:
                status, *_, last = answer.read().split(b"\r\n")
        assert (status, last) == (b"HTTP/1.1 403 Forbidden", b"")

    def test_answer_that_breaks_off(self, aws: SmallAws, pages: Pages) -> None:
        """Is asked for again, once."""
        aws.replies = [Reply(length=999)]
        assert get(pages).body == PAGE
        aws.replies = [Reply(length=999), Reply(length=999)]
        answer = get(pages)
        assert answer.status == 502
        assert answer.body.startswith(
            b"TAP: AWS cannot be reached: check the network and its proxy (Connection was closed"
        )

    def test_function_that_says_nothing(self, aws: SmallAws, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(signing, "_READ_TIMEOUT", 0.2)
        with serving(function_of(aws)) as pages:
            aws.delay.clear()
            answer = get(pages)
            assert answer.status == 504
            assert answer.body == b"TAP: AWS does not answer in time: try again, or check the network and its proxy\n"

    def test_nobody_there(self, aws: SmallAws, pages: Pages) -> None:
        aws.shutdown()
        aws.server_close()
        answer = get(pages)
        assert answer.status == 502
        assert answer.body.startswith(b"TAP: AWS cannot be reached: check the network and its proxy (Could not connect")

    def test_stranger_in_the_place_of_aws(self, aws: SmallAws) -> None:
        """Who has no certificate for the function's host is told nothing."""
        url = f"https://127.0.0.1:{aws.server_port}"
        function = ResultsFunction(name=NAME, url=url, region=REGION, place="", viewer=Viewer())
        with serving(function) as pages:
            answer = get(pages)
        assert answer.status == 502
        assert answer.body.startswith(b"TAP: AWS cannot be reached: check the network and its proxy (SSL validation")
        assert aws.requests == []


class TestCredentials:
    """Those of boto3's chain, fresh whenever a request is signed."""

    def test_session_token_is_signed(self, aws: SmallAws, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
        aws.keys = {"ASIAEXAMPLE": ("secret", "token+/=")}
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "token+/=")
        assert get(pages).status == 200
        assert aws.requests[0].headers["X-Amz-Security-Token"] == "token+/="

    def test_expired_ones_are_found_again(self, aws: SmallAws, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
        """After the sentence: somebody has signed in again meanwhile."""
        assert get(pages).status == 200
        aws.keys = {"NEW": ("new", None)}
        assert get(pages).status == 403
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "NEW")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "new")
        assert get(pages).status == 200

    def test_refreshed_before_they_expire(
        self, aws: SmallAws, pages: Pages, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """By the program that the profile names, as by SSO and roles; and a failing one is told."""
        aws.keys = {f"KEY{number}": (f"secret{number}", "token") for number in range(9)}
        count = tmp_path / "count"
        count.write_text("0")
        program = tmp_path / "program.py"
        program.write_text(
            "import datetime, json, pathlib, sys\n"
            f"count = pathlib.Path({str(count)!r})\n"
            "number = int(count.read_text())\n"
            "count.write_text(str(number + 1))\n"
            "soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)\n"
            "json.dump({'Version': 1, 'AccessKeyId': f'KEY{number}', 'SecretAccessKey': f'secret{number}',"
            " 'SessionToken': 'token', 'Expiration': soon.isoformat()}, sys.stdout)\n"
        )
        (tmp_path / "AWS_CONFIG_FILE").write_text(
            f"[profile mine]\nregion = {REGION}\ncredential_process = {sys.executable} {program}\n"
        )
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_PROFILE", "mine")
        assert [get(pages).status for _ in range(2)] == [200, 200]
        used = [request.access_key for request in aws.requests]
        assert len(set(used)) == 2
        count.write_text("no number")
        answer = get(pages)
        assert answer.status == 403
        assert b"TAP: the AWS credentials cannot be had: " in answer.body

    def test_sso_session_that_is_over(self, pages: Pages, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "AWS_CONFIG_FILE").write_text(
            f'[profile "my sso"]\nregion = {REGION}\nsso_session = work\nsso_account_id = 123456789012\n'
            f"sso_role_name = viewer\n[sso-session work]\nsso_region = {REGION}\nsso_start_url = https://sso.example\n"
        )
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_PROFILE", "my sso")
        answer = get(pages)
        assert answer.status == 403
        assert b": sign in again (`aws sso login --profile 'my sso'`), and try again\n" in answer.body

    def test_none_at_all(self, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        answer = get(pages)
        assert (answer.status, answer.body.decode()) == (
            403,
            "TAP: there are no AWS credentials: name your profile in AWS_PROFILE, or sign in (`aws sso login`)\n",
        )

    def test_those_of_an_emulated_aws(self, aws: SmallAws) -> None:
        """Or any others that are handed over."""
        aws.keys = {"local": ("secret", None)}
        viewer = Viewer(lambda: Credentials("local", "secret"))
        assert function_of(aws, viewer).ask("/").body == PAGE
