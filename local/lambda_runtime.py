"""What runs a function's code in its own process, as Lambda's execution environment does.

`local.worker` starts it with the unpacked package as its working directory and on its path. It imports the
handler that `_HANDLER` names and says so in one line of JSON; then it answers each line, an invocation, with
a line. It must not import anything of this project, nor what AWS's runtime does not have.
"""

import importlib
import json
import os
import time
import traceback

_MAX_ANSWER = 6_291_556  # bytes; https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html


class Context:
    """What Lambda passes beside the event; https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    client_context = None
    identity = None

    def __init__(self, *, request_id: str, function_arn: str, deadline: float) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = function_arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        # A string, as in AWS's own runtime.
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout, 0 when it is over."""
        return max(0, int((self._deadline - time.time()) * 1000))


def main() -> None:
    # Standard input is a socket to the worker; the function itself must find nothing there to read.
    invocations = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(0), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def answer(text: str) -> None:
        answers.write(text + "\n")
        answers.flush()

    try:
        module, _, name = os.environ["_HANDLER"].rpartition(".")
        handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    except Exception as fault:  # noqa: BLE001 - whatever the function throws
        answer(_error(fault))
        return
    answer(json.dumps({"ready": True}))
    for line in invocations:
        invocation = json.loads(line)
        event = invocation.pop("event")
        try:
            # An answer that JSON cannot express is the function's fault as well.
            text = _result(handler(event, Context(**invocation)))
        except Exception as fault:  # noqa: BLE001 - whatever the function throws
            text = _error(fault)
        answer(text)


def _result(answer: object) -> str:
    # Not escaped, as in Lambda's runtimes since Python 3.12.
    text = json.dumps(answer, ensure_ascii=False)
    if (size := len(text.encode())) > _MAX_ANSWER:
        message = f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({_MAX_ANSWER} bytes)."
        print(message)
        return json.dumps({"error": {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}})
    return f'{{"result": {text}}}'


def _error(fault: Exception) -> str:
    """The error as Lambda answers it; also printed, since Lambda logs it."""
    traceback.print_exception(fault)
    return json.dumps({"error": {"errorType": type(fault).__name__, "errorMessage": str(fault)}})


if __name__ == "__main__":
    main()
