"""Runs checkov over synthesized Terraform JSON, and holds what it finds against the reviewed exceptions."""

import json
import os
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHECKOV = ROOT / ".venv-security" / "bin" / "checkov"
EXCEPTIONS = Path(__file__).with_name("checkov-exceptions.toml")


@dataclass(frozen=True, order=True, kw_only=True)
class Finding:
    """One rule that one resource breaks. `resource` is its path among the constructs: it names the stack as well."""

    rule: str
    resource: str
    title: str

    def __str__(self) -> str:
        return f"{self.rule} {self.resource}: {self.title}"


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What one run of checkov saw."""

    checks: Counter[str]
    """How many checks passed or failed, by stack."""
    findings: Sequence[Finding]
    unparsed: Sequence[str]
    """Files that checkov could not read, which it leaves out and forgives."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A finding that was reviewed and stays: `resource` is a path, with `*` for any characters."""

    rule: str
    resource: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        return self.rule == finding.rule and fnmatchcase(finding.resource, self.resource)


def scan(synthesized: Path) -> Scan:
    """Let checkov read all stacks in the folder. It asks no network: neither for rules nor for its maker's platform."""
    command = [
        str(CHECKOV),
        "--directory=.",
        "--framework=terraform_json",
        "--download-external-modules=false",
        "--skip-download",
        "--output=json",
        "--compact",
        "--soft-fail",  # what counts as a failure is decided here
    ]
    # checkov asks for nothing that the shell knows: no key of its platform, no log level that fills the output.
    surroundings = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
    answer = subprocess.run(
        command, cwd=synthesized / "stacks", env=surroundings, check=True, capture_output=True, text=True
    )
    return read(json.loads(answer.stdout), synthesized)


def read(report: dict[str, object], synthesized: Path) -> Scan:
    """checkov's report. Of several frameworks it would be a list, and of a folder without Terraform a bare summary."""
    assert report.get("check_type") == "terraform_json", f"checkov found no Terraform JSON: {report}"
    results = report["results"]
    assert isinstance(results, dict)
    records = [*results["passed_checks"], *results["failed_checks"]]
    paths = _construct_paths(synthesized)
    return Scan(
        checks=Counter(_stack(record) for record in records),
        findings=sorted(
            {
                Finding(
                    rule=record["check_id"],
                    resource=paths[_stack(record), record["resource"].rpartition(".")[2]],
                    title=record["check_name"],
                )
                for record in results["failed_checks"]
            }
        ),
        unparsed=results["parsing_errors"],
    )


def load_exceptions() -> list[Accepted]:
    """The reviewed list, one entry for each rule and resource."""
    return [
        Accepted(rule=rule, resource=resource, reason=entry["reason"])
        for rule, entry in tomllib.loads(EXCEPTIONS.read_text()).items()
        for resource in entry["resources"]
    ]


def unexpected(findings: Iterable[Finding], exceptions: Sequence[Accepted]) -> list[str]:
    """The findings that no exception covers, one readable line each."""
    return [str(finding) for finding in findings if not any(accepted.covers(finding) for accepted in exceptions)]


def stale(findings: Sequence[Finding], exceptions: Iterable[Accepted]) -> list[str]:
    """The exceptions that cover nothing: what they excused is mended or gone, and the next such fault is not."""
    return [
        f"{accepted.rule} {accepted.resource}"
        for accepted in exceptions
        if not any(accepted.covers(finding) for finding in findings)
    ]


def _stack(record: dict[str, str]) -> str:
    return Path(record["file_path"]).parts[1]


def _construct_paths(synthesized: Path) -> dict[tuple[str, str], str]:
    """By stack and generated id, the path of every block. checkov names some blocks without their type."""
    return {
        (file.parent.name, name): block["//"]["metadata"]["path"]
        for file in synthesized.glob("stacks/*/cdk.tf.json")
        for mode in ("data", "resource")
        for blocks in json.loads(file.read_text()).get(mode, {}).values()
        for name, block in blocks.items()
        if "//" in block  # a remote state has none
    }
