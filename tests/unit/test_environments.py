"""What the presets change: production is kept, everything else is cheap."""

import pytest

from tests.unit.synthesized import Block, Platform

ALL = ("dev", "staging", "prod")


def instances(platform: Platform) -> dict[str, Block]:
    return {suffix: platform[f"tap-rds-{suffix}"].resource("aws_db_instance") for suffix in ALL}


@pytest.mark.parametrize(
    ("attribute", "dev", "staging", "prod"),
    [
        ("multi_az", False, False, True),
        ("deletion_protection", False, True, True),
        ("skip_final_snapshot", True, False, False),
        ("delete_automated_backups", True, False, False),
        ("apply_immediately", True, False, False),
        ("backup_retention_period", 7, 14, 35),
        ("instance_class", "db.t4g.micro", "db.t4g.micro", "db.t4g.medium"),
        ("allocated_storage", 20, 20, 100),
        ("max_allocated_storage", 50, 50, 1000),
    ],
)
def test_database(platform: Platform, attribute: str, dev: object, staging: object, prod: object) -> None:
    """Production survives a zone and a mistake; staging survives a mistake; dev goes without a trace."""
    assert {suffix: instance.get(attribute) for suffix, instance in instances(platform).items()} == {
        "dev": dev,
        "staging": staging,
        "prod": prod,
    }


@pytest.mark.parametrize(("suffix", "emptied"), [("dev", True), ("staging", False), ("prod", False)])
def test_only_disposable_buckets_are_emptied(platform: Platform, suffix: str, emptied: bool) -> None:
    """A destroy of production or staging stops before a bucket that is not empty."""
    buckets = platform[f"tap-s3-{suffix}"].resources("aws_s3_bucket")
    assert [bucket["force_destroy"] for bucket in buckets] == [emptied, emptied]


def test_nothing_of_production_is_force_destroyed(platform: Platform) -> None:
    """No resource of any stack says so."""
    forced = [
        kind
        for stack_id, stack in platform.items()
        if stack_id.endswith("-prod")
        for kind, resource in stack.all_resources()
        if resource.get("force_destroy")
    ]
    assert forced == []


@pytest.mark.parametrize(("suffix", "days"), [("dev", 14), ("staging", 30), ("prod", 365)])
def test_log_retention(platform: Platform, suffix: str, days: int) -> None:
    """Every log group of an environment keeps its lines for as long; CloudWatch Logs knows the value."""
    kept = [
        group["retention_in_days"]
        for stack_id, stack in platform.items()
        if stack_id.endswith(f"-{suffix}")
        for group in stack.resources("aws_cloudwatch_log_group")
    ]
    assert kept == [days] * 5


@pytest.mark.parametrize(("suffix", "days"), [("dev", 14), ("staging", 30), ("prod", 90)])
def test_events_can_be_replayed(platform: Platform, suffix: str, days: int) -> None:
    """Production's archive goes back further."""
    assert platform[f"tap-eventbridge-{suffix}"].resource("aws_cloudwatch_event_archive")["retention_days"] == days


@pytest.mark.parametrize(("suffix", "days"), [("dev", 30), ("staging", 30), ("prod", 365)])
def test_replaced_objects_are_kept(platform: Platform, suffix: str, days: int) -> None:
    """Production's old versions are kept for longer."""
    for lifecycle in platform[f"tap-s3-{suffix}"].resources("aws_s3_bucket_lifecycle_configuration"):
        assert lifecycle["rule"][0]["noncurrent_version_expiration"] == [{"noncurrent_days": days}]


@pytest.mark.parametrize(
    ("suffix", "memory", "concurrency"), [("dev", 512, 5), ("staging", 512, 5), ("prod", 1024, 20)]
)
def test_function_size(platform: Platform, suffix: str, memory: int, concurrency: int) -> None:
    """Production's function is larger, and more of them run at once."""
    stack = platform[f"tap-lambda-{suffix}"]
    assert stack.resource("aws_lambda_function")["memory_size"] == memory
    mapping = stack.resource("aws_lambda_event_source_mapping")
    assert mapping["scaling_config"] == {"maximum_concurrency": concurrency}


def test_any_other_suffix_is_disposable(changed: Platform) -> None:
    """A pull request's environment goes as it came."""
    instance = changed["tap-rds-pr42"].resource("aws_db_instance")
    assert (instance["deletion_protection"], instance["skip_final_snapshot"]) == (False, True)
