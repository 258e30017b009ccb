"""Properties of a run or of a test: names and values that the job added."""

from __future__ import annotations

from handler.reading.limits import MAX_PROPERTY, MAX_PROPERTY_NAME
from handler.texts import BoundedText, cut


class Properties:
    """Collects elements `property`: the first `limit` names. Of one that comes again, the first value counts."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[str, str | BoundedText] = {}

    def add(self, attributes: dict[str, str]) -> BoundedText | None:
        """What collects the text of the element, which is its value if it has no attribute `value`."""
        name = cut(attributes.get("name", ""), MAX_PROPERTY_NAME)
        if not name or name in self._values or len(self._values) == self._limit:
            return None
        if "value" in attributes:
            self._values[name] = cut(attributes["value"], MAX_PROPERTY)
            return None
        text = self._values[name] = BoundedText(MAX_PROPERTY)
        return text

    def values(self) -> dict[str, str]:
        """The values by name."""
        return {name: value if isinstance(value, str) else value.text() for name, value in self._values.items()}
