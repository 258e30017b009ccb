"""The functions' environment variables."""

import pytest

from handler.environment_variables import IngestVariables, SchemaVariables

VARIABLES = {
    "ENVIRONMENT": "dev",
    "DB_ENDPOINT_PARAM": "/tap/dev/database/endpoint",
    "DB_USERNAME_PARAM": "/tap/dev/database/username",
    "DB_PASSWORD_PARAM": "/tap/dev/database/password",
    "DB_NAME_PARAM": "/tap/dev/database/name",
    "EVENT_BUS_NAME": "tap-application-events-dev",
    "EVENT_SOURCE": "tap.application.dev",
    "OUTCOME_RETENTION": "90",
    "RESULTS_ADDRESS": "https://tap.example.com",
    "ANNOUNCE_TEST_NAMES": "false",
}


def test_reads_its_variables_and_ignores_others() -> None:
    """Each variable has its field."""
    assert IngestVariables.read({**VARIABLES, "PATH": "/bin"}) == IngestVariables(
        environment="dev",
        db_endpoint_param="/tap/dev/database/endpoint",
        db_username_param="/tap/dev/database/username",
        db_password_param="/tap/dev/database/password",
        db_name_param="/tap/dev/database/name",
        event_bus_name="tap-application-events-dev",
        event_source="tap.application.dev",
        outcome_retention=90,
        results_address="https://tap.example.com",
        announce_test_names=False,
    )


def test_names_every_missing_and_empty_variable_in_one_sentence() -> None:
    """Whoever deploys a wrong configuration sees all of it at once."""
    variables = {**VARIABLES, "EVENT_SOURCE": ""}
    del variables["DB_NAME_PARAM"]
    with pytest.raises(KeyError) as error:
        IngestVariables.read(variables)
    assert error.value.args == ("Set DB_NAME_PARAM, EVENT_SOURCE in the function's environment.",)


def test_a_number_must_be_one() -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="'ninety'"):
        IngestVariables.read({**VARIABLES, "OUTCOME_RETENTION": "ninety"})


def test_a_flag_is_true_or_false() -> None:
    """As Terraform writes it; nothing is guessed."""
    assert IngestVariables.read({**VARIABLES, "ANNOUNCE_TEST_NAMES": "true"}).announce_test_names
    with pytest.raises(ValueError, match=r"'True' is neither true nor false\."):
        IngestVariables.read({**VARIABLES, "ANNOUNCE_TEST_NAMES": "True"})


def test_schema_function_is_told_of_the_reader_and_of_no_bus() -> None:
    """It announces nothing."""
    variables = {name: value for name, value in VARIABLES.items() if not name.startswith("EVENT_")}
    with pytest.raises(KeyError, match="Set DB_READER_PASSWORD_PARAM, TEXT_RETENTION in"):
        SchemaVariables.read(variables)
    reader = "/tap/dev/database/reader-password"
    variables |= {"DB_READER_PASSWORD_PARAM": reader, "TEXT_RETENTION": "30"}
    assert SchemaVariables.read(variables).db_reader_password_param == reader
