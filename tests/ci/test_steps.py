"""What single steps of the workflows do, run as they stand there."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ci.helpers import gh
from tests.ci.helpers.workflows import scripts

COMMENTS = "repos/acme/tap/issues/42/comments"
ENVIRONMENT = "repos/acme/tap/environments/prod"
MARKER = "<!-- tap: plan -->"
BOT = "github-actions[bot]"

needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="gh brings jq along, what stands in for it does not")


class GitHub:
    """A runner with a repository."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._answers = directory / "answers.json"
        self.outputs = directory / "outputs"
        program = directory / "gh"
        command = shlex.join([sys.executable, str(Path(gh.__file__)), str(self._answers)])
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)

    def holds(self, answers: dict[str, Any]) -> None:
        self._answers.write_text(json.dumps(answers))

    def comments(self) -> list[str]:
        return [comment["body"] for comment in json.loads(self._answers.read_text())[COMMENTS]]

    def run(self, job: str, *, contains: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The script of a job that contains this, as GitHub runs it."""
        [script] = [script for name, script in scripts() if name == job and contains in script]
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self._directory,
            env={
                "PATH": f"{self._directory}:/usr/bin:/bin",
                "GITHUB_REPOSITORY": "acme/tap",
                "GITHUB_OUTPUT": str(self.outputs),
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def github(tmp_path: Path) -> GitHub:
    return GitHub(tmp_path)


@needs_jq
class TestComment:
    @staticmethod
    def write(github: GitHub, text: str) -> None:
        done = github.run(
            "plan/comment",
            contains="gh api",
            COMMENT=text,
            COMMENTS=COMMENTS,
            ONE_COMMENT="repos/acme/tap/issues/comments",
        )
        assert done.returncode == 0, done.stderr

    def test_is_written_once_and_then_changed(self, github: GitHub) -> None:
        github.holds({COMMENTS: []})
        self.write(github, "### Plan\n\n$(exit 1) `exit 1` \"'\\n")
        assert github.comments() == [f"{MARKER}\n### Plan\n\n$(exit 1) `exit 1` \"'\\n\n"]
        self.write(github, "### Plan")
        assert github.comments() == [f"{MARKER}\n### Plan\n"]

    def test_leaves_those_of_others_alone(self, github: GitHub) -> None:
        """Also what another job wrote, and what somebody made look like it."""
        others = [(BOT, "### Tests"), ("mallory", f"{MARKER}\nAll is well."), (BOT, f"See {MARKER}")]
        mine = (BOT, f"{MARKER}\nOld")
        written = [
            {"id": number, "user": {"login": who}, "body": body}
            for number, (who, body) in enumerate([*others, mine], 1)
        ]
        github.holds({COMMENTS: written})
        self.write(github, "New")
        assert github.comments() == [*(body for _, body in others), f"{MARKER}\nNew\n"]


@needs_jq
class TestApproval:
    @pytest.mark.parametrize("rules", [None, [], [{"type": "branch_policy"}, {"type": "wait_timer"}]])
    def test_without_reviewers_prod_is_left_alone(self, github: GitHub, rules: Any) -> None:
        """Nothing is red, and people are told."""
        github.holds({} if rules is None else {ENVIRONMENT: {"protection_rules": rules}})
        done = github.run("deploy/approval", contains="gh api")
        assert (done.returncode, github.outputs.exists()) == (0, False)
        assert "::notice::prod is left alone" in done.stdout

    def test_with_reviewers_they_are_asked(self, github: GitHub) -> None:
        rules = [{"type": "branch_policy"}, {"type": "required_reviewers"}]
        github.holds({ENVIRONMENT: {"protection_rules": rules}})
        assert github.run("deploy/approval", contains="gh api").returncode == 0
        assert github.outputs.read_text() == "required=true\n"


@pytest.mark.parametrize("missing", [None, "ROLE", "REGION", "TF_STATE_BUCKET"])
def test_no_deploy_begins_with_half_of_the_settings(github: GitHub, missing: str | None) -> None:
    """Without a bucket, its states would be gone with the machine."""
    variables = {"ROLE": "arn", "REGION": "eu-central-1", "TF_STATE_BUCKET": "tap-state"}
    done = github.run("aws", contains="exit 1", **{**variables, **({missing: ""} if missing else {})})
    assert done.returncode == (1 if missing else 0)
    assert ("docs/continuous-deployment.md" in done.stdout) is bool(missing)
