"""What people and their tools look for at the root of a repository, held against what it is about."""

import configparser
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from typing import Any

import pytest

from handler.addresses import OPEN_PORT
from local.prerequisites import PYTHON, TERRAFORM
from tests.synthesis import ROOT


def read(path: str) -> str:
    return (ROOT / path).read_text()


@pytest.fixture
def pipfile() -> dict[str, Any]:
    return tomllib.loads(read("Pipfile"))


@pytest.fixture
def targets() -> set[str]:
    """Of make, those that are told of."""
    return set(re.findall(r"^([a-z-]+):.*## ", read("Makefile"), re.MULTILINE))


class TestLicence:
    def test_is_the_text_that_the_foundation_publishes(self) -> None:
        """To the byte: https://www.apache.org/licenses/LICENSE-2.0.txt."""
        digest = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
        assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == digest

    def test_is_named_where_npm_looks_for_it(self) -> None:
        named = json.loads(read("package.json")), json.loads(read("package-lock.json"))["packages"][""]
        assert [each["license"] for each in named] == ["Apache-2.0", "Apache-2.0"]


class TestPipenv:
    def test_no_index_is_named(self, pipfile: dict[str, Any]) -> None:
        """Neither here nor in the lock, which is for people with other indexes as well."""
        assert "source" not in pipfile
        assert json.loads(read("Pipfile.lock"))["_meta"]["sources"] == []
        assert "://" not in read("Pipfile.lock")

    def test_pipenv_install_takes_the_lock_as_it_is(self) -> None:
        """Where pip's settings name no index. Otherwise it would resolve everything anew, and write it down."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PIPENV_"))}
        verified = subprocess.run(
            [sys.executable, "-m", "pipenv", "verify"],
            cwd=ROOT,
            env={**environment, "PIP_CONFIG_FILE": os.devnull, "PIPENV_VERBOSITY": "-1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (verified.returncode, verified.stdout) == (0, "Pipfile.lock is up-to-date.\n")

    def test_the_environment_is_that_of_make(self, pipfile: dict[str, Any]) -> None:
        """And of `cdktf`."""
        assert pipfile["pipenv"] == {"venv_in_project": True}
        assert json.loads(read("cdktf.json"))["app"] == ".venv/bin/python main.py"

    def test_each_script_is_the_target_of_its_name(self, pipfile: dict[str, Any], targets: set[str]) -> None:
        """But for pytest, which takes arguments, and comes after the set-up that pipenv knows nothing of."""
        scripts = pipfile["scripts"]
        assert scripts.pop("pytest").startswith("sh -c 'make --silent setup && exec .venv/bin/python -m pytest ")
        assert {"setup", "check", "test", "synth"} <= scripts.keys() <= targets
        assert scripts == {name: f"make {name}" for name in scripts}


class TestEditors:
    @pytest.fixture
    def settings(self) -> configparser.ConfigParser:
        parser = configparser.ConfigParser()
        parser.read_string(f"[top]\n{read('.editorconfig')}")
        return parser

    def test_lines_of_python_are_as_long_as_the_formatter_makes_them(self, settings: configparser.ConfigParser) -> None:
        ruff = tomllib.loads(read("pyproject.toml"))["tool"]["ruff"]
        assert settings.getint("*.py", "max_line_length") == ruff["line-length"]
        assert settings.getint("*.{py,sql,mjs}", "indent_size") == 4

    def test_recipes_begin_with_tabs(self, settings: configparser.ConfigParser) -> None:
        assert settings.get("Makefile", "indent_style") == "tab"

    def test_reports_of_others_stay_as_they_are(self, settings: configparser.ConfigParser) -> None:
        """Some have no newline at their end, or blanks, and are read for just that."""
        assert set(settings["tests/reports/**"].values()) == {"unset"}
        assert settings["*"].keys() - settings["tests/reports/**"].keys() == set()


def test_the_hook_runs_what_make_check_runs() -> None:
    """And names no version of its own."""
    config = read(".pre-commit-config.yaml")
    assert re.findall(r"^ +entry: (.+)$", config, re.MULTILINE) == ["make check"]
    assert re.findall(r"repo: (.+)$", config, re.MULTILINE) == ["local"]
    assert "rev:" not in config


class TestDevContainer:
    @pytest.fixture
    def container(self) -> dict[str, Any]:
        without_comments = re.sub(r"^ *//.*$", "", read(".devcontainer/devcontainer.json"), flags=re.MULTILINE)
        found: dict[str, Any] = json.loads(without_comments)
        return found

    def test_has_what_make_asks_for(self, container: dict[str, Any]) -> None:
        python = re.fullmatch(r"mcr\.microsoft\.com/devcontainers/python:(\d+)\.(\d+)-\w+", container["image"])
        assert python
        assert tuple(map(int, python.groups())) >= PYTHON
        terraform = container["features"]["ghcr.io/devcontainers/features/terraform:1"]["version"]
        assert tuple(map(int, terraform.split("."))) >= TERRAFORM

    def test_sets_itself_up(self, container: dict[str, Any], targets: set[str]) -> None:
        make, target = container["postCreateCommand"].split()
        assert (make, target in targets) == ("make", True)

    def test_shows_the_pages(self, container: dict[str, Any]) -> None:
        """Under the port that their addresses have."""
        assert container["forwardPorts"] == [OPEN_PORT]
        assert container["portsAttributes"].keys() == {str(OPEN_PORT)}

    def test_is_not_root(self, container: dict[str, Any]) -> None:
        """PostgreSQL would not start."""
        assert container["remoteUser"] == "vscode"


def test_every_owner_is_a_team() -> None:
    """GitHub would skip the line."""
    lines = [line for line in read(".github/CODEOWNERS").splitlines() if line and not line.startswith("#")]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"\S+( +@[\w-]+/[\w-]+)+", line)] == []
