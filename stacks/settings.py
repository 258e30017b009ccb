"""What can be set about TAP: read from the environment, checked, and typed.

`Settings.read(os.environ)` is the one place that looks at environment variables; stacks and constructs get values.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, Self
from urllib.parse import urlsplit

MAX_SUFFIX_LENGTH: Final = 20
ACCOUNT_SUFFIX: Final = "account"  # names the account stack, hence no environment

VARIABLES: Final = frozenset(
    {
        "AWS_ENDPOINT_URL",
        "DB_PASSWORD_VERSION",
        "DB_PORT",
        "ENVIRONMENT_SUFFIX",
        "EVENTS_VPC_ENDPOINT_ID",
        "S3_VPC_ENDPOINT_ID",
        "SSM_VPC_ENDPOINT_ID",
        "TF_STATE_BUCKET",
    }
)

_SUFFIX = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # S3's naming rules for general purpose buckets
_VPC_ENDPOINT_ID = re.compile(r"vpce-[0-9a-f]{8,17}")


class SettingsError(ValueError):
    """A setting is wrong; the message names it, its value and what to do."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentSettings:
    """One environment. The defaults are the disposable preset: cheap, and gone without a trace when destroyed."""

    suffix: str

    disposable: bool = True
    """Destroying the environment takes its data along: no final snapshot, buckets emptied, no deletion protection."""

    database_instance_class: str = "db.t4g.micro"
    database_storage: int = 20
    """GiB; gp3 starts at 20."""
    database_max_storage: int = 50
    """GiB; the limit of storage autoscaling."""
    database_multi_az: bool = False
    database_port: int = 5432
    backup_retention: int = 7
    """Days; RDS keeps 1 to 35."""
    password_version: int = 1
    """Raising it rotates the database password in the next deploy."""

    function_memory: int = 512
    """MiB; Lambda's processor share grows with it."""
    function_timeout: int = 120
    """Seconds; the ingest queue hides a message for six times as long."""
    function_concurrency: int = 5
    """Functions at once, each with one database connection; an event source mapping takes 2 to 1000."""

    log_retention: int = 14
    """Days; one of the values that CloudWatch Logs knows."""
    event_retention: int = 14
    """Days that the event archive can be replayed."""
    version_retention: int = 30
    """Days that replaced and deleted objects can be got back."""


def _preset(suffix: str) -> EnvironmentSettings:
    if suffix == "prod":
        return EnvironmentSettings(
            suffix=suffix,
            disposable=False,
            database_instance_class="db.t4g.medium",
            database_storage=100,
            database_max_storage=1000,
            database_multi_az=True,
            backup_retention=35,
            function_memory=1024,
            function_concurrency=20,
            log_retention=365,
            event_retention=90,
            version_retention=365,
        )
    if suffix == "staging":
        return EnvironmentSettings(
            suffix=suffix, disposable=False, backup_retention=14, log_retention=30, event_retention=30
        )
    return EnvironmentSettings(suffix=suffix)


@dataclass(frozen=True, kw_only=True)
class ExistingEndpoints:
    """VPC endpoints that the default VPC already has and TAP is to use: ids, None where TAP makes its own."""

    s3: str | None = None
    ssm: str | None = None
    events: str | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a run of `main.py` is told."""

    environments: tuple[EnvironmentSettings, ...]
    state_bucket: str | None = None
    """The S3 bucket of the Terraform state; None keeps the state in local files."""
    existing_endpoints: ExistingEndpoints = ExistingEndpoints()
    emulator_url: str | None = None
    """Where an emulated AWS listens on this machine; None is AWS itself."""

    @property
    def package_target(self) -> Literal["aws", "host"]:
        """What the function's package is built for: Lambda, or this machine's own Python and processor."""
        return "host" if self.emulator_url else "aws"

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """The settings that `variables` (`os.environ`) give; an empty variable counts as not set.

        Raises SettingsError with one sentence at the first wrong one.
        """
        given = {name: value for name in VARIABLES if (value := variables.get(name, "").strip())}
        password_version = _whole_number(given, "DB_PASSWORD_VERSION", default=1, lowest=1, highest=2**31 - 1)
        # RDS takes the ports 1150 to 65535 (CreateDBInstance).
        database_port = _whole_number(given, "DB_PORT", default=5432, lowest=1150, highest=65535)
        suffixes = [_suffix(suffix.strip()) for suffix in given.get("ENVIRONMENT_SUFFIX", "dev").split(",")]
        return cls(
            environments=tuple(
                replace(_preset(suffix), password_version=password_version, database_port=database_port)
                for suffix in dict.fromkeys(suffixes)
            ),
            state_bucket=_matching(given, "TF_STATE_BUCKET", _BUCKET, "the name of an S3 bucket"),
            existing_endpoints=ExistingEndpoints(
                s3=_vpc_endpoint_id(given, "S3_VPC_ENDPOINT_ID"),
                ssm=_vpc_endpoint_id(given, "SSM_VPC_ENDPOINT_ID"),
                events=_vpc_endpoint_id(given, "EVENTS_VPC_ENDPOINT_ID"),
            ),
            emulator_url=_url(given, "AWS_ENDPOINT_URL"),
        )


def _suffix(suffix: str) -> str:
    if not _SUFFIX.fullmatch(suffix) or len(suffix) > MAX_SUFFIX_LENGTH:
        raise SettingsError(
            f"ENVIRONMENT_SUFFIX {suffix!r} is not valid: use lower-case letters, digits and inner hyphens,"
            f" at most {MAX_SUFFIX_LENGTH} characters, several with commas between them (dev,pr42)"
        )
    if suffix == ACCOUNT_SUFFIX:
        raise SettingsError(f"ENVIRONMENT_SUFFIX {suffix!r} is reserved for the account stack: choose another")
    if suffix.startswith("prod") and suffix != "prod":
        raise SettingsError(
            f"ENVIRONMENT_SUFFIX {suffix!r} would be a disposable environment that looks like production:"
            " write 'prod', or choose a name that does not start with it"
        )
    return suffix


def _whole_number(given: Mapping[str, str], name: str, *, default: int, lowest: int, highest: int) -> int:
    value = given.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,10}", value) or not lowest <= int(value) <= highest:
        raise SettingsError(f"{name} {value!r} is not valid: give a whole number from {lowest} to {highest}")
    return int(value)


def _matching(given: Mapping[str, str], name: str, pattern: re.Pattern[str], meaning: str) -> str | None:
    value = given.get(name)
    if value is not None and not pattern.fullmatch(value):
        raise SettingsError(f"{name} {value!r} is not valid: give {meaning}, or unset it")
    return value


def _vpc_endpoint_id(given: Mapping[str, str], name: str) -> str | None:
    return _matching(given, name, _VPC_ENDPOINT_ID, "the id of a VPC endpoint (vpce-...)")


def _url(given: Mapping[str, str], name: str) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    try:
        url = urlsplit(value)
        valid = url.scheme in ("http", "https") and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise SettingsError(
            f"{name} {value!r} is not valid: give a URL (http://127.0.0.1:5000), or unset it for AWS itself"
        )
    return value
