"""The functions as Lambda runs them: processes that answer one invocation after the other, until they are killed."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from local import lambda_runtime, processes
from local.worker import _link_runtime_modules

INGEST = "handler.ingest_function.lambda_handler"
SCHEMA = "handler.schema_function.lambda_handler"

# Seconds: nothing that is waited for here takes as long, and a hang shall not hang the tests.
_PATIENCE = 60


class InvocationFailed(Exception):
    """The container was killed, ran out of time, or threw: Lambda takes nothing of the batch for done."""


def unpack(package: Path, directory: Path) -> None:
    """Makes what a container sees, in `task` and `runtime`: the package and what AWS's runtime brings along."""
    zipfile.ZipFile(package).extractall(directory / "task")
    _link_runtime_modules(directory / "runtime")


class Zygote:
    """Starts containers that have the same environment. `code`: where they were unpacked."""

    def __init__(self, code: Path, environment: Mapping[str, str], *, log: Path) -> None:
        self._code = code
        self._environment = environment
        self._log = log
        # A container may be killed by what happens at one of its connections, and so from another thread.
        self._asking = threading.Lock()

    def __enter__(self) -> Self:
        self._control, child = socket.socketpair()
        self._control.settimeout(_PATIENCE)
        task, runtime = self._code / "task", self._code / "runtime"
        self._process = processes.start(
            [sys.executable, "-P", "-S", "-u", Path(__file__).with_name("zygote.py"), lambda_runtime.__file__],
            log=self._log,
            environment={
                "PATH": os.defpath,
                "PYTHONPATH": f"{task}{os.pathsep}{runtime}",
                "AWS_LAMBDA_FUNCTION_NAME": "tap-chaos",
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                "AWS_LAMBDA_LOG_GROUP_NAME": "",
                "AWS_LAMBDA_LOG_STREAM_NAME": "",
                "TZ": ":UTC",
                **self._environment,
            },
            directory=task,
            stdin=child.fileno(),
        )
        child.close()
        try:
            self._answer()
        except BaseException:
            processes.stop(self._process)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()
        processes.stop(self._process)

    def start(self, handler: str) -> Container:
        """A new container of this function."""
        channel, container = socket.socketpair()
        with self._asking, container:
            socket.send_fds(self._control, [f"fork {handler}\n".encode()], [container.fileno()])
            return Container(self, int(self._answer()), channel)

    def kill(self, number: int) -> None:
        """Ends a process at once, wherever it stands; it is gone when this returns."""
        with self._asking:
            self._control.sendall(f"kill {number}\n".encode())
            self._answer()

    def _answer(self) -> str:
        answer = self._control.recv(1024)
        if not answer:
            raise processes.ChildProcessFailedError(f"The functions could not be imported: see {self._log}")
        return answer.decode().strip()


class Container:
    """One execution environment of a function."""

    def __init__(self, zygote: Zygote, number: int, channel: socket.socket) -> None:
        self._zygote = zygote
        self._number = number
        self._channel = channel
        self._answers = channel.makefile()
        self._ending = threading.Lock()
        self._is_ready = False
        self.is_alive = True
        """Nobody has killed it yet."""

    def invoke(self, event: Any, *, seconds: float) -> Any:
        """The function's answer; `seconds` is its timeout, after which the container is killed.

        Raises InvocationFailed.
        """
        self._channel.settimeout(seconds)
        invocation = {
            "event": event,
            "request_id": str(uuid.uuid4()),
            "function_arn": "arn:aws:lambda:us-east-1:123456789012:function:tap-chaos",
            "deadline": time.time() + seconds,
        }
        try:
            if not self._is_ready:
                self._read()
                self._is_ready = True
            self._channel.sendall(json.dumps(invocation).encode() + b"\n")
            answer = self._read()
        except OSError as error:
            self.kill()
            raise InvocationFailed(str(error)) from error
        if "error" in answer:
            raise InvocationFailed(f"{answer['error']}")
        return answer["result"]

    def kill(self) -> None:
        """As often as one likes."""
        with self._ending:
            if self.is_alive:
                self.is_alive = False
                self._zygote.kill(self._number)

    def end(self) -> None:
        """Nobody invokes it any more."""
        self.kill()
        self._answers.close()
        self._channel.close()

    def _read(self) -> Any:
        line = self._answers.readline()
        if not line:
            raise ConnectionResetError("The container is dead.")
        return json.loads(line)
