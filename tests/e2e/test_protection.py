"""The life of a protected environment: refused, given up, taken up again, with the commands of docs/operating.md.

The tests run from top to bottom, after all others of this folder, since they change the platform.
"""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from local.cdktf import PROJECT, Cdktf, CommandFailedError
from local.platform import Platform
from stacks.protection import MAKE_DISPOSABLE_FIRST, UNPROTECT_FIRST
from tests.e2e.inventory import existing
from tests.e2e.reader import reader
from tests.e2e.recorder import recorded
from tests.e2e.stacks import SERVICES, SUFFIX
from tests.e2e.uploads import event_of, row_of, upload, wait_for
from tests.terraform import terraform, text_of

REPORT = PROJECT / "local" / "sample-report.xml"
INSTANCE = "aws_db_instance.Postgres_Instance_A83EBC1B"


def deploy(platform: Platform, **settings: bool | int) -> None:
    """Deploys the environment with other settings in `environments.toml`."""
    platform.settings.update(settings)
    platform.environment.configure({SUFFIX: platform.settings})
    platform.environment.deploy(f"tap-*-{SUFFIX}")


def locked_by(platform: Platform, state: str) -> str | None:
    """What Terraform operation holds the lock of a state, if any."""
    s3 = platform.emulator.client("s3")
    try:
        lock = s3.get_object(Bucket=platform.state_bucket, Key=f"{state}.tflock")
    except s3.exceptions.NoSuchKey:
        return None
    return str(json.load(lock["Body"])["Operation"])


def names_of_environment(platform: Platform) -> set[str]:
    """The names of all that the emulated account holds of the environment, but for snapshots."""
    return {resource.name for resource in existing(platform.emulator) if SUFFIX in resource.name}


def state_versions(platform: Platform) -> int:
    """How many states of the environment were ever written."""
    answer = platform.emulator.client("s3").list_object_versions(Bucket=platform.state_bucket, Prefix=f"{SUFFIX}/")
    return sum(version["Key"].endswith(".tfstate") for version in answer["Versions"])


def snapshots(platform: Platform, kind: str) -> list[str]:
    """The snapshots of the database: `manual`, which the final one is, or `automated`, the backups."""
    answer = platform.emulator.client("rds").describe_db_snapshots(SnapshotType=kind)
    return [snapshot["DBSnapshotIdentifier"] for snapshot in answer["DBSnapshots"]]


def planned_destruction(platform: Platform, service: str) -> subprocess.CompletedProcess[str]:
    """What Terraform says when a stack is to be destroyed by itself."""
    arguments = ("plan", "-destroy", "-refresh=false", "-input=false", "-no-color")
    return terraform(platform.environment, f"tap-{service}-{SUFFIX}", *arguments)


def test_destroy_is_refused_before_anything_is_touched(platform: Platform) -> None:
    """Not one resource goes, and no state is written."""
    before = names_of_environment(platform), state_versions(platform)
    with pytest.raises(CommandFailedError, match="Instance cannot be destroyed"):
        platform.environment.run("destroy", f"tap-*-{SUFFIX}")
    assert (names_of_environment(platform), state_versions(platform)) == before


@pytest.mark.parametrize(
    ("service", "remedy"),
    [("s3", MAKE_DISPOSABLE_FIRST), ("iam", UNPROTECT_FIRST), ("outputs", UNPROTECT_FIRST)],
)
def test_every_stack_refuses_by_itself_and_says_what_to_do(platform: Platform, service: str, remedy: str) -> None:
    """One that holds data, one that holds none, and that of the outputs; the others are like these."""
    answer = planned_destruction(platform, service)
    assert answer.returncode == 1
    assert f"Resource terraform_data.{remedy} has lifecycle.prevent_destroy set" in text_of(answer)


def test_protection_that_was_taken_off_but_not_deployed_still_refuses(platform: Platform, tmp_path: Path) -> None:
    """The state knows: no resource goes, for none goes before the guard."""
    before = names_of_environment(platform)
    hasty = Cdktf(
        directory=tmp_path / "cdktf",
        emulator=platform.emulator,
        variables={"ENVIRONMENT_SUFFIX": SUFFIX, "TF_STATE_BUCKET": platform.state_bucket},
        tables={SUFFIX: {**platform.settings, "protected": False}},
        log=tmp_path / "log",
    )
    hasty.synth()
    for service in ("outputs", "eventbridge"):  # the first one that `cdktf destroy` comes to, and one with data
        assert terraform(hasty, f"tap-{service}-{SUFFIX}", "init", "-input=false").returncode == 0
        answer = terraform(hasty, f"tap-{service}-{SUFFIX}", "destroy", "-auto-approve", "-input=false", "-no-color")
        assert answer.returncode == 1
        assert "TAP: the stack is still deployed as protected: deploy it with the new setting before" in text_of(answer)
    assert names_of_environment(platform) == before


@pytest.mark.parametrize(
    ("service", "address", "refused"),
    [
        ("rds", INSTANCE, True),
        ("vpc", "aws_security_group.Database_Group_FFB30332", False),
    ],
)
def test_update_may_replace_what_holds_no_data(platform: Platform, service: str, address: str, refused: bool) -> None:
    """And nothing that does."""
    stack = f"tap-{service}-{SUFFIX}"
    answer = terraform(platform.environment, stack, "plan", f"-replace={address}", "-input=false", "-no-color")
    assert (answer.returncode == 1) is refused, text_of(answer)
    if refused:
        assert f"Resource {address} has lifecycle.prevent_destroy set" in text_of(answer)
    else:
        assert f"{address} will be replaced, as requested" in text_of(answer)


