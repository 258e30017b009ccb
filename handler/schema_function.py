"""The schema function: brings the database's schema up to date, and makes the reader's login.

Terraform invokes it in every deploy that changes the package or a password, before the functions that use the database
change. What it is asked to do may be asked again at any time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import psycopg
from botocore.exceptions import BotoCoreError, ClientError

from handler.aws_clients import make_clients
from handler.environment_variables import SchemaVariables
from handler.errors import MissingParameter
from handler.lambda_context import LambdaContext
from handler.log import logger
from handler.parameters import ParameterStore
from handler.recording import database, reader, schema

# Seconds of the invocation that are kept for its end: what cannot be done before is given up with a sentence.
_RESERVE = 15
# Seconds for which a role that was just made, a password that RDS was just told, or a database that just started may
# still be refused, and between two attempts.
_PATIENCE = 120
_PAUSE = 2

_SETTINGS = {
    # A statement whose function is gone ends, instead of holding its locks.
    "client_connection_check_interval": "5s",
    "idle_in_transaction_session_timeout": "60s",
    # Of all but migrations, which have their own.
    "statement_timeout": "60s",
}

T = TypeVar("T")


class Unavailable(Exception):
    """The database or its credentials cannot be reached. The message says why."""


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers `{"migrate": true}` with the schema's version and what was applied: `{"version": 3, "applied": [2, 3]}`.

    Raises MigrationFailed and Unavailable, whose sentence the deploy ends with, and ValueError for any other event.
    """
    if event != {"migrate": True}:
        raise ValueError('The schema function takes the event {"migrate": true} alone.')

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000 - _RESERVE

    variables = SchemaVariables.read(os.environ)
    (ssm,) = make_clients("ssm")
    parameters = ParameterStore(ssm, variables)
    fetch_reader_password = partial(parameters.fetch, variables.db_reader_password_param)
    connect = partial(database.connect, parameters, application_name="tap-schema", settings=_SETTINGS)
    with _patiently(connect, seconds_left) as connection, schema.alone(connection, seconds_left):
        # First, since the old password is gone already: what a migration makes is the reader's to see as well.
        reader.set_up(connection, _patiently(fetch_reader_password, seconds_left))
        applied = schema.migrate(connection, seconds_left)
        answer = {"version": schema.version(connection), "applied": applied}
    logger.info("Schema is up to date", extra=answer)
    return answer


def _patiently(act: Callable[[], T], seconds_left: Callable[[], float]) -> T:
    until = time.monotonic() + min(_PATIENCE, seconds_left())
    while True:
        try:
            return act()
        except (BotoCoreError, ClientError, MissingParameter, psycopg.OperationalError) as error:
            if time.monotonic() > until:
                raise Unavailable(f"The database or its credentials cannot be reached: {error}") from error
            logger.warning("Waiting for the database", reason=str(error))
            time.sleep(_PAUSE)
