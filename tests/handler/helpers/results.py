"""The results function, asked as a function URL asks it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from handler import results_function
from tests.handler.helpers.surroundings import LambdaContext

READER_PASSWORD = "who only looks"
ADDRESS = "https://tap.example.com"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to a request; its headers have names in lower case."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


VIEWER = "arn:aws:iam::123456789012:user/viewer"


def request(
    path: str, query: str = "", *, method: str = "GET", accepts: str = "gzip", caller: str = VIEWER
) -> dict[str, Any]:
    """What a function URL makes of a request. `query`: as it stands in the URL."""
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"accept-encoding": accepts},
        "requestContext": {
            "authorizer": {"iam": {"userArn": caller}},
            "http": {"method": method, "path": path},
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }


class Results:
    """The function in one container. `restarted`: whether that is no longer the first."""

    def __init__(self) -> None:
        self.restarted = False

    def get(self, path: str, *, method: str = "GET", **query: object) -> Answer:
        """What it answers; `query` by names, without those that are None."""
        return self.ask(path, _encoded(query), method=method)

    def data(self, path: str, **query: object) -> Any:
        """What the API says at the path of a page."""
        answer = self.ask(f"/api{path}", _encoded(query))
        assert answer.status == 200, answer.text
        return answer.json

    def page(self, path: str, **query: object) -> str:
        """The page itself."""
        answer = self.ask(path, _encoded(query))
        assert answer.status == 200, answer.text
        return answer.text

    def ask(
        self, path: str, query: str = "", *, method: str = "GET", accepts: str = "gzip", caller: str = VIEWER
    ) -> Answer:
        """`query`: as it stands in the URL."""
        event = request(path, query, method=method, accepts=accepts, caller=caller)
        answer = results_function.lambda_handler(event, LambdaContext())
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        body = answer["body"] or ""
        content = base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()
        if headers.get("content-encoding") == "gzip":
            content = gzip.decompress(content)
        return Answer(status=answer["statusCode"], headers=headers, text=content.decode())

    def restart(self) -> None:
        """Goes on in a new container, which reads its environment anew."""
        if results_function._site.cache_info().currsize:
            results_function._site()._database.close()
            results_function._site.cache_clear()
        self.restarted = True


def _encoded(query: Mapping[str, object]) -> str:
    return urlencode({name: value for name, value in query.items() if value is not None})
