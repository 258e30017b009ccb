"""The emulated AWS for somebody who lacks permissions: moto's own refusals are none that SQS's clients understand."""

import json
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

from local.emulator import Emulator


@contextmanager
def denying(emulator: Emulator, actions: Collection[str]) -> Iterator[str]:
    """The address of an AWS that passes on to the emulator all but these, which it denies as SQS and the logs do."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            action = self.headers["X-Amz-Target"].rpartition(".")[2]
            if action in actions:
                self._answer(400, json.dumps({"__type": "AccessDeniedException", "message": f"no {action}"}).encode())
                return
            with urlopen(Request(f"{emulator.url}{self.path}", body, dict(self.headers.items()))) as answer:
                self._answer(answer.status, answer.read())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
