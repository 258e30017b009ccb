"""The physical names of AWS resources: made here and nowhere else, and held against AWS's length limits."""

from enum import IntEnum

from handler.upload_roles import UPLOAD_ROLE_PREFIX


class MaxLength(IntEnum):
    """The longest name that AWS takes, in characters (each service's page of naming rules or quotas)."""

    EVENT_ARCHIVE = 48
    BUCKET = 63
    DB_INSTANCE = 63
    EVENT_RULE = 64
    FUNCTION = 64
    ROLE = 64
    QUEUE = 80
    POLICY = 128
    ALARM = 255
    DASHBOARD = 255
    QUERY_DEFINITION = 255
    SECURITY_GROUP = 255
    EVENT_BUS = 256
    TOPIC = 256
    LOG_GROUP = 512
    PARAMETER = 1011


_ACCOUNT_ID_LENGTH = 12

ACCOUNT_STACK = "tap-account"
"""The tag `Stack` of what the account stack made."""
ACCOUNT_KEY_ALIAS = "alias/tap-account"
EVENT_LOG_POLICY = "tap-events"
"""CloudWatch Logs' resource policy that lets EventBridge write to the log groups of all environments."""


def resource_name(service: str, suffix: str, limit: MaxLength) -> str:
    """`tap-{service}-{suffix}`; raises ValueError if AWS would not take a name of that length.

    Of two services for one type of resource, neither may begin with the other and a hyphen: `ingest-dlq` for `x`
    would be `ingest` for an environment `dlq-x`.
    """
    return _within(limit, f"tap-{service}-{suffix}")


def bucket_name(service: str, suffix: str, account_id: str) -> str:
    """A bucket's name, which ends in the account id (a token until Terraform runs): bucket names are global."""
    _within(MaxLength.BUCKET, f"tap-{service}-{suffix}-{'0' * _ACCOUNT_ID_LENGTH}")
    return f"tap-{service}-{suffix}-{account_id}"


def state_bucket_name(region: str, account_id: str) -> str:
    """The state bucket's name: there is one per account and region, both tokens until Terraform runs."""
    return f"tap-state-{region}-{account_id}"


def access_log_bucket_name(region: str, account_id: str) -> str:
    """The name of the bucket to which the others of an account and region log who uses them."""
    return f"tap-access-logs-{region}-{account_id}"


def event_log_group_name(suffix: str) -> str:
    """A name that EventBridge may write to: the account's log resource policy admits `/aws/events/tap-*`."""
    return _within(MaxLength.LOG_GROUP, f"/aws/events/tap-application-events-{suffix}")


def function_name(service: str, suffix: str) -> str:
    """The name of an environment's function: its role is told the log group before the function exists."""
    return resource_name(service, suffix, MaxLength.FUNCTION)


def upload_role_name(uploader: str, suffix: str) -> str:
    """The name of an uploader's role, by which the results function knows whose results it may see."""
    return _within(MaxLength.ROLE, f"{UPLOAD_ROLE_PREFIX}{uploader}-{suffix}")


def function_log_group_name(name: str) -> str:
    """The log group that Lambda writes the lines of the function `name` to."""
    return _within(MaxLength.LOG_GROUP, f"/aws/lambda/{name}")


def parameter_prefix(suffix: str) -> str:
    """The folder of an environment's parameters, with its slash at the end."""
    return _within(MaxLength.PARAMETER, f"/tap/{suffix}/")


def database_parameter_name(suffix: str, name: str) -> str:
    """The parameter that holds the database's `endpoint`, `username`, `password`, `reader-password` or `name`."""
    return _within(MaxLength.PARAMETER, f"{parameter_prefix(suffix)}database/{name}")


def _within(limit: MaxLength, name: str) -> str:
    if len(name) > limit:
        raise ValueError(f"the name {name!r} has {len(name)} characters; AWS takes {limit.value}: shorten it")
    return name
