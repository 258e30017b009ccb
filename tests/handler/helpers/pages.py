"""Pages as the results function reads and writes them, without HTTP before it."""

from __future__ import annotations

import html
import re
from typing import Any

from psycopg import Connection

from handler.showing.inputs import read_inputs
from handler.showing.pages import PAGES, Page
from handler.showing.reading import Reading
from handler.showing.rendering import Answer, Renderer

ADDRESS = "https://tap.example"

# Tags between which no word ends.
_IN_A_LINE = re.compile(r"</?(a|b|bdi|code|i|span|time|wbr)\b[^>]*>")


class Pages:
    """What is shown of a database. Each answer is read in a transaction of its own."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._renderer = Renderer(address=ADDRESS, environment="dev")

    def read(self, path: str, query: str = "") -> Any:
        """The answer as the page's dataclass."""
        return self._answer(path, query).content

    def html(self, path: str, query: str = "") -> str:
        """What stands between the head and the foot of the page."""
        answer = self._answer(path, query)
        assert isinstance(answer.page, Page)
        written = self._renderer.html(answer.page.template).write(answer)
        return written.partition("<main")[2].partition("</main>")[0]

    def text(self, path: str, query: str = "") -> str:
        """Its words, in one line."""
        text = _IN_A_LINE.sub("", self.html(path, query).partition(">")[2])
        return " ".join(html.unescape(re.sub("<[^>]+>", " ", text)).split())

    def _answer(self, path: str, query: str) -> Answer:
        [page] = [page for page in PAGES if page.path == path]
        inputs = read_inputs(page.inputs, {}, query)
        with self._connection.transaction():
            reading = Reading(self._connection)
            return Answer(page=page, inputs=inputs, content=page.read(reading, inputs), now=reading.now)
