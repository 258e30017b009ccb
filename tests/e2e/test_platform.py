"""The deployed platform, from the plan to the destruction.

The tests run from top to bottom on one environment, since deploying one for each would take minutes. Those that change
it come last.
"""

import json
import os
import re
import shlex
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from psycopg.rows import dict_row

from handler.junit import JUnitReport
from local.cdktf import PROJECT, Cdktf
from local.emulator import Emulator
from local.platform import Platform
from tests.e2e.calls import Surroundings, cases_of, role_policy
from tests.e2e.recorder import recorded
from tests.e2e.uploads import event_of, row_of, upload, wait_for
from tests.security import iam
from tests.security.credentials import credentials_in

SERVICES = ("s3", "vpc", "rds", "eventbridge", "parameter", "iam", "lambda", "outputs")
STACKS = ("tap-account", *(f"tap-{service}-e2e" for service in SERVICES))
REPORT = PROJECT / "local" / "sample-report.xml"


def owner(platform: Platform, stack: str) -> Cdktf:
    return platform.account if stack == "tap-account" else platform.environment


def terraform(cdktf: Cdktf, stack: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Terraform itself on what was synthesized."""
    return subprocess.run(
        ["terraform", *arguments],
        cwd=cdktf.directory / "cdktf.out" / "stacks" / stack,
        env=cdktf.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def another(platform: Platform, directory: Path, **settings: str) -> Cdktf:
    """A second user of the same emulator, with settings of its own."""
    return Cdktf(
        directory=directory / "cdktf", emulator=platform.emulator, settings=settings, log=directory / "cdktf.log"
    )


def locked_by(platform: Platform, state: str) -> str | None:
    """What Terraform operation holds the lock of a state, if any."""
    s3 = platform.emulator.client("s3")
    try:
        lock = s3.get_object(Bucket=platform.state_bucket, Key=f"{state}.tflock")
    except s3.exceptions.NoSuchKey:
        return None
    return str(json.load(lock["Body"])["Operation"])


def names_of_resources(emulator: Emulator) -> list[str]:
    """The names of all that the emulated account holds, of the kinds that TAP makes."""
    client = emulator.client
    names = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
    names += client("sqs").list_queues().get("QueueUrls", [])
    names += [group["GroupName"] for group in client("ec2").describe_security_groups()["SecurityGroups"]]
    rds = client("rds")
    names += [instance["DBInstanceIdentifier"] for instance in rds.describe_db_instances()["DBInstances"]]
    names += [group["DBSubnetGroupName"] for group in rds.describe_db_subnet_groups()["DBSubnetGroups"]]
    names += [group["DBParameterGroupName"] for group in rds.describe_db_parameter_groups()["DBParameterGroups"]]
    names += [snapshot["DBSnapshotIdentifier"] for snapshot in rds.describe_db_snapshots()["DBSnapshots"]]
    names += [parameter["Name"] for parameter in client("ssm").describe_parameters()["Parameters"]]
    events = client("events")
    names += [bus["Name"] for bus in events.list_event_buses()["EventBuses"]]
    names += [archive["ArchiveName"] for archive in events.list_archives()["Archives"]]
    names += [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]]
    names += [role["RoleName"] for role in client("iam").list_roles()["Roles"]]
    functions = client("lambda")
    names += [function["FunctionName"] for function in functions.list_functions()["Functions"]]
    names += [mapping["FunctionArn"] for mapping in functions.list_event_source_mappings()["EventSourceMappings"]]
    return names


@pytest.mark.parametrize("stack", STACKS)
def test_stack_is_valid(platform: Platform, stack: str) -> None:
    """`terraform validate` accepts what was synthesized."""
    answer = terraform(owner(platform, stack), stack, "validate", "-json")
    assert json.loads(answer.stdout)["diagnostics"] == []


@pytest.mark.parametrize("stack", STACKS)
def test_second_plan_is_empty(platform: Platform, stack: str) -> None:
    """What was deployed is what was asked for: a second `terraform plan` finds nothing to do."""
    answer = terraform(owner(platform, stack), stack, "plan", "-detailed-exitcode", "-input=false", "-no-color")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_production_is_valid(platform: Platform, tmp_path: Path) -> None:
    """Terraform and the provider accept `prod` as well, and can plan those of its stacks that need no other."""
    cdktf = another(platform, tmp_path, ENVIRONMENT_SUFFIX="prod", TF_STATE_BUCKET=platform.state_bucket)
    cdktf.synth()
    for service in SERVICES:
        stack = f"tap-{service}-prod"
        answer = terraform(cdktf, stack, "init", "-input=false", "-no-color")
        assert answer.returncode == 0, answer.stderr
        assert json.loads(terraform(cdktf, stack, "validate", "-json").stdout)["diagnostics"] == []
    for service in ("s3", "vpc", "eventbridge"):
        answer = terraform(cdktf, f"tap-{service}-prod", "plan", "-input=false", "-no-color")
        assert "Plan: " in answer.stdout, answer.stderr


def test_existing_endpoints_are_used(platform: Platform, tmp_path: Path) -> None:
    """Endpoints that are handed in are not made again, and their security groups admit the functions."""
    endpoints = platform.emulator.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    ids = {endpoint["ServiceName"].rpartition(".")[2]: endpoint["VpcEndpointId"] for endpoint in endpoints}
    settings = {f"{service.upper()}_VPC_ENDPOINT_ID": ids[service] for service in ("s3", "ssm", "events")}
    cdktf = another(platform, tmp_path, **settings)
    cdktf.synth()
    assert terraform(cdktf, "tap-account", "init", "-input=false").returncode == 0
    answer = terraform(cdktf, "tap-account", "plan", "-input=false", "-no-color")
    assert 'resource "aws_vpc_endpoint"' not in answer.stdout
    [group] = {group["GroupId"] for endpoint in endpoints for group in endpoint.get("Groups", [])}
    assert f'ExistingEndpointsIngress["{group}"] will be created' in answer.stdout, answer.stderr


def test_provider_is_fetched_once(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody names a folder with the provider, Terraform fetches it as it is configured to, and keeps it."""
    folder = re.search("-plugin-dir=(.*)", " ".join(shlex.split(os.environ.get("TF_CLI_ARGS_init", ""))))
    if folder:  # without a network; else Terraform asks its registry
        configuration = tmp_path / "terraformrc"
        configuration.write_text(f'provider_installation {{ filesystem_mirror {{ path = "{folder[1]}" }} }}')
        monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(configuration))
        monkeypatch.delenv("TF_CLI_ARGS_init")
    providers = tmp_path / "a folder" / "providers"
    monkeypatch.setattr("local.cdktf._PROVIDERS", providers)
    first = another(platform, tmp_path / "first")
    assert first.lacks_provider
    first.fetch_provider()
    assert len(list(providers.glob("*/hashicorp/aws/*/*/terraform-provider-aws*"))) == 1
    assert list(providers.parent.iterdir()) == [providers]
    second = another(platform, tmp_path / "second")
    assert not second.lacks_provider
    second.synth()
    assert terraform(second, "tap-account", "init", "-input=false").returncode == 0


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
        for name in ("tap-ingest-e2e", "tap-dlq-ingest-e2e", "tap-events-e2e")
    }
    instance = platform.emulator.client("rds").describe_db_instances()["DBInstances"][0]
    bus = platform.emulator.client("events").describe_event_bus(Name="tap-application-events-e2e")
    function = platform.emulator.client("lambda").get_function_configuration(FunctionName="tap-lambda-e2e")
    account = platform.emulator.client("sts").get_caller_identity()["Account"]
    vpcs = platform.emulator.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])
    assert json.loads((platform.environment.directory / "outputs.json").read_text())["tap-outputs-e2e"] == {
        "bucket_name": f"tap-uploads-e2e-{account}",
        "db_endpoint": f"{instance['Endpoint']['Address']}:{instance['Endpoint']['Port']}",
        "db_instance_id": "tap-rds-e2e",
        "event_bus_arn": bus["Arn"],
        "event_bus_name": "tap-application-events-e2e",
        "events_queue_url": queue_url["tap-events-e2e"],
        "ingest_dead_letter_queue_url": queue_url["tap-dlq-ingest-e2e"],
        "ingest_queue_url": queue_url["tap-ingest-e2e"],
        "lambda_function_arn": function["FunctionArn"],
        "lambda_function_name": "tap-lambda-e2e",
        "monitoring_log_group_name": "/aws/events/tap-application-events-e2e",
        "parameter_store_prefix": "/tap/e2e/",
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
    assert event["run"] == {"id": str(row["event_id"]), "project": "shop", "totals": totals, "duration": 7.911}
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
    password = platform.access.password()
    # A plan of the rotation: to make it, Terraform reads the password that is in force.
    rotation = another(platform, tmp_path)
    rotation.environment.update(platform.environment.environment, DB_PASSWORD_VERSION="2")
    rotation.synth()
    assert terraform(rotation, "tap-rds-e2e", "init", "-input=false").returncode == 0
    answer = terraform(rotation, "tap-rds-e2e", "plan", "-input=false", "-no-color", f"-out={tmp_path}/plan.zip")
    assert "2 to change" in answer.stdout, answer.stderr
    zipfile.ZipFile(tmp_path / "plan.zip").extractall(tmp_path / "plan")
    s3 = platform.emulator.client("s3")
    states = s3.list_object_versions(Bucket=platform.state_bucket)["Versions"]
    assert {state["Key"] for state in states} >= {f"e2e/{service}.tfstate" for service in SERVICES}
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
    function = platform.emulator.client("lambda").get_function_configuration(FunctionName="tap-lambda-e2e")
    texts["function"] = json.dumps(function, default=str).encode()
    assert [name for name, text in texts.items() if password.encode() in text] == []
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
        attempts = list(JUnitReport(stream, gzipped=False, project="shop"))
    texts = {text for it in attempts for text in (it.name, it.classname, it.message, it.details) if text}
    assert len(texts) > len(attempts)
    assert [text for text in texts if text in printed] == []


def test_database_that_is_down_costs_a_retry(platform: Platform) -> None:
    """A report that comes while the database is down is processed once the database is back."""
    platform.emulator.client("sqs").set_queue_attributes(
        QueueUrl=platform.access.outputs["ingest_queue_url"], Attributes={"VisibilityTimeout": "2"}
    )
    # The poll that is under way still hides what it gets for the old time; the one after this event does not.
    upload(platform, "shop/before.xml", REPORT.read_bytes())
    event_of(platform, "shop/before.xml")
    platform.postgres.stop()
    upload(platform, "shop/while-down.xml", REPORT.read_bytes())
    log = platform.access.function_log
    wait_for(lambda: "to be retried" in log.read_text())
    platform.postgres.start()
    assert event_of(platform, "shop/while-down.xml")["status"] == "success"


def test_rotation_of_the_password_and_the_lock(platform: Platform) -> None:
    """One apply with a higher password_version rotates the password; meanwhile a second apply is refused."""
    old = platform.access.password()
    platform.environment.environment["DB_PASSWORD_VERSION"] = "2"
    with ThreadPoolExecutor() as threads:
        rotation = threads.submit(
            platform.environment.run, "deploy", "tap-rds-e2e", "--ignore-missing-stack-dependencies"
        )
        wait_for(lambda: locked_by(platform, "e2e/rds.tfstate") == "OperationTypeApply" or rotation.done())
        second = terraform(platform.environment, "tap-rds-e2e", "apply", "-auto-approve", "-input=false", "-no-color")
        rotation.result()
    assert "Error acquiring the state lock" in second.stderr
    new = platform.access.password()
    assert new != old
    # RDS never answers the password, so what it was told has to do.
    forms = [parse_qs(request.body.decode()) for request in recorded(platform.emulator) if request.service == "rds"]
    changes = [form for form in forms if form.get("Action") == ["ModifyDBInstance"]]
    assert [change["MasterUserPassword"] for change in changes] == [[new]]
    platform.postgres.set_password(new)  # what RDS does
    # The function must connect again, and still has the old password in its cache.
    platform.postgres.stop()
    platform.postgres.start()
    upload(platform, "shop/after-rotation.xml", REPORT.read_bytes())
    assert event_of(platform, "shop/after-rotation.xml")["status"] == "success"
    assert row_of(platform, "shop/after-rotation.xml") is not None


def test_nothing_was_denied(platform: Platform) -> None:
    """What the function did in all these tests, faults and the rotation among them, its role allows."""
    surroundings = Surroundings.of(platform)
    calls = [request for request in recorded(platform.emulator) if request.is_functions]
    cases = [case for call in calls for case in cases_of(call, surroundings)]
    assert iam.denied(role_policy(platform), cases) == []


def test_destroy_leaves_nothing_of_the_environment(platform: Platform) -> None:
    """`cdktf destroy` removes all that is the environment's, and nothing of the account stack's."""
    assert [name for name in names_of_resources(platform.emulator) if "e2e" in name] != []
    platform.environment.run("destroy", "tap-*-e2e")
    assert [name for name in names_of_resources(platform.emulator) if "e2e" in name] == []
    answer = terraform(platform.account, "tap-account", "plan", "-detailed-exitcode", "-input=false", "-no-color")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_account_state_moves_into_its_bucket(platform: Platform) -> None:
    """The second step of setting an account up: the account stack's state moves into the bucket that it made."""
    platform.account.environment["TF_STATE_BUCKET"] = platform.state_bucket
    platform.account.run("deploy", "tap-account", "--migrate-state")
    state = platform.emulator.client("s3").get_object(Bucket=platform.state_bucket, Key="account/account.tfstate")
    assert json.load(state["Body"])["outputs"]["state_bucket"]["value"] == platform.state_bucket
    answer = terraform(platform.account, "tap-account", "plan", "-detailed-exitcode", "-input=false", "-no-color")
    assert answer.returncode == 0, answer.stdout + answer.stderr
