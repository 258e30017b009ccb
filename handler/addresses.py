"""Where people open the pages: what events, Markdown and the terminal link to."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

OPEN_PORT = 8027
"""At which `make open` serves the pages of an environment on the viewer's own machine."""
OPEN_ADDRESS = f"http://127.0.0.1:{OPEN_PORT}"


def run_address(base: str, run_id: UUID | str) -> str:
    """The page of a run. `base`: without a slash at its end."""
    return f"{base}/runs/{run_id}"


def upload_address(base: str, upload_id: UUID | str) -> str:
    """The page of an upload, of one that was refused for example. `base`: without a slash at its end."""
    return f"{base}/uploads/{upload_id}"


def project_address(base: str, project: str) -> str:
    """The page of a project. `base`: without a slash at its end."""
    return f"{base}/project?{urlencode({'project': project})}"
