"""What can be set about TAP: read from environment variables and `environments.toml`, checked, and typed.

`Settings.read(os.environ, tables)` is the one place that looks at either; stacks and constructs get values.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar, get_type_hints
from urllib.parse import urlsplit

from handler.addresses import OPEN_ADDRESS
from stacks.names import upload_role_name
from stacks.uploaders import Issuer, Uploader, issuers_of

ENVIRONMENTS_FILE: Final = "environments.toml"

MAX_SUFFIX_LENGTH: Final = 20
ACCOUNT_SUFFIX: Final = "account"  # names the account stack, hence no environment

VARIABLES: Final = frozenset({"AWS_ENDPOINT_URL", "ENVIRONMENT_SUFFIX", "TF_STATE_BUCKET"})

_SUFFIX = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # S3's naming rules for general purpose buckets
_VPC_ENDPOINT_ID = re.compile(r"vpce-[0-9a-f]{8,17}")
_SECURITY_GROUP_ID = re.compile(r"sg-[0-9a-f]{8,17}")
_OIDC_PROVIDER_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/[A-Za-z0-9._~/-]+")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")  # whether it is read there, its confirmation says

# What constructs would refuse under another name, or nobody: RDS's ports (CreateDBInstance); seconds, of which Lambda
# takes 900 at most, and fewer than 15 would need more than the 1,000 attempts of SQS to outlast a day; days, of which
# the view `slower_tests` looks at 37.
_RANGES = {
    "database_port": (1150, 65535),
    "database_former_port": (1150, 65535),
    "function_timeout": (15, 900),
    "text_retention": (1, 36_500),
    "outcome_retention": (45, 36_500),
    "faults_per_hour": (1, 1_000_000),
}

Table = Mapping[str, Any]
T = TypeVar("T", "EnvironmentSettings", "AccountSettings")


class SettingsError(ValueError):
    """A setting is wrong; the message names it, its value and what to do."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentSettings:
    """One environment. The defaults are the disposable preset: cheap, and gone without a trace when destroyed."""

    suffix: str

    disposable: bool = True
    """Destroying the environment takes its data along: no final snapshot, no backups, buckets emptied."""
    protected: bool = False
    """Terraform and RDS refuse to destroy it. Only what is not disposable can be protected."""

    database_instance_class: str = "db.t4g.micro"
    database_storage: int = 20
    """GiB; gp3 starts at 20."""
    database_max_storage: int = 50
    """GiB; the limit of storage autoscaling."""
    database_multi_az: bool = False
    database_port: int = 5432
    database_former_port: int | None = None
    """A port that the functions may reach as well, while the database moves to another one."""
    database_snapshot: str | None = None
    """The snapshot that the database is restored from when it is made. A database that exists stays as it is."""
    backup_retention: int = 7
    """Days; RDS keeps 1 to 35. Only a disposable environment may keep less than 7."""
    password_version: int = 1
    """Raising it rotates the passwords of the database in the next deploy."""
    reader_security_group_id: str | None = None
    """A security group whose members (a bastion, CloudShell in the VPC) may reach the database, to log in as reader."""

    function_memory: int = 512
    """MiB; Lambda's processor share grows with it."""
    function_timeout: int = 120
    """Seconds; the ingest queue hides a message for six times as long."""
    function_concurrency: int = 5
    """Functions at once, each with one database connection; an event source mapping takes 2 to 1000."""

    uploaders: tuple[Uploader, ...] = ()
    """CI jobs that may upload, each to the folders of its projects: the tables `[dev.uploaders.NAME]`."""

    results_address: str = OPEN_ADDRESS
    """Where people open the results, for links: a front of one's own (https://tap.example.com), or `make open`."""

    announce_test_names: bool = True
    """Whether the event "Test Failures Changed" names tests, or only counts them."""
    notifications: bool = False
    """An SNS topic tells of tests that begin to fail or pass again: for Slack, Microsoft Teams and others."""
    notify_email: str | None = None
    """Who gets them by mail, as the topic has them: in JSON. It makes the topic as well; SNS asks first."""

    text_retention: int = 30
    """Days that messages, details and output of tests are kept."""
    outcome_retention: int = 90
    """Days that runs with their outcomes and durations are kept, and the reports in S3."""

    alarm_email: str | None = None
    """Who gets a mail when an alarm is raised, and when it is over. SNS asks first whether they want it."""
    events_consumed: bool = False
    """Somebody takes the events from the consumer queue: an alarm then tells of those that are about to be lost there.
    Where nobody does, they always are."""
    faults_per_hour: int = 10
    """Uploads that cannot be read, within an hour, that raise an alarm. One is its sender's business, and its page says
    so; many are a change of what jobs upload, or of what TAP reads."""

    log_retention: int = 14
    """Days; one of the values that CloudWatch Logs knows."""
    event_retention: int = 14
    """Days that the event archive can be replayed."""
    version_retention: int = 30
    """Days that replaced and deleted objects can be got back."""

    @property
    def database_ports(self) -> tuple[int, ...]:
        """The ports of the database that the functions may reach."""
        ports = (self.database_port, self.database_former_port)
        return tuple(dict.fromkeys(port for port in ports if port is not None))


