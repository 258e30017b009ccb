"""The scripts that the workflows of this repository run."""

from __future__ import annotations

import fcntl
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.cdktf import PROJECT
from local.emulator import clean_environment
from tests.ci.helpers.tools import tool

SCRIPTS = sorted((PROJECT / ".ci").iterdir())
PREVIOUS = "tap-vpc-staging"


def run(name: str, *arguments: str | Path, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROJECT / ".ci" / name, *arguments],
        cwd=directory,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    assert tool("shellcheck", script) == ""


class TestAbandoned:
    @pytest.fixture
    def numbers(self, tmp_path: Path) -> Any:
        def answer(keys: str, wanted: str = "") -> Any:
            (tmp_path / "keys").write_text("".join(f"{key}\n" for key in keys.split()))
            (tmp_path / "wanted").write_text("".join(f"{number}\n" for number in wanted.split()))
            return json.loads(run("abandoned", "keys", "wanted", directory=tmp_path).stdout)

        return answer

    def test_those_without_an_open_pull_request(self, numbers: Any) -> None:
        """Each once, whatever of it is left."""
        keys = "pr2/s3.tfstate pr10/rds.tfstate pr10/s3.tfstate.tflock pr3/s3.tfstate"
        assert numbers(keys, wanted="3 11") == [2, 10]
        assert numbers(keys) == [2, 3, 10]

    def test_none(self, numbers: Any) -> None:
        """Of an empty bucket, the AWS CLI says None."""
        assert numbers("") == numbers("None") == numbers("pr3/s3.tfstate", wanted="3") == []

    def test_no_other_environment(self, numbers: Any) -> None:
        """Not even one whose name begins like theirs."""
        keys = "prod/s3.tfstate staging/pr7/s3.tfstate pr/s3.tfstate pr0/a pr7x/a pr-7/a pr07/a preview/a account/pr7/a"
        assert numbers(keys) == []

    def test_a_list_that_is_missing_is_no_empty_list(self, tmp_path: Path) -> None:
        """Or all of them would go."""
        (tmp_path / "keys").write_text("pr3/s3.tfstate\n")
        done = run("abandoned", "keys", "wanted", directory=tmp_path)
        assert (done.returncode != 0, done.stdout) == (True, "")


class TestReleaseNotes:
    @pytest.fixture
    def changelog(self, tmp_path: Path) -> Path:
        path = tmp_path / "CHANGELOG.md"
        path.write_text(
            "# Changelog\n\n## [Unreleased]\n\n## [1.10.0] - 2026-12-01\n\n### Added\n\n- Pages.\n\n"
            "## [1.1.0] - 2026-11-01\n\n- First.\n\n[1.1.0]: https://example.com/1.1.0\n"
        )
        return path

    def test_are_the_section_of_the_release(self, changelog: Path) -> None:
        notes = {
            tag: run("release-notes", tag, changelog, directory=changelog.parent).stdout
            for tag in ("v1.10.0", "v1.1.0")
        }
        assert notes == {"v1.10.0": "### Added\n\n- Pages.\n", "v1.1.0": "- First.\n"}

    @pytest.mark.parametrize("tag", ["v1.1", "v1.1.00", "v2.0.0", "v1.1.0-rc.1", "vUnreleased"])
    def test_without_a_section_there_is_no_release(self, changelog: Path, tag: str) -> None:
        """Nor with an empty one; and no character of a tag stands for another."""
        done = run("release-notes", tag, changelog, directory=changelog.parent)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"says nothing of {tag.removeprefix('v')}: give it a section" in done.stderr


