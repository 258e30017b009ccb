"""`open` as a process: it finds the environment, serves its pages until Ctrl-C, or says in one sentence why not."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from local.cdktf import PROJECT
from local.processes import free_port
from tests.local.helpers.small_aws import ACCOUNT, NAME, PAGE, REGION, Reply, SmallAws, refusal, small_aws
from tests.local.test_running import make

PLACE = f"account {ACCOUNT}, region {REGION}"
DENIED = (
    f"your AWS credentials may not use {NAME} in {PLACE}: have the policy attached to them that the output"
    " results_reader_policy_arn names, or look at another environment"
)


@pytest.fixture
def aws() -> Iterator[SmallAws]:
    with small_aws() as server:
        yield server


def environment(aws: SmallAws, directory: Path) -> dict[str, str]:
    """A viewer's, and nothing of whoever runs these tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    files = {
        "AWS_CONFIG_FILE": str(directory / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(directory / "credentials"),
    }
    return {**kept, **files, **aws.environment(), "AWS_EC2_METADATA_DISABLED": "true"}


def run_open(*arguments: str, environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Its exit code, output and errors; it must end by itself."""
    answer = subprocess.run(
        [sys.executable, "-m", "local", "open", "--no-browser", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return answer.returncode, answer.stdout, answer.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_pages_are_served_until_it_is_interrupted(aws: SmallAws, tmp_path: Path, number: signal.Signals) -> None:
    """Also while a page is being made; the browser is opened; and nobody serves afterwards."""
    port = free_port()
    opened, browser = tmp_path / "opened", tmp_path / "browser.py"
    browser.write_text(
        f"import os, sys\nwith open('{opened}~', 'w') as file:\n    file.write(sys.argv[1])\n"
        f"os.rename('{opened}~', '{opened}')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "local", "open", "--environment=dev", f"--port={port}"],
        cwd=PROJECT,
        env={**environment(aws, tmp_path), "BROWSER": f"{sys.executable} {browser} %s"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            lines = [process.stdout.readline() for _ in range(5)]
            assert lines == [
                f"The results of dev ({PLACE}), read with your AWS credentials:\n",
                "\n",
                f"  http://127.0.0.1:{port}\n",
                "\n",
                "Ctrl-C ends it.\n",
            ]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/runs/1") as answer:
                assert answer.read() == PAGE
            while not opened.exists():
                assert process.poll() is None
            assert opened.read_text() == f"http://127.0.0.1:{port}"
            aws.delay.clear()
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                while len(aws.requests) < 2:
                    pass
                process.send_signal(number)
                output, errors = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, output, errors) == (130, "Nothing is served any more.\n", "")
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize(
    ("looked_up", "sentence"),
    [
        (
            refusal("ResourceNotFoundException", "The resource you requested does not exist.", 404),
            f"there is no {NAME} in {PLACE}: check ENVIRONMENT_SUFFIX, AWS_PROFILE and AWS_REGION, or deploy it",
        ),
        (refusal("AccessDeniedException", "User: x is not authorized to perform: y"), DENIED),
        (
            refusal("ExpiredTokenException", "The security token included in the request is expired"),
            "your AWS credentials have expired: sign in again (`aws sso login`), and try again",
        ),
        (
            refusal("UnrecognizedClientException", "The security token included in the request is invalid."),
            "AWS does not know these credentials: check AWS_PROFILE, or the keys that are set",
        ),
        (
            refusal("ValidationException", "1 validation error", 400),
            f"AWS answers for {NAME}: ValidationException 1 validation error",
        ),
    ],
)
def test_what_aws_refuses(aws: SmallAws, tmp_path: Path, looked_up: Reply, sentence: str) -> None:
    aws.looked_up = looked_up
    answer = run_open(f"--port={free_port()}", environment=environment(aws, tmp_path))
    assert answer == (1, "", f"TAP: {sentence}\n")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
            "there are no AWS credentials: name your profile in AWS_PROFILE, or sign in (`aws sso login`)",
        ),
        (
            {"AWS_SECRET_ACCESS_KEY": None},
            "the AWS credentials cannot be had: Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY",
        ),
        (
            {"AWS_PROFILE": "nobody"},
            "the AWS credentials cannot be had: The config profile (nobody) could not be found",
        ),
        ({"AWS_REGION": None}, "no AWS region is set: set AWS_REGION, or `region` in your AWS profile"),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            "AWS cannot be reached: check the network and its proxy (Could not connect to the endpoint URL:"
            f' "http://127.0.0.1:1/2021-10-31/functions/{NAME}/url")',
        ),
    ],
)
def test_what_is_missing_here(aws: SmallAws, tmp_path: Path, changes: Mapping[str, str | None], sentence: str) -> None:
    variables = {**environment(aws, tmp_path), **changes}
    answer = run_open(
        f"--port={free_port()}", environment={name: value for name, value in variables.items() if value is not None}
    )
    assert answer == (1, "", f"TAP: {sentence}\n")


def test_port_that_is_taken(aws: SmallAws, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, output, errors = run_open(f"--port={port}", environment=environment(aws, tmp_path))
    assert (code, output) == (1, "")
    assert errors == (
        f"TAP: port {port} of this machine is taken: end the other `make open` or `make local` with Ctrl-C, or take"
        " another port (`python -m local open --port`)\n"
    )


def test_name_that_no_function_has(aws: SmallAws, tmp_path: Path) -> None:
    answer = run_open("--environment", "x" * 64, f"--port={free_port()}", environment=environment(aws, tmp_path))
    assert answer[0] == 1
    assert answer[2].startswith("TAP: the name 'tap-results-xxx")


@pytest.mark.parametrize(("given", "opened"), [([], "dev"), (["ENVIRONMENT_SUFFIX=qa"], "qa")])
def test_make_opens_an_environment(given: list[str], opened: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENVIRONMENT_SUFFIX", raising=False)
    command = f"{sys.executable} -c 'import sys; print(sys.argv[1:])'"
    answer = make("open", *given, f"PY={command}")
    assert answer.stdout == f"{['-m', 'local', 'open', f'--environment={opened}']}\n"


@pytest.mark.parametrize("token", [None, "token+/="])
def test_curl_as_the_documentation_has_it(aws: SmallAws, tmp_path: Path, token: str | None) -> None:
    """Signs well, with a session's token or without, whatever the names are."""
    aws.keys = {"AKIDEXAMPLE": ("secret", token)}
    [functions] = re.findall(r"```sh\n(results\(\) .*?)```", (PROJECT / "docs" / "api.md").read_text(), re.DOTALL)
    key = "shop/a+b/it's größer (1) & so*~.xml"
    answer = subprocess.run(
        ["bash", "-euc", f'{functions}\nresults "/api/upload?bucket=b&key=$(encoded "$KEY")&version_id=1"'],
        env={
            **environment(aws, tmp_path),
            "RESULTS_URL": f"{aws.url}/",
            "AWS_SESSION_TOKEN": token or "",
            "KEY": key,
        },
        capture_output=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, PAGE, b"")
    path, _, query = aws.requests[0].target.partition("?")
    assert (path, parse_qsl(query)) == ("/api/upload", [("bucket", "b"), ("key", key), ("version_id", "1")])
