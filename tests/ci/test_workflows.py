"""The workflows of this repository are clean, and may do no more than they have to."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from local.cdktf import PROJECT
from local.prerequisites import TERRAFORM
from stacks.settings import Settings
from tests.ci.helpers import workflows
from tests.ci.helpers.tools import tool, validate
from tests.ci.helpers.workflows import ACTIONS, WORKFLOWS, events, jobs, parsed, scripts, steps, uses

JOBS = dict(jobs())
RUNNING = {name: job for name, job in JOBS.items() if "runs-on" in job}
TARGETS = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)


def conditions(name: str) -> str:
    """Of a job and of those that it needs."""
    file, _, _ = name.partition("/")
    needs = JOBS[name].get("needs", [])
    earlier = [needs] if isinstance(needs, str) else needs
    return " ".join([JOBS[name].get("if", ""), *(conditions(f"{file}/{each}") for each in earlier)])


def with_role(*, event: str | None = None) -> list[str]:
    """The jobs that can take a role in AWS, of workflows that begin by themselves or by this event."""
    beginning = [path.stem for path in WORKFLOWS if events(parsed(path)) - {"workflow_call"}]
    if event:
        beginning = [path.stem for path in WORKFLOWS if event in events(parsed(path))]
    return [
        name
        for name, job in JOBS.items()
        if name.partition("/")[0] in beginning and "id-token" in job.get("permissions", {})
    ]


def test_actionlint_finds_nothing() -> None:
    """With all its checks, and with shellcheck of what is run."""
    assert tool("jactionlint", "--strict-exit") == ""


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_as_its_schema_says(path: Path) -> None:
    validate(parsed(path), "github-workflows")


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.parent.name)
def test_action_is_as_its_schema_says(path: Path) -> None:
    validate(parsed(path), "github-actions")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_permission_is_for_all_jobs(path: Path) -> None:
    """Each has its own."""
    assert parsed(path)["permissions"] == {}


@pytest.mark.parametrize("name", JOBS)
def test_each_job_has_the_permissions_that_it_needs(name: str) -> None:
    """And only one, of a release, may write to the repository."""
    permissions = JOBS[name]["permissions"]
    writes = {scope for scope, access in permissions.items() if access == "write"} - {"id-token"}
    assert writes == {"release/release": {"contents"}, "plan/comment": {"pull-requests"}}.get(name, set())
    assert set(permissions.values()) <= {"read", "write"}


@pytest.mark.parametrize("name", RUNNING)
def test_each_job_has_an_end(name: str) -> None:
    """GitHub's own is after six hours."""
    assert 0 < RUNNING[name]["timeout-minutes"] <= 140


def test_nothing_is_put_into_a_script() -> None:
    """A branch may be named like a command: what a script is told, it reads in its environment."""
    assert [(name, script) for name, script in scripts() if "${{" in script] == []


def test_no_workflow_lends_its_rights_to_a_fork() -> None:
    """These two events run with those of the base, on what comes from outside."""
    assert [path.name for path in WORKFLOWS if events(parsed(path)) & {"pull_request_target", "workflow_run"}] == []


def test_each_action_of_others_is_pinned() -> None:
    """By its commit, with the release in a comment, the same everywhere."""
    pins: dict[str, set[str]] = {}
    for path in [*WORKFLOWS, *ACTIONS]:
        for line in re.findall(r"uses: (.+)$", path.read_text(), re.MULTILINE):
            if not line.startswith("./"):
                pinned = re.fullmatch(r"([\w./-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", line)
                assert pinned, line
                pins.setdefault(pinned[1], set()).add(pinned[2])
    assert [pin for pin in pins.values() if len(pin) != 1] == []
    assert pins.keys() == {
        "actions/cache",
        "actions/checkout",
        "actions/setup-python",
        "aws-actions/configure-aws-credentials",
        "hashicorp/setup-terraform",
    }


