"""What Lambda tells a function about its invocation."""

from __future__ import annotations

from typing import Protocol


class LambdaContext(Protocol):
    """As much of it as the functions ask for: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the timeout."""
