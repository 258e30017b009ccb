"""Lambda's part on this machine: polls the function's queue and runs the deployed function for each batch.

It stands in for the SQS event source mapping and for the execution environment. All it knows about the
function it reads from the emulator, as deployed.
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
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import boto3

from local import processes
from local.emulator import Emulator

# What AWS's Python runtimes bring along: boto3 and its dependencies. The function sees nothing else of this
# environment, so that a dependency that its package lacks is missing here as well.
_RUNTIME_MODULES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
# Seconds; https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
_INIT_TIMEOUT = 10
# Seconds that one poll waits, and so what stopping may take. Lambda's polls are longer.
_POLL_WAIT = 1


class FunctionError(Exception):
    """The function threw, timed out, died or gave a malformed answer: its whole batch failed."""


class Worker:
    """Polls the function's queue, one batch at a time, from `start` to `stop` or while a context lasts.

    It waits for a function or mapping that is not deployed yet, and follows what is deployed anew from the
    next batch on. Messages that failed become visible again after the queue's visibility timeout, as in AWS.
    `log` gets what the function prints, between the START and REPORT lines that Lambda writes. Its code is
    unpacked below `directory`.
    """

    def __init__(
        self,
        *,
        emulator: Emulator,
        function_name: str,
        database_host_address: str,
        ca_file: Path,
        directory: Path,
        log: Path,
    ) -> None:
        self._function_name = function_name
        self._directory = directory
        self._log = log
        # The function's own settings are AWS's; these send it to this machine.
        self._one_machine = {
            **emulator.environment(),
            "PGHOSTADDR": database_host_address,
            "PGSSLROOTCERT": str(ca_file),
        }
        self._lambda = emulator.client("lambda")
        self._s3 = emulator.client("s3")
        self._sqs = emulator.client("sqs")
        self._environment: _ExecutionEnvironment | None = None
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
        """Stop, and end the function's process. A batch in its hands fails: SQS delivers it again."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    self._poll()
                except Exception:  # noqa: BLE001 - Lambda's pollers outlive every fault
                    self._note(traceback.format_exc())
                    self._stopping.wait(_POLL_WAIT)
        finally:
            self._end_environment()

    def _poll(self) -> None:
        mapping = self._enabled_mapping()
        if mapping is None:
            self._stopping.wait(_POLL_WAIT)
            return
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
            answer = self._invoke({"Records": [_record(message, queue_arn) for message in messages]})
            failed = []
            if "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []):
                failed = _failed_items(answer, [message["MessageId"] for message in messages])
        except FunctionError as error:
            self._note(f"{len(messages)} messages stay in the queue: {error}")
            return
        for message in messages:
            if message["MessageId"] not in failed:
                self._sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])

    def _enabled_mapping(self) -> dict[str, Any] | None:
        # Unfiltered: moto compares the name with the one in the mapping's request, which may be an ARN.
        mappings: list[dict[str, Any]] = self._lambda.list_event_source_mappings()["EventSourceMappings"]
        for mapping in mappings:
            if mapping["FunctionArn"].split(":")[6] == self._function_name and mapping["State"] == "Enabled":
                return mapping
        return None

    def _invoke(self, event: dict[str, Any]) -> Any:
        configuration = self._lambda.get_function_configuration(FunctionName=self._function_name)
        del configuration["ResponseMetadata"]
        if self._environment and self._environment.configuration != configuration:
            self._end_environment()
        if self._environment is None:
            self._environment = _ExecutionEnvironment(
                configuration=configuration,
                code=self._code(configuration["CodeSha256"]),
                additions=self._one_machine,
                directory=self._directory,
                log=self._log,
                stopping=self._stopping,
            )
        request_id = str(uuid.uuid4())
        self._note(f"START RequestId: {request_id} Version: {configuration['Version']}")
        begin = time.monotonic()
        try:
            answer = self._environment.invoke(event, request_id)
        except FunctionError:
            self._end_environment()
            raise
        finally:
            self._note(f"REPORT RequestId: {request_id}\tDuration: {(time.monotonic() - begin) * 1000:.2f} ms")
        if "error" in answer:
            raise FunctionError("{errorType}: {errorMessage}".format_map(answer["error"]))
        return answer["result"]

    def _code(self, code_sha256: str) -> bytes:
        """The package that was deployed.

        moto tells the S3 object's key but not its bucket, and a deployment may just be replacing it.
        """
        location = self._lambda.get_function(FunctionName=self._function_name)["Code"]["Location"]
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

    def _end_environment(self) -> None:
        if self._environment:
            self._environment.end()
            self._environment = None

    def _note(self, text: str) -> None:
        with self._log.open("a") as log:
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
                "AWS_LAMBDA_LOG_STREAM_NAME": f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}",
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

    def invoke(self, event: dict[str, Any], request_id: str) -> dict[str, Any]:
        """The runtime's answer, with either `result` or `error`.

        Raises FunctionError if there is none: the environment is then of no further use.
        """
        if not self._ready:
            answer = self._answer(_INIT_TIMEOUT)
            if "error" in answer:
                raise FunctionError("init: {errorType}: {errorMessage}".format_map(answer["error"]))
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
                raise FunctionError(f"Task timed out after {timeout:.2f} seconds")
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
