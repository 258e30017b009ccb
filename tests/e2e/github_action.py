"""The steps of action.yml, taken out of it and run as GitHub's runner does."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from local.cdktf import PROJECT
from tests.e2e.ci_job import Job

ACTION = PROJECT / "action.yml"


@dataclass(frozen=True, kw_only=True)
class Done:
    """What the action left behind. `outputs`: those that a workflow sees."""

    process: subprocess.CompletedProcess[str]
    outputs: dict[str, str]
    summary: str


def run_action(
    job: Job,
    inputs: Mapping[str, str],
    github: Mapping[str, Any],
    runner: Mapping[str, str],
    *,
    without: Collection[str] = (),
) -> Done:
    """Use the action in a step of a job `without` some of its variables.

    `github`: what the context of this name holds. `runner`: the variables that GitHub's runner sets.

    https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
    """
    action = yaml.safe_load(ACTION.read_text())
    [step] = action["runs"]["steps"]
    assert step.pop("shell") == "bash"
    assert set(inputs) <= set(action["inputs"])
    environment = {name: value for name, value in job.environment.items() if name not in without}
    contexts: dict[str, Any] = {"github": github, "env": environment}
    defaults = {name: _expanded(str(each.get("default", "")), contexts) for name, each in action["inputs"].items()}
    contexts["inputs"] = {**defaults, **inputs}
    files = {name: job.directory.parent / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for file in files.values():
        file.write_text("")
    script = job.directory.parent / "script.sh"
    script.write_text(step["run"])
    process = job.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
        without=without,
        **runner,
        **{name: str(file) for name, file in files.items()},
        GITHUB_ACTIONS="true",
        GITHUB_ACTION_PATH=str(PROJECT),
        **{name: _expanded(value, contexts) for name, value in step["env"].items()},
    )
    outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    contexts["steps"] = {step["id"]: {"outputs": outputs}}
    return Done(
        process=process,
        outputs={name: _expanded(each["value"], contexts) for name, each in action["outputs"].items()},
        summary=files["GITHUB_STEP_SUMMARY"].read_text(),
    )


def _expanded(text: str, contexts: Mapping[str, Any]) -> str:
    """The text with the values of its expressions, each one of contexts or several with `||`."""
    return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: _value(found[1], contexts), text)


def _value(expression: str, contexts: Mapping[str, Any]) -> str:
    for alternative in expression.split(" || "):
        value: Any = contexts
        for name in alternative.split("."):
            value = value.get(name, "") if isinstance(value, Mapping) else ""
        if value:
            break
    return str(value)
