"""The emulator answers as AWS where TAP depends on it and moto alone does not."""

import json
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError
from moto.sqs.models import SQSBackend

from local import processes
from local.emulator import Emulator, clean_environment
from local.moto_server import give_back

POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*"}]})


@pytest.fixture
def sqs(emulator: Emulator) -> Any:
    return emulator.client("sqs")


@pytest.fixture
def queue_url(sqs: Any, name: str) -> str:
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url


@pytest.fixture
def attributes(sqs: Any, queue_url: str) -> Callable[[], dict[str, str]]:
    def read() -> dict[str, str]:
        answer: dict[str, str] = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
        return answer

    return read


def _receive(sqs: Any, queue_url: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = sqs.receive_message(
        QueueUrl=queue_url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageSystemAttributeNames=["All"],
    ).get("Messages", [])
    return messages


def test_policy_survives_a_later_change_of_other_attributes(
    sqs: Any, queue_url: str, attributes: Callable[[], dict[str, str]]
) -> None:
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": POLICY})
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"VisibilityTimeout": "7"})
    assert json.loads(attributes()["Policy"]) == json.loads(POLICY)
    assert attributes()["VisibilityTimeout"] == "7"


def test_empty_policy_removes_it(sqs: Any, queue_url: str, attributes: Callable[[], dict[str, str]]) -> None:
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": POLICY})
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": ""})
    assert "Policy" not in attributes()


def test_redrive_policy_is_answered_as_compact_json(
    sqs: Any, queue_url: str, name: str, attributes: Callable[[], dict[str, str]]
) -> None:
    dead_letters = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":5}}'
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"RedrivePolicy": policy})
    assert attributes()["RedrivePolicy"] == policy
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"RedrivePolicy": ""})
    assert "RedrivePolicy" not in attributes()


def test_redrive_allow_policy_is_kept_until_it_is_emptied(
    sqs: Any, queue_url: str, attributes: Callable[[], dict[str, str]]
) -> None:
    assert "RedriveAllowPolicy" not in attributes()
    policy = '{"redrivePermission":"denyAll"}'
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"RedriveAllowPolicy": policy})
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"VisibilityTimeout": "7"})
    assert attributes()["RedriveAllowPolicy"] == policy
    asked_by_name = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["RedriveAllowPolicy"])
    assert asked_by_name["Attributes"] == {"RedriveAllowPolicy": policy}
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"RedriveAllowPolicy": ""})
    assert "RedriveAllowPolicy" not in attributes()


def test_enabled_event_source_mapping_leaves_the_messages_alone(
    emulator: Emulator, sqs: Any, queue_url: str, name: str, attributes: Callable[[], dict[str, str]]
) -> None:
    role = emulator.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    functions = emulator.client("lambda")
    functions.create_function(FunctionName=name, Runtime="python3.13", Role=role, Handler="a.b", Code={"ZipFile": b"x"})
    functions.create_event_source_mapping(EventSourceArn=attributes()["QueueArn"], FunctionName=name, Enabled=True)
    for _ in range(3):
        sqs.send_message(QueueUrl=queue_url, MessageBody="text")
    assert [message["Attributes"]["ApproximateReceiveCount"] for message in _receive(sqs, queue_url)] == ["1"] * 3


