"""The function in a process of its own, as Lambda runs it, with little memory and little patience."""

from __future__ import annotations

import json
import os
import resource
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from local import lambda_runtime, processes

_ROOT = Path(__file__).parents[3]
# Seconds for one invocation: no limit to be kept, but a hang shall not hang the tests.
_PATIENCE = 120


class Container:
    """Answers invocations as an execution environment of Lambda does. `address_space`: bytes that it may ask for."""

    def __init__(self, environment: Mapping[str, str], *, address_space: int, log: Path) -> None:
        self._environment = environment
        self._address_space = address_space
        self._log = log

    def __enter__(self) -> Self:
        self._channel, container = socket.socketpair()
        self._channel.settimeout(_PATIENCE)
        self._process = processes.start(
            [sys.executable, "-P", "-u", lambda_runtime.__file__],
            log=self._log,
            environment={
                "PATH": os.defpath,
                "PYTHONPATH": str(_ROOT),
                "_HANDLER": "handler.ingest_function.lambda_handler",
                "AWS_LAMBDA_FUNCTION_NAME": "tap-lambda-test",
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._address_space // 1024**2),
                "AWS_LAMBDA_LOG_GROUP_NAME": "",
                "AWS_LAMBDA_LOG_STREAM_NAME": "",
                **self._environment,
            },
            stdin=container.fileno(),
        )
        container.close()
        resource.prlimit(self._process.pid, resource.RLIMIT_AS, (self._address_space, self._address_space))
        self._answers = self._channel.makefile()
        assert json.loads(self._answers.readline()) == {"ready": True}
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.close()
        self._channel.close()
        processes.stop(self._process)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def invoke(self, *messages: dict[str, Any]) -> list[str]:
        """The ids of the failed messages. Raises AssertionError if the function or its process fails as a whole."""
        invocation = {
            "event": {"Records": messages},
            "request_id": "8f5d2a6e-0000-4000-8000-000000000000",
            "function_arn": "arn:aws:lambda:us-east-1:123456789012:function:tap-lambda-test",
            "deadline": time.time() + _PATIENCE,
        }
        self._channel.sendall(json.dumps(invocation).encode() + b"\n")
        try:
            line = self._answers.readline()
        except TimeoutError:
            processes.stop(self._process)
            raise AssertionError("the function hangs") from None
        assert line, "the function's process is dead"
        answer = json.loads(line)
        assert "error" not in answer, answer
        return [failure["itemIdentifier"] for failure in answer["result"]["batchItemFailures"]]

    def forget_peak(self) -> None:
        """Lets `peak` begin anew."""
        self._proc("clear_refs").write_text("5")

    @property
    def peak(self) -> int:
        """Bytes of memory that the process has taken at most."""
        lines = dict(line.split(":", 1) for line in self._proc("status").read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024

    @property
    def output(self) -> str:
        """All that the process has written."""
        return self._log.read_text(encoding="utf-8", errors="surrogateescape")

    def _proc(self, name: str) -> Path:
        return Path("/proc", str(self._process.pid), name)