def _preset(suffix: str) -> EnvironmentSettings:
    if suffix == "prod":
        return EnvironmentSettings(
            suffix=suffix,
            disposable=False,
            protected=True,
            database_instance_class="db.t4g.medium",
            database_storage=100,
            database_max_storage=1000,
            database_multi_az=True,
            backup_retention=35,
            function_memory=1024,
            function_concurrency=20,
            events_consumed=True,
            # More jobs upload, and each changes now and then.
            faults_per_hour=50,
            text_retention=90,
            outcome_retention=400,
            log_retention=365,
            event_retention=90,
            version_retention=365,
        )
    if suffix == "staging":
        return EnvironmentSettings(
            suffix=suffix,
            disposable=False,
            protected=True,
            backup_retention=14,
            log_retention=30,
            event_retention=30,
        )
    return EnvironmentSettings(suffix=suffix)


@dataclass(frozen=True, kw_only=True)
class AccountSettings:
    """What all environments of an account and region share.

    What is there already and TAP is to use is named: VPC endpoints of the default VPC by their ids, None where TAP
    makes its own.
    """

    zones: int = 2
    """Availability zones in which functions run, 2 to 6: each interface endpoint costs by the hour in each."""
    s3_vpc_endpoint_id: str | None = None
    ssm_vpc_endpoint_id: str | None = None
    events_vpc_endpoint_id: str | None = None
    oidc_provider_arns: tuple[str, ...] = ()
    """Of the issuers of uploaders' tokens, those for which IAM has a provider already: it takes one for each."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a run of `main.py` is told."""

    environments: tuple[EnvironmentSettings, ...]
    account: AccountSettings = AccountSettings()
    oidc_issuers: tuple[Issuer, ...] = ()
    """Of the tokens of all environments' uploaders: those for which TAP makes the provider in IAM."""
    state_bucket: str | None = None
    """The S3 bucket of the Terraform state; None keeps the state in local files."""
    emulator_url: str | None = None
    """Where an emulated AWS listens on this machine; None is AWS itself."""

    @property
    def package_target(self) -> Literal["aws", "host"]:
        """What the function's package is built for: Lambda, or this machine's own Python and processor."""
        return "host" if self.emulator_url else "aws"

    @classmethod
    def read(cls, variables: Mapping[str, str], tables: Mapping[str, Table]) -> Self:
        """The settings that `variables` (`os.environ`) and the `tables` of `environments.toml` give.

        An empty variable counts as not set. Raises SettingsError with one sentence at the first wrong setting.
        """
        given = {name: value for name in VARIABLES if (value := variables.get(name, "").strip())}
        suffixes = [suffix.strip() for suffix in given.get("ENVIRONMENT_SUFFIX", "dev").split(",")]
        for suffix in suffixes:
            _require_suffix(suffix, "ENVIRONMENT_SUFFIX", ", several with commas between them (dev,pr42)")
        for name in tables:
            if name != ACCOUNT_SUFFIX:
                _require_suffix(name, f"{ENVIRONMENTS_FILE}: the table")
        account = _account(tables.get(ACCOUNT_SUFFIX, {}))
        # Of all tables, whatever is deployed now: the account stack is there for each of them.
        uploaders = {suffix: _uploaders(suffix, table) for suffix, table in tables.items() if suffix != ACCOUNT_SUFFIX}
        _require_distinct_roles(uploaders)
        issuers = issuers_of(uploader for several in uploaders.values() for uploader in several)
        return cls(
            environments=tuple(
                replace(_environment(suffix, tables.get(suffix, {})), uploaders=uploaders.get(suffix, ()))
                for suffix in dict.fromkeys(suffixes)
            ),
            account=account,
            oidc_issuers=tuple(issuer for issuer in issuers if not _is_there(issuer, account)),
            state_bucket=_state_bucket(given),
            emulator_url=_url(given, "AWS_ENDPOINT_URL"),
        )