@pytest.fixture
def bucket(emulator: Emulator, name: str, attributes: Callable[[], dict[str, str]]) -> str:
    """A bucket that announces new objects in the queue."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_notification_configuration(
        Bucket=name,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": attributes()["QueueArn"], "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    return name


def _announced_objects(sqs: Any, queue_url: str) -> list[dict[str, Any]]:
    bodies = [json.loads(message["Body"]) for message in _receive(sqs, queue_url)]
    return [record["s3"]["object"] for body in bodies for record in body.get("Records", [])]


def test_each_version_is_announced_with_its_own_id_in_order(
    emulator: Emulator, sqs: Any, queue_url: str, bucket: str
) -> None:
    """Also when the same key is written again before anyone has read the first message."""
    s3 = emulator.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    versions = [s3.put_object(Bucket=bucket, Key="a b+ü.xml", Body=b"same")["VersionId"] for _ in range(3)]
    announced = _announced_objects(sqs, queue_url)
    assert {entry["key"] for entry in announced} == {"a+b%2B%C3%BC.xml"}
    assert [entry["versionId"] for entry in announced] == versions
    sequencers = [entry["sequencer"] for entry in announced]
    assert sequencers == sorted(set(sequencers))
    assert all(int(sequencer, 16) for sequencer in sequencers)


def test_multipart_upload_is_announced_with_its_version_id(
    emulator: Emulator, sqs: Any, queue_url: str, bucket: str
) -> None:
    s3 = emulator.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=1, Body=b"content")
    s3.complete_multipart_upload(
        Bucket=bucket,
        Key="big",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    # moto announces it twice, as a Put and as a CompleteMultipartUpload; AWS may repeat a message, too.
    version_ids = {entry["versionId"] for entry in _announced_objects(sqs, queue_url)}
    assert version_ids == {s3.head_object(Bucket=bucket, Key="big")["VersionId"]}


def test_object_of_an_unversioned_bucket_is_announced_without_version_id(
    emulator: Emulator, sqs: Any, queue_url: str, bucket: str
) -> None:
    emulator.client("s3").put_object(Bucket=bucket, Key="key", Body=b"content")
    [entry] = _announced_objects(sqs, queue_url)
    assert "versionId" not in entry


def _bucket_policy(bucket: str, **condition: Any) -> str:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | condition]})


def test_bucket_policy_that_denies_under_a_condition_does_not_deny_everything(emulator: Emulator, bucket: str) -> None:
    s3 = emulator.client("s3")
    policy = _bucket_policy(bucket, Condition={"Bool": {"aws:SecureTransport": "false"}})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    s3.put_object(Bucket=bucket, Key="key", Body=b"content")
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(policy)


def test_bucket_policy_that_denies_unconditionally_does(emulator: Emulator, bucket: str) -> None:
    s3 = emulator.client("s3")
    s3.put_bucket_policy(Bucket=bucket, Policy=_bucket_policy(bucket))
    with pytest.raises(ClientError, match="Forbidden"):
        s3.get_object(Bucket=bucket, Key="key")


@pytest.mark.parametrize("version", ["18", "18.4"])
def test_default_parameter_group_is_that_of_the_major_version(emulator: Emulator, name: str, version: str) -> None:
    instance = emulator.client("rds").create_db_instance(
        DBInstanceIdentifier=name, Engine="postgres", EngineVersion=version, DBInstanceClass="db.t4g.micro"
    )["DBInstance"]
    assert [group["DBParameterGroupName"] for group in instance["DBParameterGroups"]] == ["default.postgres18"]


@pytest.mark.parametrize(
    ("peers", "peer"),
    [("UserIdGroupPairs", {"GroupName": "default"}), ("PrefixListIds", {"PrefixListId": "pl-12345678"})],
)
def test_rule_keeps_its_description(emulator: Emulator, name: str, peers: str, peer: dict[str, str]) -> None:
    ec2 = emulator.client("ec2")
    group = ec2.create_security_group(GroupName=name, Description="test")["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                peers: [{**peer, "Description": "why"}],
            }
        ],
    )
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    [ingress] = [rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
    assert ingress["Description"] == "why"


def test_object_versions_are_listed_with_encoded_keys(emulator: Emulator, name: str) -> None:
    """The provider asks for encoded keys and decodes what it gets."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a+b ü&<.xml", Body=b"x")
    with urlopen(f"{emulator.url}/{name}?versions&encoding-type=url") as answer:
        assert b"<Key>a%2Bb%20%C3%BC%26%3C.xml</Key>" in answer.read()
    assert [version["Key"] for version in s3.list_object_versions(Bucket=name)["Versions"]] == ["a+b ü&<.xml"]


