"""A process that has imported the functions, and becomes a container of theirs each time it is asked for one.

A process is copied in milliseconds, where a start from nothing takes the better part of a second: so a container may be
killed as often as a schedule likes. Each copy has clients and connections of its own. `tests.chaos.containers` starts
it as Lambda's environment is started: it sees the package, the runtime's modules, and nothing of this project.

Arguments: the file of what runs a function's code. Standard input: a Unix socket. `fork HANDLER`, sent with a socket
for the invocations, is answered by the number of the new process; `kill NUMBER` when that process is no more.
"""

import importlib.util
import os
import signal
import socket
import sys
import time
from typing import Any

# The functions' pauses between attempts, and botocore's, in hundredths: a fault passes as much faster than in AWS.
_CLOCK = 0.01

_sleep = time.sleep


def _sleep_shortly(seconds: float) -> None:
    _sleep(seconds * _CLOCK)


def _runtime(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("lambda_runtime", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    control = socket.socket(fileno=os.dup(0))
    runtime = _runtime(sys.argv[1])
    time.sleep = _sleep_shortly  # type: ignore[assignment]
    ingest_function = importlib.import_module("handler.ingest_function")
    importlib.import_module("handler.schema_function")
    # The clients read hundreds of kilobytes about AWS; their connections are made by whoever uses them first.
    ingest_function._processor()
    children = set()
    control.sendall(b"ready\n")
    while True:
        request, sockets, *_ = socket.recv_fds(control, 1024, 1)
        match request.decode().split():
            case ["fork", handler]:
                child = os.fork()
                if child == 0:
                    control.close()
                    _become_container(runtime, handler, *sockets)
                children.add(child)
                os.close(sockets[0])
                control.sendall(f"{child}\n".encode())
            case ["kill", number]:
                _end(int(number))
                children.remove(int(number))
                control.sendall(b"killed\n")
            case _:
                break
    for child in children:
        _end(child)


def _become_container(runtime: Any, handler: str, invocations: int) -> None:
    try:
        os.environ["_HANDLER"] = handler
        os.dup2(invocations, 0)
        os.close(invocations)
        runtime.main()
    finally:
        os._exit(0)


def _end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
