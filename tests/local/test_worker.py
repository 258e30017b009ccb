"""The worker does for the deployed function what Lambda does: polls, invokes, deletes and restarts."""

import hashlib
import io
import json
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.emulator import Emulator
from local.worker import FunctionError, Worker

# Does what the body of its first message says, and writes what it was given to the file that RESULTS names.
FUNCTION = """
import json, os, sys, time

INSTANCE = time.time_ns()

def handler(event, context):
    print("printed by the function")
    orders = [json.loads(record["body"]) for record in event["Records"]]
    seen = {
        "event": event,
        "instance": INSTANCE,
        "process": os.getpid(),
        "environment": dict(os.environ),
        "path": sys.path,
        "working_directory": os.getcwd(),
        "stdin": sys.stdin.read(),
        "context": {
            "request_id": context.aws_request_id,
            "function_name": context.function_name,
            "function_arn": context.invoked_function_arn,
            "memory": context.memory_limit_in_mb,
            "remaining": context.get_remaining_time_in_millis(),
        },
    }
    with open(os.environ["RESULTS"], "a") as results:
        results.write(json.dumps(seen) + chr(10))
    order = orders[0].get("order")
    if order == "throw":
        raise ValueError("told to")
    if order == "exit":
        sys.exit(1)
    if order == "sleep":
        time.sleep(60)
    if order == "answer":
        return orders[0]["answer"]
    if order == "import":
        for module in orders[0]["modules"]:
            __import__(module)
    failed = [r for r, o in zip(event["Records"], orders) if o.get("order") == "fail"]
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}
"""


