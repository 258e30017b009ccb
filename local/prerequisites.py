"""Checks what has to be there before anything is installed: Python and Terraform. Must run under an old Python, too."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

PYTHON = (3, 11)
TERRAFORM = (1, 11, 1)  # the first release whose write-only arguments and S3-native locking work


def main() -> None:
    problems = [problem for problem in (python_problem(), terraform_problem()) if problem]
    if problems:
        sys.exit("\n".join(f"TAP: {problem}" for problem in problems))


def python_problem() -> str:
    if sys.version_info[:2] >= PYTHON:
        return ""
    return (
        f"Python {dotted(sys.version_info[:3])} is too old: install Python {dotted(PYTHON)} or later,"
        " and name it if it is not `python3` (make PYTHON=python3.12 ...)"
    )


def terraform_problem() -> str:
    remedy = f"install Terraform {dotted(TERRAFORM)} or later (https://developer.hashicorp.com/terraform/install)"
    terraform = shutil.which("terraform")
    if terraform is None:
        return f"Terraform is missing: {remedy}"
    answer = subprocess.run(
        [terraform, "version"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "CHECKPOINT_DISABLE": "1"},
        check=False,
    )
    output = answer.stdout.decode()
    found = re.search(r"Terraform v(\d+)\.(\d+)\.(\d+)", output)
    if found is None:
        return f"`terraform version` does not answer (exit code {answer.returncode}, {output.strip()!r}): {remedy}"
    numbers = tuple(int(number) for number in found.groups())
    return "" if numbers >= TERRAFORM else f"Terraform {dotted(numbers)} is too old: {remedy}"


def dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in numbers)


if __name__ == "__main__":
    main()
