"""What moto only pretends is real where the emulator is given a folder: RDS's instances and Lambda's functions."""

import io
import json
import socket
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from local import processes
from local.emulator import Emulator

Connect = Callable[[str], psycopg.Connection[Any]]


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    # Not below pytest's folder: under root, PostgreSQL runs as another user.
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


@pytest.fixture(scope="module")
def emulator(directory: Path) -> Iterator[Emulator]:
    with Emulator(log=directory / "emulator.log", directory=directory) as emulator:
        yield emulator


@pytest.fixture
def rds(emulator: Emulator) -> Any:
    return emulator.client("rds")


@pytest.fixture
def settings(name: str) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": name,
        "Engine": "postgres",
        "EngineVersion": "18",
        "DBInstanceClass": "db.t4g.micro",
        "MasterUsername": "tap",
        "MasterUserPassword": "password-1",
        "DBName": "tap",
        "Port": processes.free_port(),
    }


@pytest.fixture
def instance(rds: Any, settings: dict[str, Any], name: str) -> Iterator[str]:
    rds.create_db_instance(**settings)
    yield name
    if name in [it["DBInstanceIdentifier"] for it in rds.describe_db_instances()["DBInstances"]]:
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


@pytest.fixture
def connect(rds: Any, name: str, directory: Path) -> Connect:
    def connect(password: str) -> psycopg.Connection[Any]:
        [instance] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        return psycopg.connect(
            host=instance["Endpoint"]["Address"],
            hostaddr="127.0.0.1",
            port=instance["Endpoint"]["Port"],
            user="tap",
            password=password,
            dbname="tap",
            sslmode="verify-full",
            sslrootcert=str(directory / "databases" / "ca.pem"),
            autocommit=True,
        )

    return connect


@pytest.mark.usefixtures("instance")
def test_instance_is_a_server_from_the_moment_it_is_made(connect: Connect) -> None:
    with connect("password-1") as connection:
        version = connection.execute("show server_version_num").fetchone()
        assert version is not None
        assert version[0].startswith("18")


def test_each_instance_has_a_resource_id_of_its_own(rds: Any, instance: str, settings: dict[str, Any]) -> None:
    other = {**settings, "DBInstanceIdentifier": f"{instance}-other", "Port": processes.free_port()}
    rds.create_db_instance(**other)
    assert len({it["DbiResourceId"] for it in rds.describe_db_instances()["DBInstances"]}) == 2
    rds.delete_db_instance(DBInstanceIdentifier=f"{instance}-other", SkipFinalSnapshot=True)


def test_password_is_that_of_the_instance(rds: Any, instance: str, connect: Connect) -> None:
    rds.modify_db_instance(DBInstanceIdentifier=instance, MasterUserPassword="password-2")
    connect("password-2").close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect("password-1")


def test_instance_is_stopped_started_and_rebooted(rds: Any, instance: str, connect: Connect) -> None:
    with connect("password-1") as connection:
        connection.execute("create table kept (x integer)")
    rds.stop_db_instance(DBInstanceIdentifier=instance)
    with pytest.raises(psycopg.OperationalError, match="Connection refused"):
        connect("password-1")
    rds.start_db_instance(DBInstanceIdentifier=instance)
    with connect("password-1") as connection:
        rds.reboot_db_instance(DBInstanceIdentifier=instance)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select from kept")
    with connect("password-1") as connection:
        connection.execute("select from kept")


def test_snapshot_is_restored_with_its_data_and_password(
    rds: Any, instance: str, settings: dict[str, Any], connect: Connect, directory: Path
) -> None:
    with connect("password-1") as connection:
        connection.execute("create table kept as select 42 as x")
    rds.delete_db_instance(DBInstanceIdentifier=instance, FinalDBSnapshotIdentifier=f"{instance}-final")
    assert not (directory / "databases" / instance).exists()
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=instance, DBSnapshotIdentifier=f"{instance}-final", Port=settings["Port"]
    )
    with connect("password-1") as connection:
        assert connection.execute("select x from kept").fetchone() == (42,)


def test_instance_that_cannot_be_run_is_refused(rds: Any, settings: dict[str, Any], name: str) -> None:
    """As where another server has the port: the sentence names the log."""
    reason = f"PostgreSQL ended with exit code 1 while starting: see .*{name}.log"
    with socket.create_server(("127.0.0.1", settings["Port"])), pytest.raises(ClientError, match=reason):
        rds.create_db_instance(**settings)
    assert name not in [it["DBInstanceIdentifier"] for it in rds.describe_db_instances()["DBInstances"]]
    rds.create_db_instance(**settings)
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


@pytest.fixture
def function(emulator: Emulator, name: str) -> str:
    """A function that answers with its event, or fails if it has none."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        source = "def handler(event, context):\n    return event['text'].upper()\n"
        package.writestr(zipfile.ZipInfo("entry.py"), source)
    role = emulator.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="package.zip", Body=content.getvalue())
    emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="entry.handler",
        Code={"S3Bucket": name, "S3Key": "package.zip"},
    )
    return name


def test_invoked_function_runs(emulator: Emulator, function: str) -> None:
    answer = emulator.client("lambda").invoke(FunctionName=function, Payload=json.dumps({"text": "äb"}))
    assert (answer["StatusCode"], json.load(answer["Payload"])) == (200, "ÄB")
    assert "FunctionError" not in answer


def test_invoked_function_that_fails_says_why(emulator: Emulator, function: str) -> None:
    answer = emulator.client("lambda").invoke(FunctionName=function)
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"]) == {"errorType": "KeyError", "errorMessage": "'text'"}
