"""The workflows of this repository and their actions, taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from local.cdktf import PROJECT

ROOT = PROJECT / ".github"
WORKFLOWS = sorted((ROOT / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / "actions").glob("*/action.yml"))

Parsed = dict[str, Any]


def parsed(path: Path) -> Parsed:
    """To YAML 1.1, `on` is true."""
    found = yaml.safe_load(path.read_text())
    return {"on" if key is True else key: value for key, value in found.items()}


def events(workflow: Parsed) -> set[str]:
    return set(workflow["on"])


def jobs() -> Iterator[tuple[str, Parsed]]:
    """Of all workflows, as `file/job`."""
    for path in WORKFLOWS:
        for name, job in parsed(path)["jobs"].items():
            yield f"{path.stem}/{name}", job


def steps() -> Iterator[tuple[str, Parsed]]:
    """Of all jobs and actions."""
    for name, job in jobs():
        yield from ((name, step) for step in job.get("steps", []))
    for path in ACTIONS:
        yield from ((path.parent.name, step) for step in parsed(path)["runs"]["steps"])


def scripts() -> Iterator[tuple[str, str]]:
    return ((name, step["run"]) for name, step in steps() if "run" in step)


def uses() -> Iterator[tuple[str, str]]:
    """What jobs and steps use."""
    return ((name, each["uses"]) for name, each in [*jobs(), *steps()] if "uses" in each)
