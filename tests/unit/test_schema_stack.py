"""The schema function is invoked by every deploy that changes what it works on, and nobody else may be the reader."""

import json

import pytest

from tests.unit.synthesized import Block, Platform, Stack


@pytest.fixture
def schema(platform: Platform) -> Stack:
    return platform["tap-schema-dev"]


@pytest.fixture
def function(schema: Stack) -> Block:
    return schema.resource("aws_lambda_function")


def test_holds_the_function_its_invocations_and_the_readers_password(schema: Stack) -> None:
    """Nothing else."""
    assert schema.inventory == {
        "aws_cloudwatch_event_rule": 1,
        "aws_cloudwatch_event_target": 1,
        "aws_cloudwatch_log_group": 1,
        "aws_lambda_function": 1,
        "aws_lambda_invocation": 1,
        "aws_lambda_permission": 1,
        "aws_s3_object": 1,
        "aws_ssm_parameter": 1,
        "terraform_data": 1,
    }


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("function_name", "tap-schema-dev"),
        ("handler", "handler.schema_function.lambda_handler"),
        ("timeout", 900),
        ("role", "${aws_iam_role[tap-schema-dev].arn}"),
    ],
)
def test_function(function: Block, attribute: str, value: object) -> None:
    """It has all the time that Lambda gives: a migration may take ten minutes."""
    assert function[attribute] == value


def test_function_is_told_of_the_database_and_the_reader(function: Block) -> None:
    """And of no bus."""
    assert function["environment"]["variables"] == {
        "ENVIRONMENT": "dev",
        "DB_ENDPOINT_PARAM": "${aws_ssm_parameter[/tap/dev/database/endpoint].name}",
        "DB_USERNAME_PARAM": "${aws_ssm_parameter[/tap/dev/database/username].name}",
        "DB_PASSWORD_PARAM": "${aws_ssm_parameter[/tap/dev/database/password].name}",
        "DB_NAME_PARAM": "${aws_ssm_parameter[/tap/dev/database/name].name}",
        "DB_READER_PASSWORD_PARAM": "${aws_ssm_parameter[/tap/dev/database/reader-password].name}",
        "TEXT_RETENTION": "30",
        "OUTCOME_RETENTION": "90",
        "AWS_ENDPOINT_URL_SSM": "https://${data.aws_vpc_endpoint[com.amazonaws.{region}.ssm].dns_entry[0].dns_name}",
    }


def test_looks_for_no_endpoint_that_it_does_not_use(schema: Stack) -> None:
    """The events' one is the ingest function's."""
    assert len(schema.data_sources("aws_vpc_endpoint")) == 1


@pytest.mark.parametrize(("environment", "version"), [("dev", "1"), ("pr42", "7")])
def test_invocation(platform: Platform, changed: Platform, environment: str, version: str) -> None:
    """Another package, password or database makes another one; with CRUD, one that failed would not be made again."""
    stack = (changed if environment == "pr42" else platform)[f"tap-schema-{environment}"]
    invocation = stack.resource("aws_lambda_invocation")
    assert json.loads(invocation["input"]) == {"migrate": True, "uploaders": {}}
    name = f"tap-schema-{environment}"
    assert {key: value for key, value in invocation.items() if key != "input"} == {
        "function_name": f"${{aws_lambda_function[{name}].function_name}}",
        "lifecycle_scope": "CREATE_ONLY",
        "triggers": {
            "package": f"${{aws_lambda_function[{name}].source_code_hash}}",
            "passwords": version,
            "reader": f"${{aws_ssm_parameter[/tap/{environment}/database/reader-password].arn}}",
            "database": f"${{aws_db_instance[tap-rds-{environment}].resource_id}}",
        },
    }


def test_upkeep_is_done_every_day(schema: Stack) -> None:
    """Once the permission to invoke the function stands; only the default bus has schedules."""
    rule, target = schema.resource("aws_cloudwatch_event_rule"), schema.resource("aws_cloudwatch_event_target")
    assert (rule["name"], rule["schedule_expression"]) == ("tap-upkeep-dev", "rate(1 day)")
    assert rule.keys() & {"event_bus_name", "event_pattern", "state"} == set()
    assert json.loads(target["input"]) == {"upkeep": True}
    assert target["rule"] == "${aws_cloudwatch_event_rule[tap-upkeep-dev].name}"
    assert target["arn"] == "${aws_lambda_function[tap-schema-dev].arn}"
    assert target["depends_on"] == ["aws_lambda_permission[tap-schema-dev]"]


def test_the_schedule_alone_may_invoke_the_function(schema: Stack) -> None:
    """Of all that EventBridge does, for whoever."""
    permission = schema.resource("aws_lambda_permission")
    assert permission == {
        "statement_id": "tap-upkeep-dev",
        "action": "lambda:InvokeFunction",
        "function_name": "${aws_lambda_function[tap-schema-dev].function_name}",
        "principal": "events.amazonaws.com",
        "source_arn": "${aws_cloudwatch_event_rule[tap-upkeep-dev].arn}",
    }


@pytest.mark.parametrize(("environment", "texts", "outcomes"), [("staging", "30", "90"), ("prod", "90", "400")])
def test_retention_is_that_of_the_environment(platform: Platform, environment: str, texts: str, outcomes: str) -> None:
    """Ingest is told it as well: it does not record what would be removed at once."""
    variables = platform[f"tap-schema-{environment}"].resource("aws_lambda_function")["environment"]["variables"]
    assert (variables["TEXT_RETENTION"], variables["OUTCOME_RETENTION"]) == (texts, outcomes)
    ingest = platform[f"tap-lambda-{environment}"].resource("aws_lambda_function")["environment"]["variables"]
    assert ingest["OUTCOME_RETENTION"] == outcomes


def test_readers_password_is_made_as_the_owners(platform: Platform, schema: Stack) -> None:
    """Random, written only, under the same key; each is another."""
    reader, owner = (
        stack.resource("aws_ssm_parameter", name=f"/tap/dev/database/{name}")
        for stack, name in ((schema, "reader-password"), (platform["tap-rds-dev"], "password"))
    )
    differing = {key for key in owner if owner[key] != reader.get(key)}
    assert differing == {"name", "description"}
    generators = [
        stack.document["ephemeral"]["aws_secretsmanager_random_password"] for stack in (schema, platform["tap-rds-dev"])
    ]
    assert [list(generator.values()) for generator in generators] == [list(generators[1].values())] * 2


def test_readers_password_is_read_back_by_nobody(schema: Stack) -> None:
    """The function alone needs it."""
    assert schema.document["ephemeral"].keys() == {"aws_secretsmanager_random_password"}


def test_functions_change_after_the_schema(platform: Platform) -> None:
    """Where it fails, the old ones go on."""
    assert "tap-schema-dev" in platform.dependencies["tap-lambda-dev"]
