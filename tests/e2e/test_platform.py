"""The deployed platform: what it is, and what becomes of uploads.

All tests look at one environment, since deploying one for each would take minutes. Those that change it come after
these: `test_protection.py`.
"""

import json
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from handler.reading.junit import JUnitReport
from handler.reading.report import Attempt
from local.cdktf import PROJECT, Cdktf, Tables
from local.emulator import REGION
from local.platform import Platform
from tests.e2e.calls import Surroundings, cases_of, role_policy
from tests.e2e.reader import reader, reader_password
from tests.e2e.recorder import recorded
from tests.e2e.stacks import SERVICES, STACKS, SUFFIX, owner
from tests.e2e.uploads import event_of, row_of, upload, wait_for
from tests.security import iam
from tests.security.credentials import credentials_in
from tests.terraform import terraform, text_of

REPORT = PROJECT / "local" / "sample-report.xml"


def another(platform: Platform, directory: Path, tables: Tables | None = None, **variables: str) -> Cdktf:
    """A second user of the same emulator, with settings of its own."""
    return Cdktf(
        directory=directory / "cdktf",
        emulator=platform.emulator,
        variables=variables,
        tables=tables or {},
        log=directory / "cdktf.log",
    )


@pytest.fixture(scope="module")
def plans(platform: Platform) -> Iterator[Mapping[str, Future[subprocess.CompletedProcess[str]]]]:
    """A second plan of each stack, several at a time."""
    arguments = ("plan", "-detailed-exitcode", "-input=false", "-no-color")
    with ThreadPoolExecutor(max_workers=3) as threads:
        yield {stack: threads.submit(terraform, owner(platform, stack), stack, *arguments) for stack in STACKS}


@pytest.mark.parametrize("stack", STACKS)
def test_second_plan_is_empty(plans: Mapping[str, Future[subprocess.CompletedProcess[str]]], stack: str) -> None:
    """What was deployed is what was asked for: a second `terraform plan` finds nothing to do."""
    answer = plans[stack].result()
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_settings_of_the_shell_stay_outside(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the user has set for a real account does not reach the platform on this machine."""
    for name in ("TF_STATE_BUCKET", "ENVIRONMENT_SUFFIX", "TF_WORKSPACE", "AWS_PROFILE", "CDKTF_OUTDIR"):
        monkeypatch.setenv(name, "real")
    assert "real" not in another(platform, tmp_path).environment.values()


def test_outputs_file(platform: Platform) -> None:
    """`cdktf deploy --outputs-file` holds the design's outputs, with the values of the deployed resources."""
    sqs = platform.emulator.client("sqs")
    queue_url = {
        name: sqs.get_queue_url(QueueName=name)["QueueUrl"]
        for name in (f"tap-ingest-{SUFFIX}", f"tap-dlq-ingest-{SUFFIX}", f"tap-events-{SUFFIX}")
    }
    instance = platform.emulator.client("rds").describe_db_instances()["DBInstances"][0]
    bus = platform.emulator.client("events").describe_event_bus(Name=f"tap-application-events-{SUFFIX}")
    function = platform.emulator.client("lambda").get_function_configuration(FunctionName=f"tap-lambda-{SUFFIX}")
    url = platform.emulator.client("lambda").get_function_url_config(FunctionName=f"tap-results-{SUFFIX}")
    account = platform.emulator.client("sts").get_caller_identity()["Account"]
    vpcs = platform.emulator.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])
    assert json.loads((platform.environment.directory / "outputs.json").read_text())[f"tap-outputs-{SUFFIX}"] == {
        "alarm_topic_arn": f"arn:aws:sns:{REGION}:{account}:tap-alarms-{SUFFIX}",
        "bucket_name": f"tap-uploads-{SUFFIX}-{account}",
        "dashboard_name": f"tap-overview-{SUFFIX}",
        "db_endpoint": f"{instance['Endpoint']['Address']}:{instance['Endpoint']['Port']}",
        "db_instance_id": f"tap-rds-{SUFFIX}",
        "event_bus_arn": bus["Arn"],
        "event_bus_name": f"tap-application-events-{SUFFIX}",
        "events_queue_url": queue_url[f"tap-events-{SUFFIX}"],
        "ingest_dead_letter_queue_url": queue_url[f"tap-dlq-ingest-{SUFFIX}"],
        "ingest_queue_url": queue_url[f"tap-ingest-{SUFFIX}"],
        "lambda_function_arn": function["FunctionArn"],
        "schema_function_name": f"tap-schema-{SUFFIX}",
        "lambda_function_name": f"tap-lambda-{SUFFIX}",
        "monitoring_log_group_name": f"/aws/events/tap-application-events-{SUFFIX}",
        "notifications_topic_arn": f"arn:aws:sns:{REGION}:{account}:tap-test-failures-{SUFFIX}",
        "parameter_store_prefix": f"/tap/{SUFFIX}/",
        "results_function_name": f"tap-results-{SUFFIX}",
        "results_reader_policy_arn": f"arn:aws:iam::{account}:policy/tap-results-reader-{SUFFIX}",
        "results_url": url["FunctionUrl"],
        "upload_role_arns": {"shop": f"arn:aws:iam::{account}:role/tap-upload-shop-{SUFFIX}"},
        "vpc_id": vpcs["Vpcs"][0]["VpcId"],
    }


