"""IAM's part in the emulated AWS, where a request has to be refused as AWS refuses it: who signed it, and may they?

moto knows users, roles, sessions and their policies, but takes every condition for true or for a denial, and every
resource for any.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.access_control import AssumedRoleAccessKey, IAMPolicy, IAMUserAccessKey
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from local.emulator import ADMINISTRATOR

Statement = Mapping[str, Any]

_PARTITION = "aws"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)"
    r"/aws4_request,\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_DATE = re.compile(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3])[0-5]\d[0-5]\dZ")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
_MAX_AGE = timedelta(minutes=5)
_INVALID_SIGNATURE = "InvalidSignatureException"
_EVERYTHING: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}


class RefusedError(Exception):
    """AWS would refuse the request. `error_type`: how AWS calls the reason."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """A request as it came: `path` and `query` as they were sent, `headers` by their names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The identity whose access key signed a request."""

    account: str
    arn: str
    user_id: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    policies: Sequence[Sequence[Statement]]
    """Each of these has to allow what the caller does: the statements of its policies, and of its session's."""

    def may(self, action: str, resource: str, context: Mapping[str, str]) -> bool:
        """Whether the caller's own policies allow it. `context`: all that conditions can ask for, by lower-case keys.

        A condition that asks for anything else counts against the caller. Permissions boundaries are not looked at.
        """
        return all(_allow(statements, action, resource, context) for statements in self.policies)


