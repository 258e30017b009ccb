"""From a request to the answer: finds the page, reads what it shows, and says what is wrong in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import psycopg
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from botocore.exceptions import BotoCoreError, ClientError

from handler.errors import MissingParameter, SchemaMismatch
from handler.lambda_context import LambdaContext
from handler.log import logger
from handler.recording.database import Database
from handler.showing import access
from handler.showing.inputs import BadInput, read_inputs
from handler.showing.pages import PAGES, Resource
from handler.showing.reading import NotRecorded, Reading
from handler.showing.rendering import Answer, Problem, Renderer, View

# What it answers to a GET, it answers to a HEAD.
_METHODS = ["GET", "HEAD"]

_SECURITY = {
    # No script at all, and nothing from elsewhere.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# A page is as fresh as the database, and a static file is named after its content.
_FRESH = {"Cache-Control": "private, no-cache"}
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}

_TOO_SLOW = "The database took too long to answer. Ask for less: one project, one branch."
_UNAVAILABLE = "The database cannot be asked at the moment. Try again in a minute."
_BROKEN = "This page cannot be shown, and that is no fault of yours: the log of the results function says why."
# Seconds after which it is worth asking again.
_RETRY_AFTER = 30

# Lambda takes 6 MB in all, of JSON: some characters take more there. What is gzipped and then base64 is smaller.
_MAX_BODY = 4_000_000  # bytes


class Site:
    """All pages of an environment, for as long as a container lives.

    `address`: where people open the pages; no slash at its end. `environment`: its suffix.
    """

    def __init__(self, *, database: Database, address: str, environment: str) -> None:
        self._database = database
        self._renderer = Renderer(address=address, environment=environment)
        self._resolver = LambdaFunctionUrlResolver()
        for page in PAGES:
            for path, view in page.views(self._renderer):
                self._route(path, self._shown(page, view))
        self._route("/static/<digest>/<name>", self._static)
        self._resolver.not_found(self._not_found)

    def answer(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """The answer to a request, both as function URLs have them."""
        answer = self._resolver.resolve(event, context)  # type: ignore[arg-type]
        if event["requestContext"]["http"]["method"] == "HEAD":
            answer |= {"body": "", "isBase64Encoded": False}
        return answer

    def _route(self, path: str, function: Callable[..., Response[Any]]) -> None:
        self._resolver.route(path, method=_METHODS, compress=True)(function)

    def _shown(self, page: Resource, view: View) -> Callable[..., Response[Any]]:
        def show(**path: str) -> Response[Any]:
            return self._show(page, view, path)

        return show

    def _show(self, page: Resource, view: View, path: dict[str, str]) -> Response[Any]:
        try:
            body = view.write(self._answer(page, path))
            return _response(HTTPStatus.OK, view.content_type, body, {**_FRESH, **view.headers})
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader gets a sentence
            return self._problem(view, _explained(error))

    def _answer(self, page: Resource, path: dict[str, str]) -> Answer:
        inputs = read_inputs(page.inputs, path, self._resolver.current_event.raw_event["rawQueryString"])
        with self._database.connected().transaction() as transaction:
            transaction.connection.execute("set transaction isolation level repeatable read, read only")
            reading = Reading(transaction.connection)
            access.require(reading, self._caller_arn, inputs)
            return Answer(page=page, inputs=inputs, content=page.read(reading, inputs), now=reading.now)

    @property
    def _caller_arn(self) -> str:
        """Of whom IAM admitted."""
        caller_arn: str = self._resolver.current_event.raw_event["requestContext"]["authorizer"]["iam"]["userArn"]
        return caller_arn

    def _problem(self, view: View, problem: Problem) -> Response[Any]:
        content_type, body = self._renderer.problem(view, problem)
        headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after else {}
        return _response(problem.status, content_type, body, {"Cache-Control": "no-store", **headers})

    def _static(self, digest: str, name: str) -> Response[Any]:
        file = self._renderer.static_files.get(name)
        if file is None or file.digest != digest:
            return self._not_found(NotFoundError())
        return _response(HTTPStatus.OK, file.content_type, file.content, _FOR_EVER)

    def _not_found(self, _: NotFoundError) -> Response[Any]:
        view = self._renderer.view_of(self._resolver.current_event.path)
        if self._resolver.current_event.http_method not in _METHODS:
            answer = self._problem(view, Problem(HTTPStatus.METHOD_NOT_ALLOWED, "Here is nothing to change: use GET."))
            answer.headers["Allow"] = ", ".join(_METHODS)
            return answer
        return self._problem(view, Problem(HTTPStatus.NOT_FOUND, "There is no such page."))


def _explained(error: Exception) -> Problem:
    """What the reader is told of an error. What is nobody's doing is logged."""
    match error:
        case BadInput():
            return Problem(HTTPStatus.BAD_REQUEST, str(error))
        case access.NotAllowed():
            return Problem(HTTPStatus.FORBIDDEN, str(error))
        case NotRecorded():
            return Problem(HTTPStatus.NOT_FOUND, str(error), error.retry_after)
        case SchemaMismatch():
            problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), _RETRY_AFTER)
        case psycopg.errors.QueryCanceled() | psycopg.errors.TransactionTimeout():
            problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, _TOO_SLOW, _RETRY_AFTER)
        case psycopg.OperationalError() | MissingParameter() | BotoCoreError() | ClientError():
            problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, _UNAVAILABLE, _RETRY_AFTER)
        case _:
            problem = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, _BROKEN)
    logger.error("A page cannot be shown", exc_info=error)
    return problem


def _response(status: HTTPStatus, content_type: str, body: str | bytes, headers: dict[str, str]) -> Response[Any]:
    size = len(body.encode() if isinstance(body, str) else body)
    if size > _MAX_BODY:
        raise ValueError(f"The answer has {size} bytes, more than Lambda takes.")
    return Response(status_code=status, content_type=content_type, body=body, headers={**_SECURITY, **headers})