def _package(source: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        # A fixed time, or the same source would not be the same package.
        package.writestr(zipfile.ZipInfo("app/entry.py"), source)
    return content.getvalue()


def _until(condition: Callable[[], bool]) -> None:
    """Wait for it; a minute is what no machine needs, and keeps a failing test from hanging."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@dataclass
class Deployment:
    """A function, its queue and the enabled mapping between them, deployed as Terraform deploys them."""

    emulator: Emulator
    name: str
    results: Path
    queue_url: str
    mapping: str

    def upload(self, source: str) -> dict[str, str]:
        s3 = self.emulator.client("s3")
        s3.put_object(Bucket=f"{self.name}-artifacts", Key="function/package.zip", Body=_package(source))
        return {"S3Bucket": f"{self.name}-artifacts", "S3Key": "function/package.zip"}

    def send(self, *orders: dict[str, Any]) -> None:
        """Send messages; those that are sent before the worker starts are one batch."""
        sqs = self.emulator.client("sqs")
        for order in orders:
            sqs.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps(order))

    def seen(self) -> list[dict[str, Any]]:
        """What the function was given, invocation by invocation."""
        lines = self.results.read_text().splitlines() if self.results.exists() else []
        return [json.loads(line) for line in lines]

    def invocations(self, number: int) -> list[dict[str, Any]]:
        """The same, as soon as there are `number` of them."""
        _until(lambda: len(self.seen()) >= number)
        return self.seen()

    def counts(self) -> tuple[int, int]:
        """How many messages are visible and how many are in flight."""
        answer = self.emulator.client("sqs").get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["All"])[
            "Attributes"
        ]
        return (
            int(answer["ApproximateNumberOfMessages"]),
            int(answer["ApproximateNumberOfMessagesNotVisible"]),
        )

    def set_visibility_timeout(self, seconds: int) -> None:
        self.emulator.client("sqs").set_queue_attributes(
            QueueUrl=self.queue_url, Attributes={"VisibilityTimeout": str(seconds)}
        )

    def configure(self, **changes: Any) -> None:
        self.emulator.client("lambda").update_function_configuration(FunctionName=self.name, **changes)


@pytest.fixture
def deployment(emulator: Emulator, name: str, tmp_path: Path) -> Iterator[Deployment]:
    s3, sqs, functions = (emulator.client(service) for service in ("s3", "sqs", "lambda"))
    role = emulator.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    s3.create_bucket(Bucket=f"{name}-artifacts")
    s3.put_bucket_versioning(Bucket=f"{name}-artifacts", VersioningConfiguration={"Status": "Enabled"})
    queue_url = sqs.create_queue(QueueName=name)["QueueUrl"]
    deployed = Deployment(emulator, name, tmp_path / "results", queue_url, mapping="")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Architectures=["arm64"],
        Role=role,
        Handler="app.entry.handler",
        Code=deployed.upload(FUNCTION),
        Timeout=30,
        MemorySize=256,
        Environment={"Variables": {"RESULTS": str(deployed.results), "SETTING": "as deployed"}},
    )
    queue = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
    deployed.mapping = functions.create_event_source_mapping(
        EventSourceArn=queue["QueueArn"],
        FunctionName=name,
        BatchSize=10,
        Enabled=True,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )["UUID"]
    yield deployed
    # Other tests' workers would poll it.
    functions.delete_event_source_mapping(UUID=deployed.mapping)


@pytest.fixture
def one_by_one(deployment: Deployment) -> None:
    """Each message is a batch of its own."""
    deployment.emulator.client("lambda").update_event_source_mapping(UUID=deployment.mapping, BatchSize=1)


@pytest.fixture
def log(tmp_path: Path, name: str) -> Path:
    return tmp_path / "work" / f"{name}.log"


@pytest.fixture
def worker(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    # Polls return at once, so that no test waits a second for its worker to stop.
    monkeypatch.setattr("local.worker._POLL_WAIT", 0)
    (tmp_path / "work").mkdir()
    return Worker(
        emulator=deployment.emulator,
        database_host_address="127.0.0.1",
        ca_file=tmp_path / "ca.pem",
        directory=tmp_path / "work",
    )


@pytest.fixture
def running(worker: Worker) -> Iterator[Worker]:
    with worker:
        yield worker


def test_successful_batch_is_deleted(deployment: Deployment, worker: Worker) -> None:
    deployment.send({}, {}, {})
    with worker:
        [seen] = deployment.invocations(1)
        assert len(seen["event"]["Records"]) == 3
        _until(lambda: deployment.counts() == (0, 0))


@pytest.mark.usefixtures("running")
def test_event_has_the_shape_that_lambda_gives_it(deployment: Deployment) -> None:
    body = json.dumps({"text": "Ü +"})
    sent = deployment.emulator.client("sqs").send_message(
        QueueUrl=deployment.queue_url,
        MessageBody=body,
        MessageAttributes={
            "text": {"DataType": "String", "StringValue": "value"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
        },
    )
    [seen] = deployment.invocations(1)
    [record] = seen["event"]["Records"]
    attributes = record.pop("attributes")
    assert record.pop("receiptHandle")
    assert record == {
        "messageId": sent["MessageId"],
        "body": body,
        "messageAttributes": {
            "text": {
                "dataType": "String",
                "stringValue": "value",
                "stringListValues": [],
                "binaryListValues": [],
            },
            "bytes": {
                "dataType": "Binary",
                "binaryValue": "AAE=",
                "stringListValues": [],
                "binaryListValues": [],
            },
        },
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{deployment.name}",
        "awsRegion": "us-east-1",
    }
    assert attributes["ApproximateReceiveCount"] == "1"
    assert set(attributes) >= {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"}


@pytest.mark.usefixtures("running")
def test_context_tells_about_the_invocation(deployment: Deployment) -> None:
    deployment.send({})
    context = deployment.invocations(1)[0]["context"]
    assert len(context.pop("request_id")) == 36
    assert 0 < context.pop("remaining") <= 30_000
    assert context == {
        "function_name": deployment.name,
        "function_arn": f"arn:aws:lambda:us-east-1:123456789012:function:{deployment.name}",
        "memory": "256",
    }


def test_only_messages_reported_as_failed_stay(deployment: Deployment, worker: Worker) -> None:
    deployment.send({"number": 1}, {"order": "fail", "number": 2}, {"number": 3})
    with worker:
        deployment.invocations(1)
        _until(lambda: deployment.counts() == (0, 1))


@pytest.mark.usefixtures("running")
def test_failed_message_comes_back_after_the_visibility_timeout(deployment: Deployment) -> None:
    deployment.set_visibility_timeout(1)
    deployment.send({"order": "fail"})
    seen = deployment.invocations(2)
    counts = [entry["event"]["Records"][0]["attributes"]["ApproximateReceiveCount"] for entry in seen]
    assert counts[:2] == ["1", "2"]


def test_exception_fails_the_whole_batch_and_the_environment_goes_on(
    deployment: Deployment, worker: Worker, log: Path
) -> None:
    deployment.send({"order": "throw"}, {})
    with worker:
        _until(lambda: log.exists() and "2 messages stay in the queue: ValueError: told to" in log.read_text())
        assert deployment.counts() == (0, 2)
        deployment.send({})
        first, second = deployment.invocations(2)
    assert first["instance"] == second["instance"]


@pytest.mark.usefixtures("one_by_one", "running")
def test_malformed_answer_fails_the_whole_batch(deployment: Deployment, log: Path) -> None:
    answers: list[Any] = [
        "text",
        {"batchItemFailures": "all"},
        {"batchItemFailures": [{}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifier": "another message"}]},
    ]
    deployment.send(*({"order": "answer", "answer": answer} for answer in answers))
    _until(lambda: log.exists() and log.read_text().count("1 messages stay in the queue") == len(answers))
    assert deployment.counts() == (0, len(answers))


@pytest.mark.usefixtures("one_by_one", "running")
def test_empty_answer_is_success(deployment: Deployment) -> None:
    answers: list[Any] = [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}]
    deployment.send(*({"order": "answer", "answer": answer} for answer in answers))
    deployment.invocations(len(answers))
    _until(lambda: deployment.counts() == (0, 0))


def test_failures_are_ignored_where_the_mapping_does_not_ask_for_them(deployment: Deployment, worker: Worker) -> None:
    deployment.emulator.client("lambda").update_event_source_mapping(UUID=deployment.mapping, FunctionResponseTypes=[])
    deployment.send({"order": "fail"})
    with worker:
        _until(lambda: deployment.counts() == (0, 0))


def test_timeout_kills_the_function_and_the_next_batch_gets_a_new_one(
    deployment: Deployment, worker: Worker, log: Path
) -> None:
    deployment.configure(Timeout=1)
    deployment.send({"order": "sleep"})
    with worker:
        _until(lambda: log.exists() and "Task timed out after 1.00 seconds" in log.read_text())
        assert deployment.counts() == (0, 1)
        deployment.send({})
        first, second = deployment.invocations(2)
    assert first["instance"] != second["instance"]


@pytest.mark.usefixtures("running")
def test_function_that_exits_fails_the_batch_and_is_started_anew(deployment: Deployment, log: Path) -> None:
    deployment.send({"order": "exit"})
    _until(lambda: log.exists() and "Runtime exited" in log.read_text())
    deployment.send({})
    first, second = deployment.invocations(2)
    assert first["instance"] != second["instance"]


def test_function_that_cannot_be_imported_fails_the_batch(deployment: Deployment, worker: Worker, log: Path) -> None:
    deployment.configure(Handler="app.missing.handler")
    deployment.send({})
    with worker:
        _until(lambda: log.exists() and "ModuleNotFoundError: No module named 'app.missing'" in log.read_text())
        assert deployment.counts() == (0, 1)
        deployment.configure(Handler="app.entry.handler")
        deployment.send({})
        deployment.invocations(1)


def test_environment_is_what_was_deployed_and_what_lambda_adds(
    deployment: Deployment, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_PARENT", "secret")
    monkeypatch.setenv("AWS_PROFILE", "of-the-parent")
    deployment.send({})
    with worker:
        [seen] = deployment.invocations(1)
    environment = seen["environment"]
    task_root = Path(environment.pop("LAMBDA_TASK_ROOT"))
    runtime = Path(environment.pop("LAMBDA_RUNTIME_DIR"))
    assert seen["working_directory"] == str(task_root)
    assert task_root.is_relative_to(tmp_path / "work")
    assert environment.pop("PYTHONPATH") == f"{task_root}{os.pathsep}{runtime}"
    assert environment.pop("AWS_LAMBDA_LOG_STREAM_NAME")
    # Python itself sets it in the C locale.
    environment.pop("LC_CTYPE", None)
    assert environment == {
        "RESULTS": str(deployment.results),
        "SETTING": "as deployed",
        "_HANDLER": "app.entry.handler",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": deployment.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{deployment.name}",
        "PATH": os.defpath,
        "TZ": ":UTC",
        **deployment.emulator.environment(),
        "AWS_ACCESS_KEY_ID": deployment.name,
        "PGHOSTADDR": "127.0.0.1",
        "PGSSLROOTCERT": str(tmp_path / "ca.pem"),
    }
    assert seen["path"][:2] == [str(task_root), str(runtime)]
    assert seen["stdin"] == ""


@pytest.mark.usefixtures("running")
def test_function_finds_what_the_runtime_of_aws_has(deployment: Deployment) -> None:
    modules = ["boto3", "botocore.session", "s3transfer", "jmespath", "dateutil", "six", "urllib3"]
    deployment.send({"order": "import", "modules": modules})
    deployment.invocations(1)
    _until(lambda: deployment.counts() == (0, 0))


@pytest.mark.usefixtures("one_by_one", "running")
def test_function_finds_nothing_that_only_this_machine_has(deployment: Deployment, log: Path) -> None:
    modules = ["psycopg", "pytest", "local"]
    deployment.send(*({"order": "import", "modules": [module]} for module in modules))
    _until(
        lambda: (
            log.exists()
            and all(
                f"stay in the queue: ModuleNotFoundError: No module named '{module}'" in log.read_text()
                for module in modules
            )
        )
    )


@pytest.mark.usefixtures("running")
def test_changed_configuration_is_followed_from_the_next_batch_on(deployment: Deployment) -> None:
    deployment.send({})
    deployment.invocations(1)
    deployment.configure(Environment={"Variables": {"RESULTS": str(deployment.results), "SETTING": "changed"}})
    deployment.send({})
    first, second = deployment.invocations(2)
    assert first["environment"]["SETTING"] == "as deployed"
    assert second["environment"]["SETTING"] == "changed"


@pytest.mark.usefixtures("running")
def test_changed_code_is_followed_from_the_next_batch_on(deployment: Deployment) -> None:
    deployment.send({})
    deployment.invocations(1)
    functions = deployment.emulator.client("lambda")
    functions.update_function_code(
        FunctionName=deployment.name, **deployment.upload(FUNCTION.replace("time.time_ns()", "'new'"))
    )
    deployment.send({})
    assert deployment.invocations(2)[1]["instance"] == "new"


def test_deployed_code_runs_although_its_object_was_replaced(deployment: Deployment, worker: Worker) -> None:
    """As in the middle of an apply, or after one that failed half-way."""
    deployment.upload("raise SystemExit('not deployed')")
    deployment.send({})
    with worker:
        deployment.invocations(1)


def test_missing_code_is_said_and_waited_for(deployment: Deployment, worker: Worker, log: Path) -> None:
    s3, functions = deployment.emulator.client("s3"), deployment.emulator.client("lambda")
    source = f"{FUNCTION}# {deployment.name}"
    package = deployment.upload(source)
    functions.update_function_code(FunctionName=deployment.name, **package)
    version_id = s3.head_object(Bucket=package["S3Bucket"], Key=package["S3Key"])["VersionId"]
    s3.delete_object(Bucket=package["S3Bucket"], Key=package["S3Key"], VersionId=version_id)
    deployment.set_visibility_timeout(1)
    deployment.send({})
    with worker:
        _until(lambda: log.exists() and "No object function/package.zip in any bucket" in log.read_text())
        deployment.upload(source)
        deployment.invocations(1)


def test_disabled_mapping_is_not_polled(deployment: Deployment, worker: Worker) -> None:
    functions = deployment.emulator.client("lambda")
    functions.update_event_source_mapping(UUID=deployment.mapping, Enabled=False)
    deployment.send({})
    with worker:
        time.sleep(0.5)
        assert deployment.counts() == (1, 0)
        functions.update_event_source_mapping(UUID=deployment.mapping, Enabled=True)
        deployment.invocations(1)


def test_function_that_is_not_deployed_yet_is_waited_for(emulator: Emulator, tmp_path: Path) -> None:
    with Worker(emulator=emulator, database_host_address="127.0.0.1", ca_file=tmp_path / "ca.pem", directory=tmp_path):
        time.sleep(0.5)
    assert list(tmp_path.iterdir()) == []


def test_log_has_the_output_and_the_lines_of_lambda(deployment: Deployment, worker: Worker, log: Path) -> None:
    deployment.send({})
    with worker:
        [seen] = deployment.invocations(1)
    request_id = seen["context"]["request_id"]
    lines = log.read_text().splitlines()
    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert "printed by the function" in lines
    assert lines[-1].startswith(f"REPORT RequestId: {request_id}\tDuration: ")


def test_stop_ends_a_busy_function_and_leaves_its_log(
    deployment: Deployment, worker: Worker, tmp_path: Path, log: Path
) -> None:
    deployment.send({"order": "sleep"})
    with worker:
        [seen] = deployment.invocations(1)
    with pytest.raises(ProcessLookupError):
        os.kill(seen["process"], 0)
    assert list((tmp_path / "work").iterdir()) == [log]
    assert deployment.counts() == (0, 1)


def test_object_upload_reaches_the_function_with_its_version(deployment: Deployment, worker: Worker) -> None:
    s3, sqs = deployment.emulator.client("s3"), deployment.emulator.client("sqs")
    bucket = f"{deployment.name}-uploads"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    queue = sqs.get_queue_attributes(QueueUrl=deployment.queue_url, AttributeNames=["QueueArn"])["Attributes"]
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": queue["QueueArn"], "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    version_id = s3.put_object(Bucket=bucket, Key="report.xml", Body=b"<testsuite/>")["VersionId"]
    with worker:
        seen = deployment.invocations(1)
    bodies = [json.loads(record["body"]) for record in seen[0]["event"]["Records"]]
    assert bodies[0]["Event"] == "s3:TestEvent"
    assert bodies[1]["Records"][0]["s3"]["object"]["versionId"] == version_id
    assert bodies[1]["Records"][0]["s3"]["object"]["sequencer"]


def test_function_that_is_invoked_answers(deployment: Deployment, running: Worker) -> None:
    """With whatever it returns."""
    order = json.dumps({"order": "answer", "answer": {"failed": 0}})
    assert running.invoke(deployment.name, {"Records": [{"body": order}]}) == {"failed": 0}


def test_function_that_is_invoked_fails_with_its_error(deployment: Deployment, running: Worker) -> None:
    """In its own words."""
    with pytest.raises(FunctionError, match="ValueError: told to") as failure:
        running.invoke(deployment.name, {"Records": [{"body": '{"order": "throw"}'}]})
    assert (failure.value.error_type, failure.value.message) == ("ValueError", "told to")


def test_one_invocation_comes_after_the_other(deployment: Deployment, running: Worker) -> None:
    """Each environment has one at a time."""
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda _: running.invoke(deployment.name, {"Records": [{"body": "{}"}]}), range(5)))
    assert len({seen["instance"] for seen in deployment.invocations(5)}) == 1