def test_saved_queries_are_kept_changed_and_deleted(emulator: Emulator, name: str) -> None:
    """As Terraform makes them and looks for them."""
    logs = emulator.client("logs")
    query = {"name": f"{name}/errors", "queryString": "fields @message", "logGroupNames": ["/aws/lambda/a"]}
    query_id = logs.put_query_definition(**query)["queryDefinitionId"]

    def found() -> list[dict[str, Any]]:
        definitions = logs.describe_query_definitions(queryDefinitionNamePrefix=name)["queryDefinitions"]
        return [{key: value for key, value in it.items() if key != "lastModified"} for it in definitions]

    assert found() == [{**query, "queryDefinitionId": query_id}]
    changed = {**query, "queryString": "fields @timestamp"}
    assert logs.put_query_definition(**changed, queryDefinitionId=query_id)["queryDefinitionId"] == query_id
    assert found() == [{**changed, "queryDefinitionId": query_id}]
    assert logs.delete_query_definition(queryDefinitionId=query_id)["success"] is True
    assert found() == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.delete_query_definition(queryDefinitionId=query_id)


def test_parallel_requests_are_all_answered(emulator: Emulator, name: str) -> None:
    """Terraform sends ten and more requests at a time."""
    sqs, ssm, logs = (emulator.client(service) for service in ("sqs", "ssm", "logs"))

    def work(number: int) -> str:
        label = f"{name}-{number}"
        url = sqs.create_queue(QueueName=label)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["QueueArn"]
        redrive_policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
        source = sqs.create_queue(QueueName=f"{label}-source", Attributes={"RedrivePolicy": redrive_policy})
        ssm.put_parameter(Name=f"/{label}", Value="x", Type="SecureString")
        logs.create_log_group(logGroupName=label)
        sqs.list_queues()
        ssm.describe_parameters()
        sqs.delete_queue(QueueUrl=source["QueueUrl"])
        return label

    with ThreadPoolExecutor(max_workers=12) as pool:
        created = set(pool.map(work, range(80)))
    assert {url.rpartition("/")[2] for url in sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]} == created


def test_user_settings_for_aws_are_without_influence(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in {
        "AWS_PROFILE": "missing",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
        "AWS_CONFIG_FILE": "/missing",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(variable, value)
    assert emulator.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_clean_environment_has_nothing_of_aws_and_no_missing_terraform_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "missing"))
    environment = clean_environment()
    assert not [variable for variable in environment if variable.startswith("AWS_")]
    assert "TF_CLI_CONFIG_FILE" not in environment
    assert environment["PATH"] == os.environ["PATH"]


def test_clean_environment_keeps_existing_terraform_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path))
    assert clean_environment()["TF_CLI_CONFIG_FILE"] == str(tmp_path)


def test_nothing_listens_after_the_context(tmp_path: Path) -> None:
    with Emulator(log=tmp_path / "log") as emulator:
        address = urlsplit(emulator.url)
        socket.create_connection((address.hostname, address.port)).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))


def test_server_that_does_not_start_is_reported_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "moto").mkdir()
    (tmp_path / "moto" / "__init__.py").write_text("raise SystemExit('broken installation')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    log = tmp_path / "log"
    with (
        pytest.raises(processes.ChildProcessFailedError, match=f"exit code 1 .*see {log}"),
        Emulator(log=log),
    ):
        pass
    assert "broken installation" in log.read_text()


def test_dead_letter_can_be_given_back_however_old_it_is() -> None:
    """SQS's twelve hours begin when a message is received."""
    backend = SQSBackend("us-east-1", "123456789012")
    queue = backend.create_queue("queue")
    message = backend.send_message("queue", "text")
    message.sent_timestamp -= 13 * 3600 * 1000  # type: ignore[assignment,operator]
    [received] = backend.receive_message("queue", 1, 0, 60)
    assert queue.messages == []
    give_back(backend, "queue", str(received.receipt_handle), 0)
    assert queue.messages == [message]
