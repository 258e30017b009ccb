"""Lambda's part on this machine: runs the deployed functions, when they are invoked and for what their queues hold.

It stands in for the SQS event source mappings and for the execution environments. All it knows about the
functions it reads from the emulator, as deployed.
"""

import base64
import hashlib
import io
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
import uuid
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import boto3

from local import processes
from local.emulator import EmulatedAws

# What AWS's Python runtimes bring along: boto3 and its dependencies. The function sees nothing else of this
# environment, so that a dependency that its package lacks is missing here as well.
_RUNTIME_MODULES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
# Seconds; https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
_INIT_TIMEOUT = 10
# Seconds that one poll waits, and so what stopping may take. Lambda's polls are longer.
_POLL_WAIT = 1


class FunctionError(Exception):
    """The function threw, timed out, died or gave a malformed answer: its whole batch failed.

    `error_type`: that of the exception, or Lambda's own.
    """

    def __init__(self, message: str, *, error_type: str = "Runtime.ExitError") -> None:
        super().__init__(f"{error_type}: {message}")
        self.message = message
        self.error_type = error_type


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What became of one invocation. `duration`: milliseconds. `printed`: also has the lines that Lambda writes."""

    function: str
    duration: float
    failed: bool
    log_stream: str
    printed: str


class Worker:
    """Polls the queues of the functions, one batch at a time, from `start` to `stop` or while a context lasts.

    It follows what is deployed from the next batch on. Messages that failed become visible again after the queue's
    visibility timeout, as in AWS. Each function handles one invocation after the other. `directory` gets what a
    function prints, between the START and REPORT lines that Lambda writes, in a file of its name, and meanwhile its
    code. `report` is called after each invocation.
    """

    def __init__(
        self,
        *,
        emulator: EmulatedAws,
        database_host_address: str,
        ca_file: Path,
        directory: Path,
        report: Callable[[Invocation], None] = lambda _: None,
    ) -> None:
        self._directory = directory
        self._report = report
        # The functions' own settings are AWS's; these send them to this machine.
        self._one_machine = {
            **emulator.environment(),
            "PGHOSTADDR": database_host_address,
            "PGSSLROOTCERT": str(ca_file),
        }
        self._lambda = emulator.client("lambda")
        self._s3 = emulator.client("s3")
        self._sqs = emulator.client("sqs")
        self._environments: dict[str, _ExecutionEnvironment] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start to poll in a thread of its own; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and end the functions' processes. A batch in their hands fails: SQS delivers it again."""
        self._stopping.set()
        self._thread.join()
        for name in list(self._environments):
            with self._locks[name]:
                self._end_environment(name)

    def invoke(self, name: str, event: Any) -> Any:
        """Invoke a function and return its answer. Raises FunctionError."""
        with self._locks[name]:
            return self._invoke(name, event)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                # Unfiltered: moto compares the name with the one in the mapping's request, which may be an ARN.
                mappings = self._lambda.list_event_source_mappings()["EventSourceMappings"]
            except Exception:  # noqa: BLE001 - Lambda's pollers outlive every fault
                traceback.print_exc()
                mappings = []
            enabled = [mapping for mapping in mappings if mapping["State"] == "Enabled"]
            for mapping in enabled:
                name = mapping["FunctionArn"].split(":")[6]
                try:
                    self._poll(mapping, name)
                except Exception:  # noqa: BLE001 - nor do they end with what is wrong with one queue
                    self._note(name, traceback.format_exc())
                    self._stopping.wait(_POLL_WAIT)
            if not enabled:
                self._stopping.wait(_POLL_WAIT)

    def _poll(self, mapping: dict[str, Any], name: str) -> None:
        queue_arn = mapping["EventSourceArn"]
        queue_url = self._sqs.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
        messages = self._sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=min(mapping["BatchSize"], 10),
            WaitTimeSeconds=_POLL_WAIT,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return
        try:
            answer = self.invoke(name, {"Records": [_record(message, queue_arn) for message in messages]})
            failed = []
            if "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []):
                failed = _failed_items(answer, [message["MessageId"] for message in messages])
        except FunctionError as error:
            self._note(name, f"{len(messages)} messages stay in the queue: {error}")
            return
        for message in messages:
            if message["MessageId"] not in failed:
                self._sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])

    def _invoke(self, name: str, event: Any) -> Any:
        configuration = self._lambda.get_function_configuration(FunctionName=name)
        del configuration["ResponseMetadata"]
        if name in self._environments and self._environments[name].configuration != configuration:
            self._end_environment(name)
        if name not in self._environments:
            self._environments[name] = _ExecutionEnvironment(
                configuration=configuration,
                code=self._code(name, configuration["CodeSha256"]),
                # In the place of the role's own credentials: it tells whose request one is.
                additions={**self._one_machine, "AWS_ACCESS_KEY_ID": name},
                directory=self._directory,
                log=self._log(name),
                stopping=self._stopping,
            )
        environment = self._environments[name]
        request_id = str(uuid.uuid4())
        log = self._log(name)
        begin_of_output = log.stat().st_size
        self._note(name, f"START RequestId: {request_id} Version: {configuration['Version']}")
        begin = time.monotonic()
        answer: dict[str, Any] = {"error": None}
        try:
            answer = environment.invoke(event, request_id)
        except FunctionError:
            self._end_environment(name)
            raise
        finally:
            duration = (time.monotonic() - begin) * 1000
            self._note(name, f"REPORT RequestId: {request_id}\tDuration: {duration:.2f} ms")
            with log.open(errors="replace") as output:
                output.seek(begin_of_output)
                self._report(
                    Invocation(
                        function=name,
                        duration=duration,
                        failed="error" in answer,
                        log_stream=environment.log_stream,
                        printed=output.read(),
                    )
                )
        if "error" in answer:
            raise _function_error(answer["error"])
        return answer["result"]

    def _code(self, name: str, code_sha256: str) -> bytes:
        """The package that was deployed.

        moto tells the S3 object's key but not its bucket, and a deployment may just be replacing it.
        """
        location = self._lambda.get_function(FunctionName=name)["Code"]["Location"]
        key = location.split("/", 3)[3]
        for bucket in self._s3.list_buckets()["Buckets"]:
            answer = self._s3.list_object_versions(Bucket=bucket["Name"], Prefix=key)
            for version in answer.get("Versions", []):
                package: bytes = self._s3.get_object(
                    Bucket=bucket["Name"], Key=version["Key"], VersionId=version["VersionId"]
                )["Body"].read()
                if base64.b64encode(hashlib.sha256(package).digest()).decode() == code_sha256:
                    return package
        raise LookupError(f"No object {key} in any bucket has the function's SHA-256, {code_sha256}.")

    def _end_environment(self, name: str) -> None:
        if environment := self._environments.pop(name, None):
            environment.end()

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _note(self, name: str, text: str) -> None:
        with self._log(name).open("a") as log:
            log.write(text.rstrip() + "\n")