class TestPlan:
    @pytest.fixture
    def project(self, tmp_path: Path) -> Path:
        """In which the stack before the others is deployed."""
        self.stack(tmp_path, PREVIOUS, output={"cross-stack-output-id": {"value": "vpc"}})
        for command in (["init"], ["apply", "-auto-approve"]):
            directory = tmp_path / "cdktf.out/stacks" / PREVIOUS
            subprocess.run(
                ["terraform", *command], cwd=directory, env=clean_environment(), capture_output=True, check=True
            )
        return tmp_path

    @staticmethod
    def stack(project: Path, name: str, **contents: Any) -> None:
        directory = project / "cdktf.out/stacks" / name
        directory.mkdir(parents=True)
        backend = {"local": {"path": f"../../../terraform.{name}.tfstate"}}
        (directory / "cdk.tf.json").write_text(json.dumps({"terraform": {"backend": backend}, **contents}, indent=2))

    @classmethod
    def consumer(cls, project: Path, name: str, *, of: str, output: str) -> None:
        config = {"path": f"../../../terraform.{of}.tfstate"}
        cls.stack(
            project,
            name,
            data={"terraform_remote_state": {"before": {"backend": "local", "config": config}}},
            resource=resource(f"${{data.terraform_remote_state.before.outputs.{output}}}"),
        )

    @staticmethod
    def plan(project: Path) -> subprocess.CompletedProcess[str]:
        stacks = sorted((project / "cdktf.out/stacks").iterdir())
        return run("plan", *(stack.relative_to(project) for stack in stacks), directory=project)

    def test_says_what_changes_and_what_does_not(self, project: Path) -> None:
        self.consumer(project, "tap-rds-staging", of=PREVIOUS, output="cross-stack-output-id")
        done = self.plan(project)
        assert done.returncode == 0
        summary = "<code>tap-rds-staging</code>: Plan: 1 to add, 0 to change, 0 to destroy.</summary>\n\n```diff\n"
        assert summary in done.stdout
        assert '\n+       input  = "vpc"\n' in done.stdout
        assert done.stdout.endswith(f"```\n\n</details>\n\nNo changes: `{PREVIOUS}`\n")
        assert "::group::tap-rds-staging\n" in done.stderr

    @pytest.mark.parametrize(
        ("before", "output"), [("tap-s3-staging", "cross-stack-output-id"), (PREVIOUS, "cross-stack-output-new")]
    )
    def test_what_reads_what_is_not_deployed_waits(self, project: Path, before: str, output: str) -> None:
        """A whole environment at first, or an output that is new: no fault of the change."""
        self.consumer(project, "tap-rds-staging", of=before, output=output)
        done = self.plan(project)
        assert done.returncode == 0
        assert "<code>tap-rds-staging</code>: waits for the stacks before it</summary>" in done.stdout

    def test_what_cannot_be_planned_fails(self, project: Path) -> None:
        """After all the others were."""
        self.stack(project, "tap-iam-staging", resource=resource('${file("none")}'))
        done = self.plan(project)
        assert done.returncode == 1
        assert "<code>tap-iam-staging</code>: <b>fails</b></summary>" in done.stdout
        assert "Error: Invalid function argument" in done.stdout
        assert done.stdout.endswith(f"No changes: `{PREVIOUS}`\n")

    def test_fits_into_a_comment(self, project: Path) -> None:
        """Whole lines of what comes first, and every stack is named. Nothing ends the fence."""
        for name in ("tap-iam-staging", "tap-lambda-staging", "tap-s3-staging"):
            self.stack(project, name, resource=resource("```\n" + "ü" * 1000 + "\n" + "line\n" * 8000))
        done = self.plan(project)
        assert done.returncode == 0
        assert 60_000 < len(done.stdout.encode()) < 65_000
        assert done.stdout.count("1 to add") >= 3
        assert done.stdout.count("\n... the rest is in the log of the job\n```\n\n</details>\n") == 3
        assert done.stdout.count("```") == 6

    def test_writes_no_state(self, project: Path) -> None:
        """And takes no lock: a deploy of that environment may be under way."""
        self.stack(project, "tap-s3-staging", resource=resource("uploads"))
        before = {path.name for path in project.glob("*.tfstate*")}
        with (project / f"terraform.{PREVIOUS}.tfstate").open("r+") as state:
            fcntl.lockf(state, fcntl.LOCK_EX)
            done = self.plan(project)
        assert done.returncode == 0
        assert {path.name for path in project.glob("*.tfstate*")} == before == {f"terraform.{PREVIOUS}.tfstate"}


def resource(value: str) -> Any:
    return {"terraform_data": {"one": {"input": value}}}
