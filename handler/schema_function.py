"""The schema function: keeps the database's schema, and what is kept in it.

Terraform invokes it in every deploy that changes the package or a password, before the functions that use the database
change; a schedule invokes it every day, and whoever wants something forgotten. What it is asked to do may be asked
again at any time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from handler.aws_clients import make_clients
from handler.environment_variables import SchemaVariables
from handler.errors import MissingParameter
from handler.lambda_context import LambdaContext
from handler.log import logger
from handler.metric_names import NAMESPACE, SERVICE, MetricName
from handler.parameters import ParameterStore
from handler.recording import database, finding, forgetting, reader, schema, upkeep, uploaders

metrics = Metrics(namespace=NAMESPACE, service=SERVICE)

# Seconds of the invocation that are kept for its end: what cannot be done before is given up with a sentence.
_RESERVE = 15
# Seconds for which a role that was just made, a password that RDS was just told, or a database that just started may
# still be refused, and between two attempts.
_PATIENCE = 120
_PAUSE = 2

# Seconds. Whoever waits for the answer may lose a connection that is silent for more than 350 seconds, on which NAT
# gateways give up; they ask again for what is left.
_FORGETTING = 200

# Seconds that the daily upkeep may take, since a migration waits for it; what is left is done on the next day.
_UPKEEP = 300

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
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: PLR0911 - one for each
    """Does one of these, and answers what came of it:

    - `{"migrate": true, "uploaders": {"tap-upload-shop-dev": ["shop"]}}`: brings the schema up to date, and sets which
      projects' folders belong to which roles; these stay if they are left out: `{"version": 3, "applied": [2, 3]}`.
    - `{"upkeep": true}`: removes what is past its retention: see upkeep.Removed.
    - `{"find": {"project": "shop"}}` or `{"find": {"upload": "<event_id>"}}`: some of these uploads, each with
      `event_id`, `bucket`, `key` and `version_id`; and how many there are in all: `{"uploads": [...], "count": 1234}`.
    - `{"forget": ["<event_id>", ...]}`: removes these uploads: see forgetting.forget.
    - `{"find_reports": {"project": "shop", "after": "<event_id>"}}`, or with "upload": the same of reports alone, those
      behind this one in the order of their ids. All are behind the id of zeros.

    Raises MigrationFailed, SchemaMismatch and Unavailable, whose sentence a deploy ends with, and ValueError for any
    other event.
    """

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000 - _RESERVE

    variables = SchemaVariables.read(os.environ)
    (ssm,) = make_clients("ssm")
    invocation = _Invocation(variables, ParameterStore(ssm, variables), seconds_left)
    match event:
        case {"migrate": True, "uploaders": dict(projects), **others} if not others:
            return invocation.migrate(projects)
        case {"migrate": True, **others} if not others:
            return invocation.migrate()
        case {"upkeep": True, **others} if not others:
            return invocation.keep_up()
        case {"find": {"project": str(project), **others}} if not others and len(event) == 1:
            return invocation.find(project=project)
        case {"find": {"upload": str(event_id), **others}} if not others and len(event) == 1:
            return invocation.find(event_id=UUID(event_id))
        case {"forget": [*event_ids]} if len(event) == 1:
            return invocation.forget([UUID(event_id) for event_id in event_ids])
        case {"find_reports": {"project": str(project), "after": str(after)} as what} if (len(what), len(event)) == (
            2,
            1,
        ):
            return invocation.find_reports(project=project, after=UUID(after))
        case {"find_reports": {"upload": str(event_id), "after": str(after)} as what} if (len(what), len(event)) == (
            2,
            1,
        ):
            return invocation.find_reports(event_id=UUID(event_id), after=UUID(after))
    raise ValueError(
        'The schema function takes {"migrate": true}, {"upkeep": true}, {"find": {"project": "..."}},'
        ' {"find": {"upload": "..."}}, {"forget": ["..."]} or {"find_reports": {..., "after": "..."}}.'
    )


class _Invocation:
    def __init__(
        self, variables: SchemaVariables, parameters: ParameterStore, seconds_left: Callable[[], float]
    ) -> None:
        self._variables = variables
        self._parameters = parameters
        self._seconds_left = seconds_left

    def migrate(self, projects: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
        """`projects`: of the role of each uploader."""
        fetch_reader_password = partial(self._parameters.fetch, self._variables.db_reader_password_param)
        with self._connected() as connection, schema.alone(connection, self._seconds_left):
            # First, since the old password is gone already: what a migration makes is the reader's to see as well.
            reader.set_up(connection, _patiently(fetch_reader_password, self._seconds_left))
            applied = schema.migrate(connection, self._seconds_left)
            if projects is not None:
                uploaders.replace(connection, projects)
            answer = {"version": schema.version(connection), "applied": applied}
        logger.info("Schema is up to date", extra=answer)
        return answer

    def keep_up(self) -> dict[str, Any]:
        with self._connected() as connection, schema.alone(connection, self._seconds_left):
            schema.require(connection, schema.package_version())
            until = time.monotonic() + min(_UPKEEP, self._seconds_left())
            removed = upkeep.keep_up(
                connection,
                text_retention=self._variables.text_retention,
                outcome_retention=self._variables.outcome_retention,
                seconds_left=lambda: until - time.monotonic(),
            )
        answer = asdict(removed)
        logger.info("Upkeep is done" if removed.is_complete else "Upkeep goes on tomorrow", extra=answer)
        metrics.set_default_dimensions(environment=self._variables.environment)
        metrics.add_metric(MetricName.REMOVED_TEXTS, MetricUnit.Count, removed.texts)
        metrics.add_metric(MetricName.REMOVED_UPLOADS, MetricUnit.Count, removed.uploads)
        metrics.add_metric(MetricName.REMOVED_TESTS, MetricUnit.Count, removed.tests)
        metrics.add_metric(MetricName.UPKEEP_COMPLETE, MetricUnit.Count, removed.is_complete)
        metrics.flush_metrics()
        return answer

    def find(self, *, project: str | None = None, event_id: UUID | None = None) -> dict[str, Any]:
        with self._connected() as connection:
            return finding.find(connection, project=project, event_id=event_id)

    def find_reports(self, *, project: str | None = None, event_id: UUID | None = None, after: UUID) -> dict[str, Any]:
        with self._connected() as connection:
            return finding.find_reports(connection, project=project, event_id=event_id, after=after)

    def forget(self, event_ids: list[UUID]) -> dict[str, Any]:
        # Alone, since the upkeep would remove the same rows in another order.
        with self._connected() as connection, schema.alone(connection, self._seconds_left):
            schema.require(connection, schema.package_version())
            until = time.monotonic() + min(_FORGETTING, self._seconds_left())
            answer = forgetting.forget(connection, event_ids, lambda: until - time.monotonic())
        logger.info("Uploads are forgotten", extra={**answer, "event_ids": [str(event_id) for event_id in event_ids]})
        return answer

    def _connected(self) -> psycopg.Connection[Any]:
        connect = partial(database.connect, self._parameters, application_name="tap-schema", settings=_SETTINGS)
        return _patiently(connect, self._seconds_left)


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
