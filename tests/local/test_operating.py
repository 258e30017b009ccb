"""`forget` and `reingest` in AWS, as far as they go without one."""

import os
import subprocess
import sys

import pytest

from local.cdktf import PROJECT


@pytest.mark.parametrize("command", ["forget", "reingest"])
def test_region_of_the_aws_cli_is_read(command: str) -> None:
    """AWS_REGION, which boto3 by itself does not know."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    aws = {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }
    answer = subprocess.run(
        [sys.executable, "-m", "local", command, "--environment=dev", "--project=shop"],
        cwd=PROJECT,
        env={**kept, **aws},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr == (
        "TAP: AWS refuses: Could not connect to the endpoint URL:"
        ' "http://127.0.0.1:1/2015-03-31/functions/tap-schema-dev/invocations"\n'
    )
