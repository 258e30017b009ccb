"""What the emulator was asked for, as its recorder keeps it."""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import urlopen

from local.emulator import Emulator

# What AWS's SDKs tell of themselves in Lambda, by the variable AWS_EXECUTION_ENV that its runtimes set.
_FUNCTION = re.compile(r"\bexec-env/AWS_Lambda_")
_SIGNED_FOR = re.compile(r"Credential=(?P<key>[^/]+)/\d+/[^/]+/(?P<service>[^/]+)/aws4_request")


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One request, with `headers` by their names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def service(self) -> str:
        """The service that the request was signed for, or nothing."""
        signature = _SIGNED_FOR.search(self.headers.get("authorization", ""))
        return signature["service"] if signature else ""

    @property
    def function(self) -> str | None:
        """Which function made it; None for Terraform, the tests, and the worker in Lambda's place."""
        signature = _SIGNED_FOR.search(self.headers.get("authorization", ""))
        of_function = signature and _FUNCTION.search(self.headers.get("user-agent", ""))
        return signature["key"] if signature and of_function else None


def start_recording(emulator: Emulator) -> None:
    urlopen(f"{emulator.url}/moto-api/recorder/start-recording", data=b"").close()


def recorded(emulator: Emulator) -> list[Recorded]:
    """All requests since the recording was started, in their order."""
    with urlopen(f"{emulator.url}/moto-api/recorder/download-recording") as recording:
        return [_read(line) for line in recording]


def _read(line: bytes) -> Recorded:
    entry = json.loads(line)
    url = urlsplit(entry["url"])
    return Recorded(
        method=entry["method"],
        path=unquote(url.path),
        query=dict(parse_qsl(url.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in entry["headers"].items()},
        body=b64decode(entry["body"]) if entry["body_encoded"] else entry["body"].encode(),
    )
