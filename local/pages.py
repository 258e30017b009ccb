"""The pages of the results, for the browser of this machine: each request is signed and passed on."""

import errno
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

from local.access import THIS_MACHINE
from local.refusals import ResultsUnavailableError
from local.signing import Answer, ResultsFunction

_METHODS = ("GET", "HEAD")
# Of what a browser says, the function is told this and no more: no cookie, not where one comes from.
_PASSED_ON = ("Accept", "Accept-Encoding", "If-None-Match")
# Each connection has its own: https://www.rfc-editor.org/rfc/rfc9110.html#section-7.6.1
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_OF_AWS = "x-amz"  # -id-2, n-requestid, n-trace-id, n-remapped-date, ...
_IDLE = 120  # seconds until a connection is closed that nobody uses


class PortTakenError(Exception):
    """Somebody serves there already; the sentence says what to do."""


class Pages(ThreadingTCPServer):
    """Serves on this machine alone, from `serve_forever` to the end of a context; what is asked before that, waits.

    Raises PortTakenError at once if `port` is taken; 0 is any that is free.
    """

    function: ResultsFunction
    """Who is asked; set before it serves."""
    allow_reuse_address = True  # what was closed a moment ago does not count
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, port: int) -> None:
        try:
            super().__init__((THIS_MACHINE, port), _Request)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortTakenError(
                f"port {port} of this machine is taken: end the other `make open` or `make local` with Ctrl-C, or take"
                " another port (`python -m local open --port`)"
            ) from None
        port = self.server_address[1]
        self.address = f"http://{THIS_MACHINE}:{port}"
        self.hosts = (f"{THIS_MACHINE}:{port}", f"localhost:{port}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says what broke, unless a browser went away in the middle of an answer."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Request(BaseHTTPRequestHandler):
    """One connection of a browser, and the requests that come over it."""

    server: Pages
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # of what is no HTTP: its answer is
    timeout = _IDLE

    def parse_request(self) -> bool:
        """Reads a request, and refuses those that are not for us."""
        if not super().parse_request():
            return False
        refusal = self._refusal()
        if refusal:
            status, sentence = refusal
            # A body may follow, which nobody reads.
            self.close_connection = True
            self._say(status, sentence)
        return refusal is None

    def _refusal(self) -> tuple[HTTPStatus, str] | None:
        """Why this request gets no answer of the function.

        The browser has other pages open, and any of them can send requests here, with the viewer's permissions.
        """
        # A name of a stranger's may lead here as well: its pages could then read these (DNS rebinding).
        if [host.lower() for host in self.headers.get_all("Host", [])] not in ([name] for name in self.server.hosts):
            return HTTPStatus.MISDIRECTED_REQUEST, f"the pages are at {self.server.address}, and nothing else is here"
        if self.command not in _METHODS:
            return HTTPStatus.METHOD_NOT_ALLOWED, "the pages are for reading: GET and HEAD"
        if not self.path.startswith("/"):
            return HTTPStatus.BAD_REQUEST, "this is no proxy to other addresses"
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            return HTTPStatus.BAD_REQUEST, "a request for a page has no body"
        # A link may lead here. To embed, fetch or frame a page is not for others: they could learn from its size, or
        # from how long it takes, what it says. Other ports of this machine are the "same site".
        if self._is_of_another_page():
            return HTTPStatus.FORBIDDEN, "another page may lead here, and not embed or fetch what is here"
        return None

    def _is_of_another_page(self) -> bool:
        """As browsers say it: https://www.w3.org/TR/fetch-metadata/. Of web sockets they say only the origin."""
        host = self.headers["Host"]
        if self.headers.get("Origin", f"http://{host}") != f"http://{host}":
            return True
        if self.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
            return False
        return (self.headers.get("Sec-Fetch-Mode"), self.headers.get("Sec-Fetch-Dest")) != ("navigate", "document")

    def do_GET(self) -> None:
        target = self.path.encode("latin-1").decode(errors="replace")  # as http.server reads it
        path, _, query = target.partition("#")[0].partition("?")
        headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
        try:
            answer = self.server.function.ask(path, query, method=self.command, headers=headers)
        except ResultsUnavailableError as error:
            self._say(error.status, str(error))
            return
        self._pass_back(answer)

    do_HEAD = do_GET  # noqa: N815 - named by http.server

    def _pass_back(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        of_connection = {
            name.strip().lower()
            for header, value in answer.headers
            if header.lower() == "connection"
            for name in value.split(",")
        }
        for name, value in answer.headers:
            if not (name.lower() in _HOP_BY_HOP | of_connection or name.lower().startswith(_OF_AWS)):
                self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in answer.headers} and answer.body:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _say(self, status: HTTPStatus, sentence: str) -> None:
        """A page of our own."""
        body = f"TAP: {sentence}\n".encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", ", ".join(_METHODS))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """For what is no HTTP, without a word of it."""
        self.close_connection = True
        self._say(HTTPStatus(code), HTTPStatus(code).phrase)

    def handle_expect_100(self) -> bool:
        """Asks for no body."""
        return True

    def log_message(self, *_: Any) -> None:
        """Nothing: what is looked at is nobody's business, and a query may hold what a terminal obeys."""
