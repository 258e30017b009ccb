"""Where the cases of a suite stand: what they have from it and from the suites around it."""

from __future__ import annotations

from typing import NamedTuple

from handler.reading import writers
from handler.reading.identity import brief, suite_name
from handler.reading.limits import MAX_NAME
from handler.reading.outcomes import cut_or_none
from handler.texts import cut


class Place(NamedTuple):
    """`path`: the names from the outermost suite to this one. `file` and `hostname`: the suite's own or the nearest.

    `identifying_path` and `identifying_file` are the same for the ids of tests: nothing of them is cut away, and the
    path is left out for cases with a class if `class_tells_all`.
    """

    path: str | None = None
    file: str | None = None
    hostname: str | None = None
    identifying_path: str | None = None
    identifying_file: str | None = None
    class_tells_all: bool = False

    def within(self, element: str, attributes: dict[str, str]) -> Place:
        """The place of a suite (or of the root) with these attributes, directly within this one."""
        path, identifying_path = self.path, self.identifying_path
        browser = writers.browser(attributes)
        if element == "testsuite":
            for name in (browser, suite_name(attributes.get("name", ""))):
                if name:
                    path = cut(f"{path} > {name}" if path else name, MAX_NAME)
                    identifying_path = brief(f"{identifying_path} > {name}" if identifying_path else name)
        hostname = None if browser else attributes.get("hostname")
        return Place(
            path=path,
            file=cut_or_none(attributes.get("file"), MAX_NAME) or self.file,
            hostname=cut_or_none(hostname, MAX_NAME) or self.hostname,
            identifying_path=identifying_path,
            identifying_file=brief(attributes.get("file", "")) or self.identifying_file,
            class_tells_all=writers.class_tells_all(attributes),
        )

    @property
    def length(self) -> int:
        """Characters that each case repeats."""
        return sum(len(name) for name in (self.path, self.file, self.hostname) if name)
