"""A job of a CI system beside the deployed platform, with the AWS CLI and curl as they are."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.credentials import Credentials

from local.cdktf import PROJECT
from local.emulator import REGION
from local.platform import Platform

SCRIPT = PROJECT / "ci" / "upload.sh"
TOOLS = PROJECT / ".venv-ci" / "bin"
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")

PASSING = '<testsuite name="cart"><testcase classname="cart" name="adds"/></testsuite>'
FAILING = """<testsuite name="till"><testcase classname="till" name="adds"/>
<testcase classname="till" name="pays"><failure message="expected `12`, was 13"/></testcase></testsuite>"""
BROKEN = "<testsuite><testcase"


@dataclass(frozen=True, kw_only=True)
class Job:
    """Its role may upload into one folder of the bucket and read results, and nothing else."""

    platform: Platform
    directory: Path
    environment: Mapping[str, str]
    role_arn: str

    @property
    def bucket(self) -> str:
        """Into which it uploads."""
        return self.environment["TAP_BUCKET"]

    def write(self, path: str, content: str) -> None:
        """A file in its working directory."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)

    def run(
        self, command: Sequence[str | Path], *, without: Collection[str] = (), **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the job with other variables, or `without` some of its own."""
        environment = {name: value for name, value in self.environment.items() if name not in without}
        return subprocess.run(
            command,
            cwd=self.directory,
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def upload(
        self, *arguments: str, shell: str = "sh", without: Collection[str] = (), **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ci/upload.sh."""
        return self.run([shell, SCRIPT, *arguments], without=without, **variables)

    def uploads(self) -> dict[str, Any]:
        """The metadata of what lies in the folder of its project, by key."""
        s3 = self.platform.emulator.client("s3")
        prefix = f"{self.environment['TAP_PROJECT']}/{self.environment['TAP_BUILD']}/"
        listed = s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        keys = [each["Key"] for each in listed]
        return {key: s3.head_object(Bucket=self.bucket, Key=key)["Metadata"] for key in keys}


def environment(platform: Platform, home: Path, credentials: Credentials) -> dict[str, str]:
    """The variables of a job that uses the AWS CLI and curl."""
    results_url = urlsplit(platform.access.outputs["results_url"])
    emulator = urlsplit(platform.emulator.url)
    # The emulator stands in the place of the address that the URL's name has in AWS, and has no TLS.
    (home / ".curlrc").write_text(f'connect-to = "{results_url.netloc}:80:{emulator.netloc}"\n')
    return {
        "PATH": f"{TOOLS}:{os.environ['PATH']}",
        "HOME": str(home),
        "AWS_ENDPOINT_URL": platform.emulator.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.token,
        "TAP_BUCKET": platform.access.outputs["bucket_name"],
        "TAP_RESULTS_URL": results_url._replace(scheme="http").geturl(),
    }