def admits(policy: Statement, *, service: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether the policy of a resource lets an AWS service do this to it. `context` is as for `Caller.may`."""
    statements = [it for it in _list(policy["Statement"]) if _is_for(it["Principal"], service)]
    return _allow(statements, action, resource, context)


def _is_for(principal: Any, service: str) -> bool:
    return principal == "*" or "*" in _list(principal.get("AWS", [])) or service in _list(principal.get("Service", []))


def authenticate(request: SignedRequest, *, service: str, region: str) -> Caller:
    """Who signed the request for a service in a region, just now. Raises RefusedError."""
    authorization = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if not authorization:
        raise RefusedError("MissingAuthenticationTokenException", "Missing Authentication Token")
    _require_scope(request, authorization, service=service, region=region)
    caller = _find_caller(authorization["key"], request.headers.get("x-amz-security-token"))
    _require_now(request.headers["x-amz-date"])
    claimed_hash = request.headers.get("x-amz-content-sha256")
    if (claimed_hash and claimed_hash != hashlib.sha256(request.body).hexdigest()) or not hmac.compare_digest(
        _signature(request, authorization, caller.secret_access_key), authorization["signature"]
    ):
        raise RefusedError(
            _INVALID_SIGNATURE,
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
            " Access Key and signing method. Consult the service documentation for details.",
        )
    return caller


def _require_scope(request: SignedRequest, authorization: re.Match[str], *, service: str, region: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html"""
    date = request.headers.get("x-amz-date", "")
    # All that concerns AWS has to be signed, of what the request has.
    unsigned = {"host", *(it for it in request.headers if it.startswith("x-amz-"))} - {
        *authorization["headers"].split(";")
    }
    problem = None
    if authorization["region"] != region:
        problem = f"Credential should be scoped to a valid region, not {authorization['region']!r}."
    elif authorization["service"] != service:
        problem = f"Credential should be scoped to correct service: {service!r}."
    elif not _DATE.fullmatch(date):
        problem = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
    elif authorization["date"] != date[:8]:
        problem = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."
    elif unsigned:
        problem = f"{', '.join(sorted(unsigned))} must be in SignedHeaders."
    if problem:
        raise RefusedError(_INVALID_SIGNATURE, problem)


def _require_now(date: str) -> None:
    now = datetime.now(UTC)
    signed_at = datetime.strptime(date, _DATE_FORMAT).replace(tzinfo=UTC)
    if abs(now - signed_at) > _MAX_AGE:
        problem = "Signature expired" if signed_at < now else "Signature not yet current"
        raise RefusedError(_INVALID_SIGNATURE, f"{problem}: {date} is too far from {now:{_DATE_FORMAT}}")


class _Verifier(SigV4Auth):  # type: ignore[misc]
    """Computes what the signature of a received request has to be."""

    def headers_to_sign(self, request: AWSRequest) -> Any:
        """Exactly those that the sender signed, also such as botocore leaves out of what it sends."""
        return request.headers

    def canonical_query_string(self, request: AWSRequest) -> str:
        """In AWS's own form, which is not always that in which it was sent.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
        """
        pairs = (pair.partition("=") for pair in request.context["query"].split("&") if pair)
        return "&".join(
            f"{name}={value}" for name, value in sorted((_encoded(name), _encoded(it)) for name, _, it in pairs)
        )


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


def _signature(request: SignedRequest, authorization: re.Match[str], secret: str) -> str:
    names = authorization["headers"].split(";")
    received = AWSRequest(
        method=request.method,
        url=f"https://{request.headers['host']}{request.path}",
        data=request.body,
        headers={name: request.headers.get(name, "") for name in names},
    )
    received.context.update(timestamp=request.headers["x-amz-date"], query=request.query)
    credentials = Credentials(authorization["key"], secret)
    verifier = _Verifier(credentials, authorization["service"], authorization["region"])
    signature: str = verifier.signature(
        verifier.string_to_sign(received, verifier.canonical_request(received)), received
    )
    return signature


def _find_caller(access_key_id: str, token: str | None) -> Caller:
    """The owner of the key, in whichever account."""
    if access_key_id == ADMINISTRATOR and token is None:
        account = DEFAULT_ACCOUNT_ID
        return Caller(
            account=account,
            arn=f"arn:{_PARTITION}:iam::{account}:root",
            user_id=account,
            access_key_id=access_key_id,
            secret_access_key=ADMINISTRATOR,
            policies=[[_EVERYTHING]],
        )
    for account in [*iam_backends]:
        if caller := _user(account, access_key_id, token) or _session(account, access_key_id, token):
            return caller
    raise _invalid_token()


def _invalid_token() -> RefusedError:
    return RefusedError("UnrecognizedClientException", "The security token included in the request is invalid.")


def _user(account: str, access_key_id: str, token: str | None) -> Caller | None:
    user = iam_backends[account][_PARTITION].get_user_from_access_key_id(access_key_id)
    if not user or token is not None:
        return None
    access_key = user.get_access_key_by_id(access_key_id)
    if access_key.status != "Active":
        return None
    known = IAMUserAccessKey(account, _PARTITION, access_key_id, headers={})
    return Caller(
        account=account,
        arn=user.arn,
        user_id=user.id,
        access_key_id=access_key_id,
        secret_access_key=access_key.secret_access_key,
        policies=[[*_statements(known.collect_policies())]],
    )


def _session(account: str, access_key_id: str, token: str | None) -> Caller | None:
    session = sts_backends[account][_PARTITION].get_assumed_role_from_access_key(access_key_id)
    if not session or token != session.session_token:
        return None
    # moto's times have no time zone, and are UTC's.
    if session.expiration.replace(tzinfo=UTC) < datetime.now(UTC):
        raise RefusedError("ExpiredTokenException", "The security token included in the request is expired")
    known = AssumedRoleAccessKey(account, _PARTITION, access_key_id, headers={"X-Amz-Security-Token": token})
    try:
        policies = [[*_statements(known.collect_policies())]]
    except NotFoundException:
        # The role was deleted, or stands in another account and was never made.
        policies = [[]]
    if session.policy:
        policies.append([*_statements([session.policy])])
    return Caller(
        account=account,
        arn=session.arn,
        user_id=session.user_id,
        access_key_id=access_key_id,
        secret_access_key=session.secret_access_key,
        policies=policies,
    )


def _statements(policies: Sequence[Any]) -> Iterator[Statement]:
    """Of policies as moto collects them: documents, and models of such."""
    for policy in policies:
        yield from _list(IAMPolicy(policy)._policy_json["Statement"])


def _allow(statements: Sequence[Statement], action: str, resource: str, context: Mapping[str, str]) -> bool:
    applying = [it for it in statements if _is_about(it, "Action", action) and _is_about(it, "Resource", resource)]
    if any(it["Effect"] == "Deny" and _holds(it, context) is not False for it in applying):
        return False
    return any(it["Effect"] == "Allow" and _holds(it, context) is True for it in applying)


def _is_about(statement: Statement, element: str, value: str) -> bool:
    """Whether its `Action` or `Resource`, or all but its `NotAction` or `NotResource`, is this one."""
    flags = re.IGNORECASE if element == "Action" else re.NOFLAG
    patterns = statement.get(element, statement.get(f"Not{element}"))
    found = any(re.fullmatch(_expression(pattern), value, flags) for pattern in _list(patterns))
    return found is (element in statement)


def _holds(statement: Statement, context: Mapping[str, str]) -> bool | None:
    """Whether its condition is met; None if it asks for what is not known here."""
    met = True
    for operator, keys in statement.get("Condition", {}).items():
        compares = _OPERATORS.get(operator.removesuffix("IfExists"))
        for key, values in keys.items():
            if compares is None or key.lower() not in {*_KEYS, *context}:
                return None
            actual = context.get(key.lower())
            if actual is None:
                met = met and operator.endswith("IfExists")
            else:
                met = met and any(compares(str(it), actual) for it in _list(values))
    return met


_KEYS = {"lambda:functionurlauthtype", "lambda:invokedviafunctionurl"}
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": lambda wanted, actual: bool(re.fullmatch(_expression(wanted), actual)),
    "ArnLike": lambda wanted, actual: bool(re.fullmatch(_expression(wanted), actual)),
    "StringEquals": lambda wanted, actual: wanted == actual,
    "StringLike": lambda wanted, actual: bool(re.fullmatch(_expression(wanted), actual)),
    "Bool": lambda wanted, actual: wanted.lower() == actual,
}


def _expression(pattern: str) -> str:
    """The regular expression of a pattern of IAM's."""
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
