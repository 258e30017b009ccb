"""The tools of `tests/ci/requirements.txt`, in their own environment."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema

from local.cdktf import PROJECT

TOOLS = PROJECT / ".venv-ci"


def tool(name: str, *arguments: str | Path, directory: Path = PROJECT) -> str:
    """What it finds."""
    command = [TOOLS / "bin" / name, *arguments]
    environment = {"PATH": f"{TOOLS / 'bin'}:/usr/bin:/bin"}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def validate(document: Any, name: str) -> None:
    """Raise ValidationError unless it is as the schema of this name says, which is published at schemastore.org."""
    [path] = TOOLS.glob(f"lib/python*/site-packages/check_jsonschema/builtin_schemas/vendor/{name}.json")
    rules = json.loads(path.read_text())
    jsonschema.validators.validator_for(rules)(rules).validate(document)
