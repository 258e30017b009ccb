"""Function URLs of the emulated AWS: a request to the name that AWS would give one runs the deployed package."""

import base64
import binascii
import json
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from werkzeug import Request, Response

from local import emulated_metrics
from local.emulated_iam import Caller, RefusedError, SignedRequest, authenticate
from local.emulator import REGION
from local.worker import FunctionError, Worker

_HOST = re.compile(rf"(?P<id>[0-9a-z]+)\.lambda-url\.{REGION}\.on\.aws")
_FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see:"
    " https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
_TEXT = re.compile(r"text/|application/(json|javascript|xml|x-www-form-urlencoded)\b", re.IGNORECASE)


def install(worker: Worker) -> None:
    """Let the emulator answer the URLs of functions, which the worker runs, to those whom AWS would let open them.

    What the policy of a function itself says is not looked at: TAP admits nobody by it. A URL that is not of type
    `AWS_IAM` is taken for open to everybody.
    """
    dispatch = DomainDispatcherApplication.__call__

    def answer(application: DomainDispatcherApplication, environ: dict[str, Any], start_response: Any) -> Any:
        if host := _HOST.fullmatch(environ.get("HTTP_HOST", "")):
            return _answer(Request(environ), host["id"], worker.invoke)(environ, start_response)
        return dispatch(application, environ, start_response)

    DomainDispatcherApplication.__call__ = answer  # type: ignore[method-assign,assignment]


def _answer(request: Request, url_id: str, invoke: Callable[[str, Any], Any]) -> Response:
    path, _, query = request.environ["RAW_URI"].partition("?")
    received = SignedRequest(
        method=request.method,
        path=path,
        query=query,
        headers={name.lower(): value for name, value in request.headers},
        body=request.get_data(),
    )
    begin = time.monotonic()
    try:
        function = _find_function(url_id)
    except RefusedError as error:
        return _refusal(error)
    response = _answer_of(function, received, url_id, str(request.remote_addr), invoke)
    emulated_metrics.count_request(function.function_name, response.status_code, seconds=time.monotonic() - begin)
    return response


def _answer_of(
    function: LambdaFunction, request: SignedRequest, url_id: str, source_ip: str, invoke: Callable[[str, Any], Any]
) -> Response:
    try:
        caller = _admit(request, function)
    except RefusedError as error:
        return _refusal(error)
    try:
        answer = invoke(function.function_name, _event(request, url_id, source_ip, function, caller))
        return _response(answer)
    except (FunctionError, _MalformedAnswerError):
        # The reason stands in the function's log.
        return Response("Internal Server Error", HTTPStatus.BAD_GATEWAY, content_type="application/json")


class _MalformedAnswerError(Exception):
    """The function answered what no response can be made of."""


def _find_function(url_id: str) -> LambdaFunction:
    for function in lambda_backends[DEFAULT_ACCOUNT_ID][REGION].list_functions():
        if function.url_config and f"//{url_id}." in function.url_config.url:
            return function
    raise RefusedError("AccessDeniedException", _FORBIDDEN)


def _admit(request: SignedRequest, function: LambdaFunction) -> Caller | None:
    """Whoever opens the URL; None is everybody. Raises RefusedError.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    auth_type = function.get_url_config().to_dict()["AuthType"]
    if auth_type != "AWS_IAM":
        return None
    if "authorization" not in request.headers:
        raise RefusedError("AccessDeniedException", _FORBIDDEN)
    caller = authenticate(request, service="lambda", region=REGION)
    required = {
        "lambda:InvokeFunctionUrl": {"lambda:functionurlauthtype": auth_type},
        "lambda:InvokeFunction": {"lambda:invokedviafunctionurl": "true"},
    }
    if caller.account != function.account_id or not all(
        caller.may(action, function.function_arn, context) for action, context in required.items()
    ):
        raise RefusedError("AccessDeniedException", _FORBIDDEN)
    return caller


def _refusal(error: RefusedError) -> Response:
    # Lambda writes its own message with a capital letter, and those of the signature without.
    name = "Message" if error.error_type == "AccessDeniedException" else "message"
    response = Response(status=HTTPStatus.FORBIDDEN, content_type="application/json")
    response.headers["x-amzn-ErrorType"] = error.error_type
    response.set_data(json.dumps({name: error.message}))
    return response


def _event(
    request: SignedRequest, url_id: str, source_ip: str, function: LambdaFunction, caller: Caller | None
) -> dict[str, Any]:
    """The request in payload format 2.0.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
    """
    now = datetime.now(UTC)
    parameters: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        parameters.setdefault(name, []).append(value)
    cookies = request.headers.get("cookie")
    is_text = _TEXT.match(request.headers.get("content-type", ""))
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": {
            **{name: value for name, value in request.headers.items() if name != "cookie"},
            "x-amzn-trace-id": f"Root=1-{int(now.timestamp()):08x}-{uuid.uuid4().hex[:24]}",
            "x-forwarded-for": source_ip,
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": function.account_id if caller else "anonymous",
            "apiId": url_id,
            "domainName": request.headers["host"],
            "domainPrefix": url_id,
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": source_ip,
                "userAgent": request.headers.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": f"{now:%d/%b/%Y:%H:%M:%S +0000}",
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": bool(request.body) and not is_text,
    }
    if cookies:
        event["cookies"] = cookies.split("; ")
    if parameters:
        event["queryStringParameters"] = {name: ",".join(values) for name, values in parameters.items()}
    if request.body:
        event["body"] = request.body.decode() if is_text else base64.b64encode(request.body).decode()
    if caller:
        event["requestContext"]["authorizer"] = {
            "iam": {
                "accessKey": caller.access_key_id,
                "accountId": caller.account,
                "callerId": caller.user_id,
                "cognitoIdentity": None,
                "principalOrgId": None,
                "userArn": caller.arn,
                "userId": caller.user_id,
            }
        }
    return event


def _response(answer: Any) -> Response:
    """What the function answered, as the client gets it. Raises _MalformedAnswerError.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload
    """
    if not isinstance(answer, dict) or "statusCode" not in answer:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(text, content_type="application/json")
    try:
        body = answer.get("body") or ""
        response = Response(
            base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body,
            status=int(answer["statusCode"]),
            content_type="application/json",
        )
        for name, value in (answer.get("headers") or {}).items():
            response.headers[name] = str(value)
        for cookie in answer.get("cookies") or []:
            response.headers.add("Set-Cookie", cookie)
    except (AttributeError, TypeError, ValueError, binascii.Error) as error:
        raise _MalformedAnswerError from error
    return response
