"""The moto server that emulates AWS, with what TAP needs and moto 5.2.5 lacks.

`local.emulator` starts it as a process of its own, whose standard input is the listening socket: nobody else
can take the port meanwhile. With two arguments, what moto only pretends is real: RDS's instances and Lambda's functions
run on this machine and write into the folder that is the first, and time passes as fast as the second says.
"""

import itertools
import json
import logging
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import unescape

from moto.awslambda.models import FunctionUrlConfig, LambdaFunction
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.rds.models import DBInstance
from moto.s3 import notifications
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response
from moto.sqs import models
from werkzeug.serving import make_server

from local import (
    emulated_alarms,
    emulated_events,
    emulated_lambda,
    emulated_limits,
    emulated_logs,
    emulated_metrics,
    emulated_moves,
    emulated_queries,
    emulated_rds,
    emulated_schedules,
    emulated_urls,
)
from local.access import THIS_MACHINE
from local.emulated_rds import RealServers
from local.emulator import EmulatedAws
from local.worker import Invocation, Worker


class FaithfulQueue(models.Queue):
    """A queue that only its consumers poll, and that a second `terraform plan` finds unchanged."""

    # moto registers each model under the service that its module's name tells.
    __module__ = models.__name__

    # RedriveAllowPolicy: moto accepts it and never answers it, so that the provider waits for it in vain.
    BASE_ATTRIBUTES = [*models.Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"]  # noqa: RUF012 - declared by moto
    redrive_allow_policy: str | None = None

    @property
    def lambda_event_source_mappings(self) -> dict[str, Any]:
        """Always empty: for an enabled mapping moto polls the queue itself and fails without Docker."""
        return {}

    @lambda_event_source_mappings.setter
    def lambda_event_source_mappings(self, mappings: dict[str, Any]) -> None:
        pass

    def _set_attributes(self, attributes: dict[str, Any], now: float | None = None) -> None:
        # moto wipes the queue's policy on every SetQueueAttributes that does not repeat it.
        super()._set_attributes({"Policy": getattr(self, "policy", None), **attributes}, now)

    def add_message(self, message: models.Message) -> None:
        # A dead letter is as old as it is in its queue, and was received as often as from there.
        message.arrived_at = time.time()  # type: ignore[attr-defined]
        message.received_elsewhere = message.approximate_receive_count  # type: ignore[attr-defined]
        super().add_message(message)

    @property
    def attributes(self) -> dict[str, Any]:
        attributes = super().attributes
        # AWS answers compact JSON: at moto's blanks the provider sees another value than it wrote.
        if self.redrive_policy:
            attributes["RedrivePolicy"] = json.dumps(self.redrive_policy, separators=(",", ":"))
        # An empty value removes the attribute.
        attributes["RedriveAllowPolicy"] = self.redrive_allow_policy or None
        return attributes


_sequence = itertools.count(1)
_s3_event = notifications._get_s3_event


def _versioned_s3_event(event_name: str, bucket: Any, key: Any, notification_id: str) -> Any:
    """moto's notification with the object's version id, in a versioned bucket, and its sequencer.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    event = _s3_event(event_name, bucket, key, notification_id)
    entry = event["Records"][0]["s3"]["object"]
    if bucket.is_versioned:
        entry["versionId"] = key.version_id
    entry["sequencer"] = f"{next(_sequence):016X}"
    return event


def _permission(bucket: FakeBucket, action: str, resource: str) -> Any:
    """What the bucket's policy says, without the statements that have a condition.

    moto takes every condition for true, so that "deny what comes without TLS" denies everything.
    """
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    policy["Statement"] = [statement for statement in policy["Statement"] if not statement.get("Condition")]
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)


_list_object_versions = S3Response.list_object_versions


def _list_encoded_object_versions(response: S3Response) -> Any:
    """Encodes the keys, if asked to: moto overlooks it, and the provider then deletes `a b` instead of `a+b`."""
    status, headers, body = _list_object_versions(response)
    if response.querystring.get("encoding-type") == ["url"]:
        encoded = re.sub("<Key>(.*?)</Key>", lambda key: f"<Key>{quote(unescape(key[1]))}</Key>", str(body))
        body = encoded.replace("<IsTruncated>", "<EncodingType>url</EncodingType><IsTruncated>", 1)
    return status, headers, body


_init_rule = SecurityGroupRule.__init__


def _init_described_rule(rule: SecurityGroupRule, *arguments: Any, **named: Any) -> None:
    """Keeps the rule's description, which moto forgets where the peer is a group or a prefix list."""
    _init_rule(rule, *arguments, **named)
    peers = [value for value in (*arguments, *named.values()) if isinstance(value, dict)]
    rule.description = next((peer["Description"] for peer in peers if "Description" in peer), None)  # type: ignore[misc]


def _default_parameter_group(instance: DBInstance) -> tuple[str, str]:
    """The family and name of the default parameter group: RDS has one for each major version of PostgreSQL.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/parameter-groups-overview.html
    """
    family = f"{instance.engine}{str(instance.engine_version).partition('.')[0]}"
    return family, f"default.{family}"


_init_url_config = FunctionUrlConfig.__init__


def _init_complete_url_config(url_config: FunctionUrlConfig, function: LambdaFunction, config: dict[str, Any]) -> None:
    """Ends the URL with a slash, as AWS does."""
    _init_url_config(url_config, function, config)
    url_config.url += "/"


_change_message_visibility = models.SQSBackend.change_message_visibility


def give_back(backend: models.SQSBackend, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
    """Gives any message back: SQS's twelve hours begin when it is received, and moto's when it was sent."""
    queue = backend.get_queue(queue_name)
    for message in queue._messages:
        if int(visibility_timeout) == 0 and message.had_receipt_handle(receipt_handle):
            message.change_visibility(0)
            queue.pending_messages.discard(message)
            return
    _change_message_visibility(backend, queue_name, receipt_handle, visibility_timeout)


def _mend() -> None:
    models.Queue = FaithfulQueue  # type: ignore[misc]
    models.SQSBackend.change_message_visibility = give_back  # type: ignore[method-assign,assignment]
    SecurityGroupRule.__init__ = _init_described_rule  # type: ignore[assignment,method-assign]
    SecurityGroupRule.description = None  # type: ignore[assignment,method-assign]
    DBInstance.default_db_parameter_group_details = _default_parameter_group  # type: ignore[assignment,method-assign]
    S3Response.list_object_versions = _list_encoded_object_versions  # type: ignore[assignment,method-assign]
    FunctionUrlConfig.__init__ = _init_complete_url_config  # type: ignore[assignment,method-assign]
    FakeBucket.get_permission = _permission  # type: ignore[assignment,method-assign]
    notifications._get_s3_event = _versioned_s3_event
    emulated_events.install(asks_policies=False)
    emulated_limits.install()
    emulated_moves.install()
    emulated_queries.install()
    # One line per request would bury the errors.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)


@contextmanager
def _real_parts(url: str, directory: Path, speed: int) -> Iterator[None]:
    """Real databases and functions, and what AWS measures of them, for as long as the emulator answers at `url`."""

    def report(invocation: Invocation) -> None:
        emulated_metrics.count_invocation(invocation, speed=speed)
        emulated_logs.deliver(invocation)

    with (
        RealServers(directory) as servers,
        Worker(
            emulator=EmulatedAws(url),
            database_host_address=THIS_MACHINE,
            ca_file=servers.ca_file,
            directory=directory,
            report=report,
        ) as worker,
    ):
        emulated_alarms.install()
        emulated_events.install(asks_policies=True)
        emulated_rds.install(servers)
        emulated_lambda.install(worker)
        emulated_urls.install(worker)
        with emulated_schedules.fired(EmulatedAws(url), speed=speed), emulated_alarms.judged(servers, speed=speed):
            yield


def _stop(*_: object) -> None:
    sys.exit()


def main() -> None:
    _mend()
    signal.signal(signal.SIGTERM, _stop)
    listener = socket.socket(fileno=0)
    host, port = listener.getsockname()
    server = make_server(
        host,
        port,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=MotoRequestHandler,
        fd=listener.fileno(),
    )
    with ExitStack() as stack:
        if sys.argv[1:]:
            directory, speed = sys.argv[1:]
            stack.enter_context(_real_parts(f"http://{host}:{port}", Path(directory), int(speed)))
        server.serve_forever()


if __name__ == "__main__":
    main()
