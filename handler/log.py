"""The log of the functions: JSON, one object a line."""

from __future__ import annotations

import functools
import json

from aws_lambda_powertools import Logger

# ASCII alone: a key may hold characters that JSON leaves as they are and a terminal obeys.
logger = Logger(service="tap", json_serializer=functools.partial(json.dumps, default=str, separators=(",", ":")))