def test_report_arrives_everywhere(platform: Platform) -> None:
    """An upload whose key has spaces, `+` and umlauts arrives in the database, the consumer queue and the log group."""
    key = "shop/Prüfung der Maße+Größen/report 1+2.xml"
    upload(platform, key, REPORT.read_bytes())
    event = event_of(platform, key)
    row = row_of(platform, key)
    assert row is not None
    assert (row["status"], row["kind"], row["size"]) == ("success", "junit", REPORT.stat().st_size)
    head = platform.emulator.client("s3").head_object(Bucket=platform.access.outputs["bucket_name"], Key=key)
    totals = {"tests": 8, "passed": 4, "failed": 1, "error": 1, "skipped": 1, "flaky": 1}
    assert event["run"] == {
        "id": str(row["event_id"]),
        "project": "shop",
        "series": "report 1+2.xml",
        "totals": totals,
        "duration": 7.911,
        "incomplete_suites": 0,
    }
    with platform.access.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        summary = cursor.execute("select * from run_summary where id = %s", [row["event_id"]]).fetchone()
    assert summary is not None
    assert totals.items() <= summary.items()
    assert (event["event_id"], event["version_id"]) == (str(row["event_id"]), head["VersionId"])
    log = platform.emulator.client("logs")
    group = platform.access.outputs["monitoring_log_group_name"]
    lines = [json.loads(line["message"]) for line in log.filter_log_events(logGroupName=group)["events"]]
    assert [line["detail"] for line in lines if line["detail"]["key"] == key] == [event]


def test_faulty_report_is_announced(platform: Platform) -> None:
    """A report that is not XML is recorded and announced as an error, and does not come back."""
    upload(platform, "shop/broken.xml", b"no report")
    event = event_of(platform, "shop/broken.xml")
    assert (event["status"], event["error"]["code"]) == ("error", "not_xml")
    row = row_of(platform, "shop/broken.xml")
    assert row is not None
    assert row["error_code"] == "not_xml"


@pytest.mark.security
def test_password_is_written_down_nowhere(platform: Platform, tmp_path: Path, summary: list[str]) -> None:
    """No synthesized JSON, state, plan or log has it or any credential, nor has the function's configuration."""
    passwords = [platform.access.password(), reader_password(platform)]
    # A plan of the rotation: to make it, Terraform reads the password that is in force.
    rotation = another(platform, tmp_path, {SUFFIX: {**platform.settings, "password_version": 2}})
    rotation.environment.update(platform.environment.environment)
    rotation.synth()
    assert terraform(rotation, f"tap-rds-{SUFFIX}", "init", "-input=false").returncode == 0
    answer = terraform(rotation, f"tap-rds-{SUFFIX}", "plan", "-input=false", "-no-color", f"-out={tmp_path}/plan.zip")
    assert "2 to change" in answer.stdout, answer.stderr
    zipfile.ZipFile(tmp_path / "plan.zip").extractall(tmp_path / "plan")
    s3 = platform.emulator.client("s3")
    states = s3.list_object_versions(Bucket=platform.state_bucket)["Versions"]
    assert {state["Key"] for state in states} >= {f"{SUFFIX}/{service}.tfstate" for service in SERVICES}
    texts = {
        f"{state['Key']} {state['VersionId']}": s3.get_object(
            Bucket=platform.state_bucket, Key=state["Key"], VersionId=state["VersionId"]
        )["Body"].read()
        for state in states
    }
    written = [
        *tmp_path.rglob("*"),
        *platform.account.directory.rglob("*"),
        *platform.environment.directory.rglob("*"),
        *platform.directory.glob("*.log"),
    ]
    texts |= {str(path): path.read_bytes() for path in written if path.is_file() and ".terraform/" not in str(path)}
    function = platform.emulator.client("lambda").get_function_configuration(FunctionName=f"tap-lambda-{SUFFIX}")
    texts["function"] = json.dumps(function, default=str).encode()
    assert [name for name, text in texts.items() for password in passwords if password.encode() in text] == []
    scanned = tmp_path / "scanned"
    scanned.mkdir()
    assert credentials_in(texts, scanned) == []
    summary.append(f"secrets: {len(texts)} files searched for the password and for credentials, none found")


