"""Terraform itself, run on what was synthesized."""

import subprocess

from local.cdktf import Cdktf


def terraform(cdktf: Cdktf, stack: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Terraform in the folder of a stack."""
    return subprocess.run(
        ["terraform", *arguments],
        cwd=cdktf.directory / "cdktf.out" / "stacks" / stack,
        env=cdktf.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def text_of(answer: subprocess.CompletedProcess[str]) -> str:
    """All that Terraform said, in one line and without the frames around its errors."""
    return " ".join((answer.stdout + answer.stderr).replace("│", " ").split())
