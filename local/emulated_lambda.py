"""Lambda of the emulated AWS: `Invoke` runs the deployed package."""

import json
from typing import Any

from moto.awslambda.models import LambdaFunction

from local.worker import FunctionError, Worker


def install(worker: Worker) -> None:
    """Let moto's Lambda have the functions that are invoked run by the worker."""

    def invoke(function: LambdaFunction, body: str, _: Any, response_headers: dict[str, str]) -> bytes:
        try:
            answer = worker.invoke(function.function_name, json.loads(body or "{}"))
        except FunctionError as error:
            # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_ResponseElements
            response_headers["X-Amz-Function-Error"] = "Unhandled"
            answer = {"errorType": error.error_type, "errorMessage": error.message}
        return json.dumps(answer).encode()

    LambdaFunction.invoke = invoke  # type: ignore[method-assign,assignment]
