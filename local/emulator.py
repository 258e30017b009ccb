"""AWS, emulated on this machine by a moto server."""

import http.client
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config

from local import processes

REGION = "us-east-1"
ADMINISTRATOR = "local"
"""The id and the secret of the access key that may do everything."""


def clean_environment() -> dict[str, str]:
    """This process's environment without what would lead a child to another AWS account than the emulator's.

    That is every AWS_* variable (profiles, credentials, endpoints, regions), and a TF_CLI_CONFIG_FILE that
    names a missing file, which makes Terraform print a warning into every output.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    if not Path(environment.get("TF_CLI_CONFIG_FILE", os.devnull)).exists():
        del environment["TF_CLI_CONFIG_FILE"]
    return environment


class EmulatedAws:
    """The emulated AWS that answers at `url`, whoever started it."""

    def __init__(self, url: str) -> None:
        self.url = url
        # No profile and no files in ~/.aws: what the user has configured there is for the real AWS.
        nothing = (None, None, None, None)
        no_file = (None, None, os.devnull, None)
        self._session = boto3.Session(
            botocore_session=botocore.session.Session(
                session_vars={"profile": nothing, "config_file": no_file, "credentials_file": no_file}
            )
        )
        self._creating_client = threading.Lock()

    def environment(self) -> dict[str, str]:
        """What makes a program use the emulator as AWS, on top of `clean_environment()`."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ADMINISTRATOR,
            "AWS_SECRET_ACCESS_KEY": ADMINISTRATOR,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self, service: str) -> Any:
        """A boto3 client of `service` to the emulator; clients may be made and used in any thread."""
        environment = self.environment()
        # Unlike clients, sessions are not thread-safe.
        with self._creating_client:
            return self._session.client(
                service,
                endpoint_url=self.url,
                region_name=REGION,
                aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
                config=Config(proxies={}),
            )


class Emulator(EmulatedAws):
    """A moto server of its own on a free port, empty at the start, that ends with the context.

    With a `directory`, databases and functions are real: they run on this machine, and write there; and CloudWatch
    measures them and judges its alarms. Without, moto pretends them. Raises ChildProcessFailedError, which names the
    log file, if it does not start.

    `speed`: how much faster than the clock the time of CloudWatch and of schedules goes, so that tests need not wait
    for alarms. At 60, a period of 300 seconds takes five, what is measured each minute is measured each second, a
    message that waited for 15 seconds is one of 15 minutes to ApproximateAgeOfOldestMessage, and a daily schedule
    fires every 24 minutes. Nothing else is faster: not functions, and not the queues' own times.
    """

    def __init__(self, *, log: Path, directory: Path | None = None, speed: int = 1) -> None:
        self._log = log
        self._arguments: list[str | Path] = [directory, str(speed)] if directory else []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        super().__init__(f"http://127.0.0.1:{self._port}")

    def __enter__(self) -> Self:
        self._process = processes.start(
            [sys.executable, "-m", "local.moto_server", *self._arguments],
            log=self._log,
            environment=clean_environment(),
            directory=Path(__file__).parents[1],
            stdin=self._listener.fileno(),
        )
        # From here on nobody listens when the server has ended.
        self._listener.close()
        try:
            processes.wait_until(
                self._answers, process=self._process, name="the AWS emulator", log=self._log, timeout=60
            )
        except BaseException:
            processes.stop(self._process)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        processes.stop(self._process)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/moto-api/")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()
