"""Clients of AWS's services."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.config import Config

# Seconds. The queue retries for minutes: giving a message back is better than waiting long for an answer.
_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


def make_clients(*services: str) -> list[Any]:
    """A client of each service, at the endpoint that the environment names for it."""
    # botocore alone: the same clients through boto3 take some 60 ms more of every cold start.
    session = botocore.session.get_session()
    return [session.create_client(service, config=_CONFIG) for service in services]
