"""Each stack has its own state: in S3 with a lock, or in a local file."""

import pytest

from tests.unit.synthesized import Platform


@pytest.mark.parametrize(
    ("id", "key"),
    [
        ("tap-account", "account/account.tfstate"),
        *(
            (f"tap-{service}-pr42", f"pr42/{service}.tfstate")
            for service in ("s3", "vpc", "rds", "eventbridge", "parameter", "iam", "lambda", "outputs")
        ),
    ],
)
def test_in_s3(changed: Platform, id: str, key: str) -> None:
    """With TF_STATE_BUCKET the state is in that bucket, encrypted, and locked by S3 itself."""
    assert changed[id].backend == {
        "s3": {"bucket": "tap-state", "key": key, "encrypt": True, "use_lockfile": True},
    }


def test_in_local_files(platform: Platform) -> None:
    """Without it, each state is a file of its own beside `cdktf.out`."""
    assert {stack_id: stack.backend for stack_id, stack in platform.items()} == {
        stack_id: {"local": {"path": f"../../../terraform.{stack_id}.tfstate"}} for stack_id in platform
    }


def test_consumers_read_the_state_where_the_producer_writes_it(platform: Platform, changed: Platform) -> None:
    """The data sources of remote states name the producers' own backends."""
    for stacks in (platform, changed):
        for stack in stacks.values():
            for name, state in stack.document.get("data", {}).get("terraform_remote_state", {}).items():
                ((backend, written),) = stacks[name.removeprefix("cross-stack-reference-input-")].backend.items()
                assert state["backend"] == backend
                assert state["config"].items() <= written.items()
                assert state["config"].keys() >= written.keys() & {"path", "bucket", "key"}
