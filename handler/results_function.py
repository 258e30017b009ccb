"""The results function: answers a GET with a page, or with what stands on it as JSON."""

# ruff: noqa: E402 - a cold start waits for the imports. Nothing that they make is garbage, and looking for it all the same
# takes a tenth of their time.

from __future__ import annotations

import gc

gc.disable()

import functools
import os
from typing import Any

from handler.aws_clients import make_clients
from handler.environment_variables import ResultsVariables
from handler.lambda_context import LambdaContext
from handler.log import logger
from handler.parameters import ParameterStore
from handler.recording.database import Database
from handler.showing.site import Site

gc.freeze()
gc.enable()

# The server's, for each session. What it shows is read in one transaction of a moment, and a container that froze must
# not keep a place that another one needs: the reader has few.
_SETTINGS = {
    "statement_timeout": "5s",
    "transaction_timeout": "10s",
    "idle_session_timeout": "60s",
    "client_connection_check_interval": "1s",
}


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes and answers what a function URL does, in its payload format 2.0.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
    """
    return _site().answer(event, context)


@functools.cache
def _site() -> Site:
    # Once per container, since clients and connections take their time.
    variables = ResultsVariables.read(os.environ)
    (ssm,) = make_clients("ssm")
    return Site(
        database=Database(ParameterStore(ssm, variables), application_name="tap-results", settings=_SETTINGS),
        address=variables.results_address,
        environment=variables.environment,
    )