def test_protection_off_password_rotated_and_state_locked(platform: Platform) -> None:
    """One deploy does both, to wait for RDS only once; a second one of the same stack is refused meanwhile."""
    old = platform.access.password()
    lock = f"{SUFFIX}/rds.tfstate"
    with ThreadPoolExecutor() as threads:
        deployment = threads.submit(deploy, platform, protected=False, password_version=2)
        wait_for(lambda: locked_by(platform, lock) == "OperationTypeApply" or deployment.done())
        second = terraform(
            platform.environment, f"tap-rds-{SUFFIX}", "apply", "-auto-approve", "-input=false", "-no-color"
        )
        deployment.result()
    assert "Error acquiring the state lock" in second.stderr
    new = platform.access.password()
    assert new != old
    # RDS never answers the password, so what it was told has to do.
    forms = [parse_qs(request.body.decode()) for request in recorded(platform.emulator) if request.service == "rds"]
    [change] = [form for form in forms if "MasterUserPassword" in form and form["Action"] == ["ModifyDBInstance"]]
    assert (change["MasterUserPassword"], change["DeletionProtection"]) == ([new], ["false"])
    with reader(platform) as connection:
        assert connection.execute("select count(*) > 0 from run_summary").fetchone() == (True,)
    # The function must connect again, and still has the old password in its cache.
    instance = platform.access.outputs["db_instance_id"]
    platform.emulator.client("rds").reboot_db_instance(DBInstanceIdentifier=instance)
    upload(platform, "shop/after-rotation.xml", REPORT.read_bytes())
    assert event_of(platform, "shop/after-rotation.xml")["status"] == "success"
    assert row_of(platform, "shop/after-rotation.xml") is not None


def test_given_up_environment_leaves_its_uploads_and_a_snapshot(platform: Platform) -> None:
    """All the rest is gone, and nothing of the account stack's."""
    made = platform.access.database_instance()["InstanceCreateTime"]
    platform.environment.run("destroy", *(f"tap-{service}-{SUFFIX}" for service in SERVICES if service != "s3"))
    account = platform.emulator.client("sts").get_caller_identity()["Account"]
    assert names_of_environment(platform) == {
        f"tap-uploads-{SUFFIX}-{account}",
        f"tap-artifacts-{SUFFIX}-{account}",
        f"tap-ingest-{SUFFIX}",
        f"tap-dlq-ingest-{SUFFIX}",
    }
    assert snapshots(platform, "automated") != []
    [snapshot] = snapshots(platform, "manual")
    assert snapshot.startswith(f"tap-rds-{SUFFIX}-final-{made:%Y%m%d%H}")
    keys = platform.emulator.client("s3").list_objects_v2(Bucket=platform.access.outputs["bucket_name"])["Contents"]
    assert "shop/after-rotation.xml" in {entry["Key"] for entry in keys}
    answer = terraform(platform.account, "tap-account", "plan", "-detailed-exitcode", "-input=false")
    assert answer.returncode == 0, text_of(answer)


def test_uploads_refuse_to_go_even_then(platform: Platform) -> None:
    """A destroy of all stacks ends where the documented one does."""
    answer = planned_destruction(platform, "s3")
    assert answer.returncode == 1
    assert f"Resource terraform_data.{MAKE_DISPOSABLE_FIRST} has lifecycle.prevent_destroy set" in text_of(answer)


def test_environment_is_taken_up_again(platform: Platform) -> None:
    """The same suffix, protected again, finds its uploads, and processes what came in between."""
    upload(platform, "shop/in-between.xml", REPORT.read_bytes())
    deploy(platform, protected=True)
    assert event_of(platform, "shop/in-between.xml")["status"] == "success"
    assert planned_destruction(platform, "rds").returncode == 1
    assert final_snapshot(platform) not in snapshots(platform, "manual")


def final_snapshot(platform: Platform) -> str:
    """How the snapshot will be called with which the database ends, by its state."""
    state = platform.emulator.client("s3").get_object(Bucket=platform.state_bucket, Key=f"{SUFFIX}/rds.tfstate")
    resources: list[dict[str, Any]] = json.load(state["Body"])["resources"]
    [instance] = [resource for resource in resources if resource["type"] == "aws_db_instance"]
    name: str = instance["instances"][0]["attributes"]["final_snapshot_identifier"]
    return name


def test_account_state_moves_into_its_bucket(platform: Platform) -> None:
    """The second step of setting an account up: the account stack's state moves into the bucket that it made."""
    platform.account.environment["TF_STATE_BUCKET"] = platform.state_bucket
    platform.account.run("deploy", "tap-account", "--migrate-state")
    state = platform.emulator.client("s3").get_object(Bucket=platform.state_bucket, Key="account/account.tfstate")
    assert json.load(state["Body"])["outputs"]["state_bucket"]["value"] == platform.state_bucket
    answer = terraform(platform.account, "tap-account", "plan", "-detailed-exitcode", "-input=false", "-no-color")
    assert answer.returncode == 0, answer.stdout + answer.stderr
