"""What has to be on this machine."""

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from local.cdktf import PROJECT
from local.doctor.finding import Finding, Mark
from local.prerequisites import PYTHON, TERRAFORM, dotted, python_problem, terraform_problem
from stacks.function_package import find_function_package
from stacks.settings import SettingsError

_CDKTF = Path("node_modules", "cdktf-cli", "package.json")
_VERSION = re.compile(r"\d+\.\d+\.\d+")


def tools(project: Path = PROJECT) -> Iterator[Finding]:
    """Python, Terraform, node, cdktf, the AWS CLI, and the function's package, of the project in a folder."""
    yield _tool("Python", platform.python_version(), python_problem(), least=PYTHON)
    terraform = shutil.which("terraform")
    yield _tool("Terraform", _version_of(terraform, "version"), terraform_problem(), least=TERRAFORM)
    yield _node(project)
    yield _cdktf(project)
    yield _aws_cli()
    yield _package()


def _tool(name: str, version: str | None, problem: str, *, least: tuple[int, ...]) -> Finding:
    if problem:
        return Finding(check=name, mark=Mark.STOP, found=version or "missing", advice=f"{problem}.")
    return Finding(check=name, mark=Mark.OK, found=f"{version} ({dotted(least)} or later is needed)")


def _node(project: Path) -> Finding:
    own, found = project / ".venv" / "bin" / "node", shutil.which("node")
    if not own.exists():
        return Finding(
            check="node", mark=Mark.STOP, found="missing in .venv", advice="Install the tools.", lines=("make setup",)
        )
    version = _version_of(str(own), "--version") or "without a version"
    if found is None or Path(found).parent.resolve() != own.parent.resolve():
        return Finding(
            check="node",
            mark=Mark.NOTE,
            found=f"{version} in .venv; your shell finds {'none' if found is None else 'another one'}",
            advice="In the shell that deploys, use the project's.",
            lines=("source .venv/bin/activate",),
        )
    return Finding(check="node", mark=Mark.OK, found=f"{version} in .venv")


def _cdktf(project: Path) -> Finding:
    try:
        version = json.loads((project / _CDKTF).read_text())["version"]
    except FileNotFoundError:
        return Finding(
            check="cdktf",
            mark=Mark.STOP,
            found="missing in node_modules",
            advice="Install the tools.",
            lines=("make setup",),
        )
    return Finding(check="cdktf", mark=Mark.OK, found=f"{version} in node_modules")


def _aws_cli() -> Finding:
    version = _version_of(shutil.which("aws"), "--version")
    if version:
        return Finding(check="AWS CLI", mark=Mark.OK, found=version)
    return Finding(
        check="AWS CLI",
        mark=Mark.NOTE,
        found="missing",
        advice="A deploy works without it; the commands below, and those of the documentation, are its own.",
    )


def _package() -> Finding:
    name = "Function's package"
    try:
        path = find_function_package("aws").path
    except SettingsError:
        return Finding(
            check=name, mark=Mark.NOTE, found="not built yet", advice="Build it for Lambda.", lines=("make package",)
        )
    return Finding(check=name, mark=Mark.OK, found=f"dist/{path.name}")


def _version_of(tool: str | None, argument: str) -> str | None:
    """What the tool says of its version; None if it is missing or does not start."""
    if tool is None:
        return None
    try:
        answer = subprocess.run(
            [tool, argument],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "CHECKPOINT_DISABLE": "1"},  # or Terraform asks its makers for a newer one
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(answer.stdout)
    return version[0] if version else None