@pytest.mark.security
def test_content_of_reports_is_logged_nowhere(platform: Platform) -> None:
    """Neither by the function nor with the events: a report's texts stay in the database."""
    upload(platform, "shop/secretive.xml", REPORT.read_bytes())
    event_of(platform, "shop/secretive.xml")
    logs = platform.emulator.client("logs")
    group = platform.access.outputs["monitoring_log_group_name"]
    announced = [line["message"] for line in logs.filter_log_events(logGroupName=group)["events"]]
    printed = "\n".join([platform.access.function_log.read_text(), *announced])
    assert "shop/secretive.xml" in printed
    with REPORT.open("rb") as stream:
        said = JUnitReport(stream, gzipped=False, project="shop").read()
        attempts = [it for it in said if isinstance(it, Attempt)]
    texts = {text for it in attempts for text in (it.name, it.classname, it.message, it.details) if text}
    assert len(texts) > len(attempts)
    assert [text for text in texts if text in printed] == []


def test_failover_is_sat_out(platform: Platform) -> None:
    """A report that comes while the database is down is processed once it is back, and its message comes only once."""
    rds, instance = platform.emulator.client("rds"), platform.access.outputs["db_instance_id"]
    log = platform.access.function_log
    before = log.read_text()
    rds.stop_db_instance(DBInstanceIdentifier=instance)
    upload(platform, "shop/while-down.xml", REPORT.read_bytes())
    wait_for(lambda: "Database unavailable, waiting" in log.read_text().removeprefix(before))
    rds.start_db_instance(DBInstanceIdentifier=instance)
    assert event_of(platform, "shop/while-down.xml")["status"] == "success"
    assert "to be retried" not in log.read_text().removeprefix(before)


def test_nothing_was_denied(platform: Platform) -> None:
    """What the function did in all these tests, faults among them, its role allows."""
    function = platform.access.outputs["lambda_function_name"]
    surroundings = Surroundings.of(platform, function)
    calls = [request for request in recorded(platform.emulator) if request.function == function]
    cases = [case for call in calls for case in cases_of(call, surroundings)]
    assert iam.denied(role_policy(platform, function), cases) == []


def test_upkeep_is_done_by_its_schedule(platform: Platform) -> None:
    """And by no other rule, which the function's policy does not admit. A minute stands for the day."""
    events, log = platform.emulator.client("events"), platform.access.log_of(f"tap-schema-{SUFFIX}")
    [target] = events.list_targets_by_rule(Rule=f"tap-upkeep-{SUFFIX}")["Targets"]
    before = log.read_text()
    rules = {f"tap-upkeep-{SUFFIX}": target["Input"], "stranger": '{"stranger": true}'}
    for name, event in rules.items():
        events.put_rule(Name=name, ScheduleExpression="rate(1 minute)")
        events.put_targets(Rule=name, Targets=[{**target, "Input": event}])
    try:
        wait_for(lambda: "Upkeep is done" in log.read_text().removeprefix(before))
    finally:
        events.put_rule(Name=f"tap-upkeep-{SUFFIX}", ScheduleExpression="rate(1 day)")
        events.remove_targets(Rule="stranger", Ids=[target["Id"]])
        events.delete_rule(Name="stranger")
    assert "The schema function takes" not in log.read_text().removeprefix(before)


def test_schema_function_that_fails_fails_the_deploy(platform: Platform) -> None:
    """With its sentence; the next deploy invokes it again."""
    stack = f"tap-schema-{SUFFIX}"
    apply = ("apply", "-auto-approve", "-input=false", "-no-color")
    with platform.access.connect() as connection:
        connection.execute("insert into schema_version values (999, 999)")
        try:
            failed = terraform(platform.environment, stack, *apply, "-replace=aws_lambda_invocation.Migration")
        finally:
            connection.execute("delete from schema_version where version = 999")
    assert failed.returncode == 1
    assert "The database's schema works with packages from version 999 on, and this one has" in text_of(failed)
    again = terraform(platform.environment, stack, *apply)
    assert (again.returncode, "1 added, 0 changed" in again.stdout) == (0, True), text_of(again)


@pytest.mark.security
def test_reader_may_look_and_nothing_else(platform: Platform) -> None:
    """With the password that Parameter Store holds for it."""
    with reader(platform) as connection:
        assert connection.execute("select count(*) > 0 from run_summary").fetchone() == (True,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("delete from upload")
        # A session may leave the mode, which is no guard.
        connection.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from upload")
