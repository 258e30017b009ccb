"""What others run in their CI is clean, and is what the templates say that it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cdktf import PROJECT
from tests.ci.helpers.tools import tool, validate

SCRIPT, ACTION, TEMPLATE = PROJECT / "ci" / "upload.sh", PROJECT / "action.yml", PROJECT / "ci" / "gitlab.yml"
README = (PROJECT / "README.md").read_text()


def example(language: str, contents: str) -> Any:
    """The example of the README that has these contents."""
    [found] = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if contents in text]
    return found


def test_shellcheck_finds_nothing() -> None:
    assert tool("shellcheck", SCRIPT) == ""


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "ksh"])
def test_shellcheck_finds_nothing_that_a_shell_lacks(shell: str) -> None:
    """Whichever runs it: what one of them does not know, or reads otherwise."""
    assert tool("shellcheck", "--shell", shell, SCRIPT) == ""


def test_actionlint_finds_nothing_in_the_action() -> None:
    """With all its checks, of scripts and of inputs that would be run as code."""
    assert tool("jactionlint", "--strict-exit", ACTION) == ""


def test_actionlint_finds_nothing_in_the_example(tmp_path: Path) -> None:
    """Its inputs are those of the action."""
    text = example("yaml", "uses: example/tap@v1").replace("example/tap@v1", "./.github/actions/tap")
    job = yaml.safe_load(text)
    job["steps"].insert(0, {"uses": "actions/checkout@v6"})
    workflow = {"on": "push", "jobs": {"test": {"runs-on": "ubuntu-latest", **job}}}
    workflows, action = tmp_path / ".github/workflows", tmp_path / ".github/actions/tap"
    for directory in (tmp_path / ".git", workflows, action):
        directory.mkdir(parents=True)
    (action / "action.yml").write_text(ACTION.read_text())
    (workflows / "test.yml").write_text(yaml.safe_dump(workflow))
    assert tool("jactionlint", "--profile", "correctness", "--strict-exit", directory=tmp_path) == ""


@pytest.mark.parametrize(("file", "name"), [(ACTION, "github-actions"), (TEMPLATE, "gitlab-ci")])
def test_file_is_as_its_schema_says(file: Path, name: str) -> None:
    validate(yaml.safe_load(file.read_text()), name)


def test_example_for_gitlab_is_as_its_schema_says() -> None:
    """With variables that the script reads."""
    pipeline = yaml.safe_load(example("yaml", "extends: .tap-upload"))
    validate(pipeline, "gitlab-ci")
    script = SCRIPT.read_text()
    assert [name for name in pipeline["tap-upload"]["variables"] if name not in script] == []


def test_template_holds_the_script() -> None:
    """`make ci/gitlab.yml` puts it there."""
    [command, _] = yaml.safe_load(TEMPLATE.read_text())[".tap-upload"]["script"]
    _, _, written = command.partition("<<'END_OF_UPLOAD_SH'\n")
    assert written == f"{SCRIPT.read_text()}END_OF_UPLOAD_SH\n"


def test_script_runs_as_a_program() -> None:
    assert SCRIPT.stat().st_mode & 0o111
