"""GitHub's and GitLab's interface for comments, and GitHub's for tokens, as far as a job uses them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = 'ghs_"secret\\'
"""What a token may be is not said: so, this has what quoting can get wrong."""
AUTHOR = "github-actions[bot]"
_LIMIT = 65_536  # characters of a comment, to GitHub
_COLLECTIONS = {
    "/repos/example/shop/issues/12/comments": "/repos/example/shop/issues/comments",
    "/projects/7/merge_requests/12/notes": "/projects/7/merge_requests/12/notes",
}


@dataclass(kw_only=True)
class CodeHost:
    """`comments`: what stands at the pull request, in the form of both. `requests`: methods and paths, in order."""

    url: str
    comments: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def add(self, body: str, author: str = AUTHOR) -> dict[str, Any]:
        """A comment of somebody."""
        comment = {
            "user": {"id": 1, "login": author},
            "author": {"id": 1, "username": author},
            "reactions": {"id": 3, "body": "nested"},
            "body": body,
            "id": 1000 + len(self.comments),
        }
        self.comments.append(comment)
        return comment

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """The status and the JSON."""
        url = urlsplit(target)
        query = {name: value for name, [value] in parse_qs(url.query).items()}
        self.requests.append(f"{method} {url.path}")
        if url.path == "/token":
            assert query == {"api-version": "2.0", "audience": "sts.amazonaws.com"}
            assert headers["authorization"] == f"bearer {TOKEN}"
            return 200, {"count": 1, "value": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2IifQ.c2ln"}
        if TOKEN not in (headers.get("authorization", "").removeprefix("Bearer "), headers.get("private-token")):
            return 401, {"message": "Bad credentials"}
        if url.path == "/user":
            return 200, {"id": 1, "username": AUTHOR}
        if method == "GET":
            assert url.path in _COLLECTIONS
            size = int(query["per_page"])
            skipped = (int(query["page"]) - 1) * size
            return 200, self.comments[skipped : skipped + size]
        assert headers["content-type"] == "application/json"
        return self._write(method, url.path, json.loads(body)["body"])

    def _write(self, method: str, path: str, text: str) -> tuple[int, Any]:
        if len(text) > _LIMIT:
            return 422, {"message": "Body is too long"}
        if method == "POST":
            assert path in _COLLECTIONS
            return 201, self.add(text)
        assert method == ("PUT" if path.startswith("/projects") else "PATCH")
        collection, _, id_ = path.rpartition("/")
        assert collection in _COLLECTIONS.values()
        [comment] = [comment for comment in self.comments if str(comment["id"]) == id_]
        comment["body"] = text
        return 200, comment


@contextmanager
def code_host(*, escapes: bool) -> Iterator[CodeHost]:
    """`escapes`: whether its JSON has `<` and `>` as \\u003c and \\u003e, as Rails writes it."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, content = host.answer(self.command, self.path, headers, body)
            text = json.dumps(content, ensure_ascii=escapes, indent=None if escapes else 2)
            if escapes:
                text = re.sub("[<>]", lambda found: f"\\u{ord(found[0]):04x}", text)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815 - the names that the server calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = CodeHost(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
