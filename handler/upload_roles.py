"""The roles by which CI jobs upload and ask for results, as the stacks name them."""

from __future__ import annotations

import re
from typing import Final

UPLOAD_ROLE_PREFIX: Final = "tap-upload-"

# Of a session (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
_SESSION = re.compile(rf"arn:[^:]+:sts::\d+:assumed-role/(?P<role>{UPLOAD_ROLE_PREFIX}[^/]+)/.+")


def upload_role(caller_arn: str) -> str | None:
    """The name of the role, if a caller has such a one."""
    session = _SESSION.fullmatch(caller_arn)
    return session["role"] if session else None
