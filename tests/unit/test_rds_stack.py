"""The database is private and encrypted, and its password is written down nowhere."""

import re

import pytest

from tests.unit.synthesized import Block, Platform, Stack, walk


@pytest.fixture
def rds(platform: Platform) -> Stack:
    return platform["tap-rds-dev"]


@pytest.fixture
def instance(rds: Stack) -> Block:
    return rds.resource("aws_db_instance")


def test_holds_one_instance_and_its_credential(rds: Stack) -> None:
    """There is nothing in the stack beyond what the design lists and the instance's log group."""
    assert rds.inventory == {
        "aws_cloudwatch_log_group": 1,
        "aws_db_instance": 1,
        "aws_db_subnet_group": 1,
        "aws_ssm_parameter": 1,
        "terraform_data": 1,
    }


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("identifier", "tap-rds-dev"),
        ("engine", "postgres"),
        ("storage_encrypted", True),
        ("publicly_accessible", False),
        ("storage_type", "gp3"),
        ("allocated_storage", 20),
        ("max_allocated_storage", 50),
        ("backup_retention_period", 7),
        ("copy_tags_to_snapshot", True),
        ("auto_minor_version_upgrade", True),
        ("enabled_cloudwatch_logs_exports", ["postgresql"]),
        ("port", 5432),
        ("tags", {"Component": "database"}),
        ("db_subnet_group_name", "${aws_db_subnet_group[tap-rds-dev].name}"),
        ("vpc_security_group_ids", ["${aws_security_group[tap-database-dev].id}"]),
    ],
)
def test_instance(instance: Block, attribute: str, value: object) -> None:
    """The instance is encrypted, private, backed up, growing, and in its own security group alone."""
    assert instance[attribute] == value


def test_is_in_the_default_subnets(rds: Stack) -> None:
    """The subnet group takes the subnets that VpcStack found."""
    assert rds.resource("aws_db_subnet_group")["subnet_ids"] == "${data.aws_subnets.ids}"


def test_accepts_tls_connections_only(instance: Block) -> None:
    """By the default parameter group: `rds.force_ssl` is on in every version from 15 on.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
    """
    assert int(instance["engine_version"]) >= 15
    assert "parameter_group_name" not in instance


def test_follows_the_engine_to_its_next_major_version(instance: Block) -> None:
    """RDS takes the default group of whatever version it is; one of the old version would block the upgrade."""
    assert not [key for key in instance if "parameter_group" in key or "option_group" in key]


def test_log_group_exists_before_rds_makes_one_that_keeps_its_lines_for_ever(rds: Stack, instance: Block) -> None:
    """The group has the name that RDS writes to, a retention, and comes first."""
    log_group = rds.resource("aws_cloudwatch_log_group")
    assert (log_group["name"], log_group["retention_in_days"]) == ("/aws/rds/instance/tap-rds-dev/postgresql", 14)
    assert log_group["kms_key_id"] == "${data.aws_kms_alias[alias/tap-account].target_key_arn}"
    assert instance["depends_on"] == ["aws_cloudwatch_log_group[/aws/rds/instance/tap-rds-dev/postgresql]"]


def test_user_name_is_one_that_rds_takes(instance: Block) -> None:
    """Letters and digits, a letter first, and none of the reserved names; the emulator takes any."""
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,62}", instance["username"])
    assert instance["username"] not in {"admin", "rdsadmin", "rds_superuser"}


def test_database_name_is_one_that_rds_takes(instance: Block) -> None:
    """Letters and digits, a letter first; the emulator takes a hyphen, too."""
    assert re.fullmatch(r"[a-z][a-z0-9]{0,62}", instance["db_name"])


def test_password_is_generated_without_characters_that_rds_refuses(rds: Stack) -> None:
    """The generator is ephemeral, and leaves out / @ " ' and blanks; the emulator takes them."""
    generator = rds.document["ephemeral"]["aws_secretsmanager_random_password"]["Credential"]
    assert set(generator["exclude_characters"]) == set("/@\"' ")
    assert generator["password_length"] == 40


def test_password_is_a_secure_parameter_that_is_written_only(rds: Stack) -> None:
    """The generator feeds the parameter's write-only value, under the key `alias/aws/ssm`.

    No other argument of it can change by itself: with `description` or `key_id` the provider sends an empty value,
    which Parameter Store refuses (ValidationException, tried with provider 5.100). Whoever must change one raises the
    password's version in the same deploy.
    """
    parameter = rds.resource("aws_ssm_parameter")
    assert parameter == {
        "description": "Password of the database",
        "name": "/tap/dev/database/password",
        "type": "SecureString",
        "key_id": "alias/aws/ssm",
        "value_wo": "${ephemeral.aws_secretsmanager_random_password.random_password}",
        "value_wo_version": 1,
        "tags": {"Component": "database", "Sensitive": "true"},
    }


def test_password_is_read_back_from_the_parameter(rds: Stack) -> None:
    """Parameter Store is the only source: a retry after a half-done apply agrees with it."""
    read_back = rds.read(rds.document["ephemeral"]["aws_ssm_parameter"]["Credential"])
    assert read_back == {"arn": "${aws_ssm_parameter[/tap/dev/database/password].arn}"}


def test_instance_takes_the_password_written_only(instance: Block) -> None:
    """What the parameter holds goes into the instance without a trace in the state."""
    assert instance["password_wo"] == "${ephemeral.aws_ssm_parameter.value}"


def test_instance_knows_no_other_password(instance: Block) -> None:
    """Neither a password in the state nor one that RDS manages by itself."""
    assert not {"password", "manage_master_user_password", "master_user_secret"} & instance.keys()


def test_raising_the_password_version_rotates_parameter_and_instance_together(changed: Platform) -> None:
    """One integer of the settings drives both."""
    rds = changed["tap-rds-pr42"]
    assert rds.resource("aws_ssm_parameter")["value_wo_version"] == 7
    assert rds.resource("aws_db_instance")["password_wo_version"] == 7


def test_listens_on_the_port_of_the_settings(changed: Platform) -> None:
    """`database_port` is the instance's port."""
    assert changed["tap-rds-pr42"].resource("aws_db_instance")["port"] == 6543


def test_no_ephemeral_value_goes_where_terraform_would_write_it_down(rds: Stack) -> None:
    """Only write-only arguments take ephemeral values."""
    takers = {key for key, value in walk(rds.document["resource"]) if isinstance(value, str) and "ephemeral." in value}
    assert takers == {"value_wo", "password_wo"}