def read_tables(directory: Path) -> Mapping[str, Table]:
    """The tables of `environments.toml` in a folder. Raises SettingsError if it is missing or no TOML of tables."""
    path = directory / ENVIRONMENTS_FILE
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        # Without it a deploy would take back what it says.
        raise SettingsError(
            f"{path} cannot be read ({error.strerror}): run this in the project's folder, which has one"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(f"{ENVIRONMENTS_FILE}: {name!r} stands in no table: put it below [dev], for one")
    return tables


def _environment(suffix: str, table: Table) -> EnvironmentSettings:
    # Each of its uploaders has a table of its own.
    environment = _changed(_preset(suffix), suffix, {key: table[key] for key in table if key != "uploaders"})
    for name, (lowest, highest) in _RANGES.items():
        if name in table and not lowest <= table[name] <= highest:
            raise SettingsError(
                f"{ENVIRONMENTS_FILE}: {name} = {table[name]} in [{suffix}] is not valid: give {lowest} to {highest}"
            )
    group = environment.reader_security_group_id
    if group is not None and not _SECURITY_GROUP_ID.fullmatch(group):
        raise SettingsError(
            f"{ENVIRONMENTS_FILE}: reader_security_group_id = {group!r} in [{suffix}] is not valid:"
            " give the id of a security group (sg-...), or leave it out"
        )
    for name in ("alarm_email", "notify_email"):
        email = getattr(environment, name)
        if email is not None and not _EMAIL.fullmatch(email):
            raise SettingsError(
                f"{ENVIRONMENTS_FILE}: {name} = {email!r} in [{suffix}] is not valid:"
                " give a mail address (team@example.com), or leave it out"
            )
    if not _is_address(environment.results_address):
        raise SettingsError(
            f"{ENVIRONMENTS_FILE}: results_address = {environment.results_address!r} in [{suffix}] is not valid:"
            " give a URL without a path or a slash at its end (https://tap.example.com), or leave it out"
        )
    if environment.text_retention > environment.outcome_retention:
        raise SettingsError(
            f"{ENVIRONMENTS_FILE}: text_retention = {environment.text_retention} in [{suffix}] is not valid: texts are"
            f" kept no longer than the outcomes they belong to, outcome_retention = {environment.outcome_retention}"
        )
    if environment.disposable and environment.protected:
        raise SettingsError(
            f"{ENVIRONMENTS_FILE}: [{suffix}] is disposable and protected: set `disposable = false` to keep its data,"
            " or `protected = false` to give them up"
        )
    return environment


def _account(table: Table) -> AccountSettings:
    account = _changed(AccountSettings(), ACCOUNT_SUFFIX, table)
    for name, value in table.items():
        if name.endswith("_vpc_endpoint_id") and not _VPC_ENDPOINT_ID.fullmatch(value):
            raise SettingsError(
                f"{ENVIRONMENTS_FILE}: {name} = {value!r} in [{ACCOUNT_SUFFIX}] is not valid:"
                " give the id of a VPC endpoint (vpce-...), or leave it out"
            )
    for arn in account.oidc_provider_arns:
        if not _OIDC_PROVIDER_ARN.fullmatch(arn):
            raise SettingsError(
                f"{ENVIRONMENTS_FILE}: oidc_provider_arns has {arn!r} in [{ACCOUNT_SUFFIX}], which is not valid:"
                " give the ARN of an OpenID Connect provider in IAM (arn:aws:iam::...:oidc-provider/...)"
            )
    return account


def _uploaders(suffix: str, table: Table) -> tuple[Uploader, ...]:
    tables = table.get("uploaders", {})
    if not isinstance(tables, dict) or not all(isinstance(each, dict) for each in tables.values()):
        raise SettingsError(
            f"{ENVIRONMENTS_FILE}: uploaders in [{suffix}] is not valid: give each a table, [{suffix}.uploaders.shop]"
        )
    uploaders = []
    for name, each in tables.items():
        try:
            uploaders.append(Uploader.read(name, each))
        except ValueError as error:
            raise SettingsError(f"{ENVIRONMENTS_FILE}: [{suffix}.uploaders.{name}]: {error}") from error
    return tuple(uploaders)


def _require_distinct_roles(uploaders: Mapping[str, tuple[Uploader, ...]]) -> None:
    """Of `shop` in `eu-dev` and `shop-eu` in `dev`, the roles would have one name."""
    owners: dict[str, str] = {}
    for suffix, several in uploaders.items():
        for uploader in several:
            table = f"[{suffix}.uploaders.{uploader.name}]"
            other = owners.setdefault(upload_role_name(uploader.name, suffix), table)
            if other != table:
                raise SettingsError(
                    f"{ENVIRONMENTS_FILE}: the roles of {other} and {table} would have one name: rename one of them"
                )


def _is_there(issuer: Issuer, account: AccountSettings) -> bool:
    """Whether the account has its provider already, whose ARN ends in the issuer's address."""
    return any(f"https://{arn.partition('/')[2]}" == issuer.address for arn in account.oidc_provider_arns)


def _changed(preset: T, name: str, table: Table) -> T:
    """The preset with what the table says. Its keys and the types of their values are those of the dataclass."""
    types = get_type_hints(type(preset))
    settings = [field.name for field in fields(preset) if field.name != "suffix"]
    for key, value in table.items():
        if key not in settings:
            raise SettingsError(
                f"{ENVIRONMENTS_FILE}: [{name}] has no setting {key!r}: it may have {', '.join(settings)}"
            )
        wanted = {
            bool: "true or false",
            int: "a whole number",
            str: "a text in quotes",
            tuple[str, ...]: "a list of texts",
        }
        kind = next(kind for kind in wanted if kind == types[key] or kind | None == types[key])
        if not _is_of(kind, value):
            raise SettingsError(f"{ENVIRONMENTS_FILE}: {key} = {value!r} in [{name}] is not valid: give {wanted[kind]}")
    changes: dict[str, Any] = {key: tuple(value) if type(value) is list else value for key, value in table.items()}
    return replace(preset, **changes)


def _is_of(kind: Any, value: Any) -> bool:
    """Whether the value of a table is of this kind: by the type itself, since to Python `true` is an int as well."""
    if kind == tuple[str, ...]:
        return isinstance(value, list) and all(type(each) is str for each in value)
    return type(value) is kind


def _require_suffix(suffix: str, where: str, hint: str = "") -> None:
    if not _SUFFIX.fullmatch(suffix) or len(suffix) > MAX_SUFFIX_LENGTH:
        raise SettingsError(
            f"{where} {suffix!r} is not valid: use lower-case letters, digits and inner hyphens,"
            f" at most {MAX_SUFFIX_LENGTH} characters{hint}"
        )
    if suffix == ACCOUNT_SUFFIX:
        raise SettingsError(f"{where} {suffix!r} is reserved for the account stack: choose another")
    if suffix.startswith("prod") and suffix != "prod":
        raise SettingsError(
            f"{where} {suffix!r} would be a disposable environment that looks like production:"
            " write 'prod', or choose a name that does not start with it"
        )


def _state_bucket(given: Mapping[str, str]) -> str | None:
    value = given.get("TF_STATE_BUCKET")
    if value is not None and not _BUCKET.fullmatch(value):
        raise SettingsError(f"TF_STATE_BUCKET {value!r} is not valid: give the name of an S3 bucket, or unset it")
    return value


def _url(given: Mapping[str, str], name: str) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    if not _is_url(value):
        raise SettingsError(
            f"{name} {value!r} is not valid: give a URL (http://127.0.0.1:5000), or unset it for AWS itself"
        )
    return value


def _is_url(value: str) -> bool:
    try:
        url = urlsplit(value)
        return url.scheme in ("http", "https") and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        return False


def _is_address(value: str) -> bool:
    """Whether it is the beginning of a URL, to which a path is appended: scheme and host, and perhaps a port."""
    return _is_url(value) and bool(re.fullmatch(r"https?://[\w.:\[\]-]+", value, re.ASCII))