class _ExecutionEnvironment:
    """A process that has imported the function and handles one invocation after the other."""

    def __init__(
        self,
        *,
        configuration: dict[str, Any],
        code: bytes,
        additions: Mapping[str, str],
        directory: Path,
        log: Path,
        stopping: threading.Event,
    ) -> None:
        self.configuration = configuration
        self._stopping = stopping
        self._root = Path(tempfile.mkdtemp(dir=directory))
        package, runtime = self._root / "task", self._root / "runtime"
        zipfile.ZipFile(io.BytesIO(code)).extractall(package)
        _link_runtime_modules(runtime)
        name = configuration["FunctionName"]
        self.log_stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
        self._channel, runtime_channel = socket.socketpair()
        self._process = processes.start(
            # -S: without the site-packages of this environment.
            [sys.executable, "-P", "-S", "-u", Path(__file__).with_name("lambda_runtime.py")],
            log=log,
            environment={
                **configuration.get("Environment", {}).get("Variables", {}),
                "_HANDLER": configuration["Handler"],
                "AWS_EXECUTION_ENV": f"AWS_Lambda_{configuration['Runtime']}",
                "AWS_LAMBDA_FUNCTION_NAME": name,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration["MemorySize"]),
                "AWS_LAMBDA_FUNCTION_VERSION": configuration["Version"],
                "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
                "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
                "LAMBDA_TASK_ROOT": str(package),
                "LAMBDA_RUNTIME_DIR": str(runtime),
                "PATH": os.defpath,
                "PYTHONPATH": f"{package}{os.pathsep}{runtime}",
                "TZ": ":UTC",
                **additions,
            },
            directory=package,
            stdin=runtime_channel.fileno(),
        )
        runtime_channel.close()
        self._ready = False

    def invoke(self, event: Any, request_id: str) -> dict[str, Any]:
        """The runtime's answer, with either `result` or `error`.

        Raises FunctionError if there is none: the environment is then of no further use.
        """
        if not self._ready:
            answer = self._answer(_INIT_TIMEOUT)
            if "error" in answer:
                raise _function_error(answer["error"])
            self._ready = True
        timeout = self.configuration["Timeout"]
        invocation = {
            "event": event,
            "request_id": request_id,
            "function_arn": self.configuration["FunctionArn"],
            "deadline": time.time() + timeout,
        }
        self._channel.settimeout(timeout)
        try:
            self._channel.sendall(json.dumps(invocation).encode() + b"\n")
        except OSError as error:
            raise FunctionError(f"Runtime exited: {error}") from error
        return self._answer(timeout)

    def end(self) -> None:
        """End the process without asking it, as Lambda does, and remove its files."""
        processes.stop(self._process, stop_signal=signal.SIGKILL)
        self._channel.close()
        shutil.rmtree(self._root)

    def _answer(self, timeout: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        # Short, so that a worker that is stopped does not wait for its function.
        self._channel.settimeout(0.1)
        line = b""
        while not line.endswith(b"\n"):
            if self._stopping.is_set():
                raise FunctionError("the worker was stopped")
            if time.monotonic() > deadline:
                raise FunctionError(f"Task timed out after {timeout:.2f} seconds", error_type="Sandbox.Timedout")
            try:
                part = self._channel.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                part = b""
            if not part:
                raise FunctionError("Runtime exited without an answer")
            line += part
        answer: dict[str, Any] = json.loads(line)
        return answer


def _function_error(error: dict[str, str]) -> FunctionError:
    """What the function threw, as the runtime answers it."""
    return FunctionError(error["errorMessage"], error_type=error["errorType"])


def _link_runtime_modules(directory: Path) -> None:
    directory.mkdir()
    site_packages = Path(boto3.__file__).parents[1]
    for name in _RUNTIME_MODULES:
        (directory / name).symlink_to(site_packages / name)


def _record(message: dict[str, Any], queue_arn: str) -> dict[str, Any]:
    """The message as Lambda hands it over; https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {
                "dataType": attribute["DataType"],
                "stringListValues": [],
                "binaryListValues": [],
                **(
                    {"stringValue": attribute["StringValue"]}
                    if "StringValue" in attribute
                    else {"binaryValue": base64.b64encode(attribute["BinaryValue"]).decode()}
                ),
            }
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _failed_items(answer: Any, message_ids: list[str]) -> list[str]:
    """The ids of the messages that the function reports as failed.

    Raises FunctionError on an answer that AWS takes for a complete failure of the batch:
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    if answer is None:
        return []
    try:
        failed = [failure["itemIdentifier"] for failure in answer.get("batchItemFailures") or []]
    except (AttributeError, KeyError, TypeError):
        raise FunctionError(f"malformed answer: {answer!r}") from None
    if not all(item in message_ids for item in failed):
        raise FunctionError(f"the answer names a message that is not in the batch: {failed}")
    return failed