def test_no_checkout_leaves_a_token_behind() -> None:
    checkouts = [step for _, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert [step for step in checkouts if step["with"]["persist-credentials"] is not False] == []


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_one_environment_is_changed_once_at_a_time(command: str) -> None:
    """And nobody cancels that: it would leave a lock."""
    changing = {name for name, script in scripts() if f"cdktf {command}" in script}
    assert len(changing) == 1
    [job] = [JOBS[name] for name in changing]
    suffix = job["env"]["ENVIRONMENT_SUFFIX"]
    assert job["concurrency"] == {"group": f"environment-{suffix}", "cancel-in-progress": False}


@pytest.mark.parametrize("name", with_role())
def test_without_a_role_nothing_is_red(name: str) -> None:
    """A fork has no variables: its jobs that would take a role are skipped."""
    assert re.search(r"vars\.AWS_(DEPLOY|PLAN|PREVIEW)_ROLE != ''", conditions(name))


@pytest.mark.parametrize("name", with_role(event="pull_request"))
def test_forks_get_no_role(name: str) -> None:
    assert "github.event.pull_request.head.repo.full_name == github.repository" in conditions(name)


def test_previews_have_a_role_of_their_own() -> None:
    """And never that of the other environments, nor these the preview's, even if one of the two is missing."""
    [role] = [
        step["with"]["role"]
        for name, step in steps()
        if name == "deploy-environment/deploy" and step.get("uses") == "./.github/actions/aws"
    ]
    is_preview, not_preview, nothing = role.removeprefix("${{ ").removesuffix(" }}").split(" || ")
    assert is_preview == "inputs.environment == 'preview' && vars.AWS_PREVIEW_ROLE"
    assert not_preview == "inputs.environment != 'preview' && vars.AWS_DEPLOY_ROLE"
    assert nothing == "''"


def test_prod_asks_somebody() -> None:
    """After staging has it. GitHub asks only where the environment has reviewers."""
    assert JOBS["deploy/staging"]["needs"] == "test"
    assert JOBS["deploy/approval"]["needs"] == "staging"
    assert JOBS["deploy/prod"]["needs"] == "approval"
    assert JOBS["deploy/prod"]["if"] == "needs.approval.outputs.required == 'true'"
    assert JOBS["deploy/prod"]["with"]["environment"] == "prod"


def test_only_previews_are_destroyed() -> None:
    """Of the number of a pull request, by a job that takes nothing else."""
    assert parsed(workflows.ROOT / "workflows/destroy-preview.yml")["on"]["workflow_call"]["inputs"].keys() == {
        "number"
    }
    assert JOBS["destroy-preview/destroy"]["env"]["ENVIRONMENT_SUFFIX"] == "pr${{ inputs.number }}"
    assert JOBS["preview/deploy"]["with"]["suffix"] == "pr${{ github.event.pull_request.number }}"
    [environment] = Settings.read({"ENVIRONMENT_SUFFIX": "pr4294967296"}, {}).environments
    assert environment.disposable


def test_each_target_is_one_of_make() -> None:
    called = {target for _, script in scripts() for target in re.findall(r"\bmake(?: --touch)? ([a-z-]+)", script)}
    assert {"check", "test", "synth", "package", "setup"} == called
    assert called <= set(TARGETS)


def test_a_change_is_held_against_what_ci_runs() -> None:
    """.ci/run says it as well."""
    runs = [script for name, script in scripts() if name in {"ci/check", "ci/test"}]
    assert runs == re.findall(r"^make .+$", (PROJECT / ".ci/run").read_text(), re.MULTILINE)


def test_each_file_that_is_named_exists() -> None:
    local = {use for _, use in uses() if use.startswith("./")}
    assert [
        use for use in local if not (PROJECT / use / "action.yml").is_file() and not (PROJECT / use).is_file()
    ] == []
    named = {path for _, script in scripts() for path in re.findall(r"(?:\.ci|docs)/[\w-]+(?:\.md)?", script)}
    assert {".ci/abandoned", ".ci/plan", ".ci/release-notes"} < named
    assert [path for path in named if not (PROJECT / path).is_file()] == []
    assert [path for path in named if path.startswith(".ci/") and not os.access(PROJECT / path, os.X_OK)] == []


def test_the_tools_are_those_of_the_dev_container() -> None:
    container = (PROJECT / ".devcontainer/devcontainer.json").read_text()
    inputs = {key: value for _, step in steps() for key, value in step.get("with", {}).items()}
    assert f"devcontainers/python:{inputs['python-version']}-" in container
    assert f'"version": "{inputs["terraform_version"]}"' in container
    assert tuple(map(int, inputs["terraform_version"].split("."))) >= TERRAFORM


def test_each_variable_is_documented() -> None:
    text = "".join(path.read_text() for path in WORKFLOWS)
    documented = (PROJECT / "docs/continuous-deployment.md").read_text()
    variables = set(re.findall(r"\bvars\.(\w+)", text))
    assert {"AWS_DEPLOY_ROLE", "AWS_REGION", "TF_STATE_BUCKET"} < variables
    assert [name for name in variables if f"| `{name}` |" not in documented] == []
    environments = {job["environment"] for job in JOBS.values() if "environment" in job} - {"${{ inputs.environment }}"}
    assert [name for name in environments if f"| `{name}` |" not in documented] == []
