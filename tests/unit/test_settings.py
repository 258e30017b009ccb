"""Settings come from environment variables, and a wrong one is refused with one sentence."""

import re

import pytest

from stacks.settings import EnvironmentSettings, ExistingEndpoints, Settings, SettingsError


def suffixes(value: str) -> list[str]:
    return [environment.suffix for environment in Settings.read({"ENVIRONMENT_SUFFIX": value}).environments]


def test_without_any_variable() -> None:
    """One disposable environment `dev`, local state, AWS itself, endpoints of our own."""
    assert Settings.read({}) == Settings(environments=(EnvironmentSettings(suffix="dev"),))


def test_an_empty_variable_counts_as_not_set() -> None:
    """CI systems pass variables that nobody filled in."""
    names = ("ENVIRONMENT_SUFFIX", "TF_STATE_BUCKET", "DB_PORT", "DB_PASSWORD_VERSION", "AWS_ENDPOINT_URL")
    assert Settings.read(dict.fromkeys(names, " ")) == Settings.read({})


def test_every_variable() -> None:
    """Each has its place, and blanks around a value do not count."""
    settings = Settings.read(
        {
            "ENVIRONMENT_SUFFIX": " pr42 ",
            "DB_PASSWORD_VERSION": "2147483647",
            "DB_PORT": "65535",
            "TF_STATE_BUCKET": " my.state-1 ",
            "S3_VPC_ENDPOINT_ID": "vpce-01234567",
            "SSM_VPC_ENDPOINT_ID": "vpce-0123456789abcdef0",
            "EVENTS_VPC_ENDPOINT_ID": "vpce-0123456789abcdef1",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:5000",
        }
    )
    assert settings == Settings(
        environments=(EnvironmentSettings(suffix="pr42", password_version=2147483647, database_port=65535),),
        state_bucket="my.state-1",
        existing_endpoints=ExistingEndpoints(
            s3="vpce-01234567", ssm="vpce-0123456789abcdef0", events="vpce-0123456789abcdef1"
        ),
        emulator_url="http://127.0.0.1:5000",
    )


def test_several_environments_in_one_run() -> None:
    """Commas separate them, blanks do not count, and a repeated one is made once."""
    assert suffixes("dev, pr42,dev") == ["dev", "pr42"]


def test_settings_hold_for_all_environments_of_a_run() -> None:
    """The password version and the port are the run's."""
    settings = Settings.read({"ENVIRONMENT_SUFFIX": "dev,prod", "DB_PASSWORD_VERSION": "3", "DB_PORT": "1150"})
    assert [(e.password_version, e.database_port) for e in settings.environments] == [(3, 1150), (3, 1150)]


@pytest.mark.parametrize("suffix", ["a", "7", "pr42", "feature-x-1", "twenty-characters-20", "product"[:3], "accounts"])
def test_a_valid_suffix(suffix: str) -> None:
    """Lower-case letters, digits and inner hyphens, at most twenty."""
    assert suffixes(suffix) == [suffix]


@pytest.mark.parametrize(("suffix", "disposable"), [("dev", True), ("pr42", True), ("staging", False), ("prod", False)])
def test_only_staging_and_production_are_kept(suffix: str, disposable: bool) -> None:
    """Any other suffix gets the disposable preset."""
    (environment,) = Settings.read({"ENVIRONMENT_SUFFIX": suffix}).environments
    assert environment.disposable is disposable


@pytest.mark.parametrize(
    "suffix",
    [
        "Dev",
        "-dev",
        "dev-",
        "de--v",
        "de_v",
        "d.v",
        "dév",
        "٣",
        "dev\nx",
        "d v",
        "twenty-one-characters",
        "dev,",
        ",",
        "a,B",
    ],
)
def test_an_invalid_suffix(suffix: str) -> None:
    """The message names the setting, the one bad value and what is valid."""
    bad = next(part for part in suffix.split(",") if not re.fullmatch("[a-z]+", part))
    with pytest.raises(SettingsError) as refused:
        Settings.read({"ENVIRONMENT_SUFFIX": suffix})
    assert str(refused.value) == (
        f"ENVIRONMENT_SUFFIX {bad!r} is not valid: use lower-case letters, digits and inner hyphens,"
        " at most 20 characters, several with commas between them (dev,pr42)"
    )


def test_the_accounts_suffix_is_reserved() -> None:
    """`account` is the account stack's."""
    with pytest.raises(SettingsError, match=r"^ENVIRONMENT_SUFFIX 'account' is reserved .*: choose another$"):
        Settings.read({"ENVIRONMENT_SUFFIX": "account"})


@pytest.mark.parametrize("suffix", ["production", "prod1", "prod-eu", "product"])
def test_nobody_gets_a_disposable_production_by_a_typing_error(suffix: str) -> None:
    """A suffix that starts with `prod` is `prod`."""
    with pytest.raises(SettingsError, match=rf"^ENVIRONMENT_SUFFIX '{suffix}' would be a disposable .* write 'prod'"):
        Settings.read({"ENVIRONMENT_SUFFIX": suffix})


@pytest.mark.parametrize(
    ("name", "value", "bounds"),
    [
        *(
            ("DB_PASSWORD_VERSION", value, "1 to 2147483647")
            for value in ("0", "-1", "2147483648", "1.5", "x", "²", "1e3")
        ),
        *(("DB_PORT", value, "1150 to 65535") for value in ("1149", "65536", "99999999999", "postgres", "0x1F90")),
    ],
)
def test_a_number_out_of_range(name: str, value: str, bounds: str) -> None:
    """The message names the setting, the value and the bounds."""
    with pytest.raises(SettingsError) as refused:
        Settings.read({name: value})
    assert str(refused.value) == f"{name} {value!r} is not valid: give a whole number from {bounds}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("TF_STATE_BUCKET", value)
            for value in ("ab", "x" * 64, "My-Bucket", "s3://bucket", "-bucket", "bucket-", "b_c")
        ),
        *(
            (f"{service}_VPC_ENDPOINT_ID", value)
            for service in ("S3", "SSM", "EVENTS")
            for value in ("vpc-01234567", "vpce-0123456", "vpce-0123456G", "vpce-0123456789abcdef01")
        ),
    ],
)
def test_a_value_of_the_wrong_form(name: str, value: str) -> None:
    """The message names the setting, the value, what it is to be, and that it can be left out."""
    meaning = "the name of an S3 bucket" if name == "TF_STATE_BUCKET" else "the id of a VPC endpoint (vpce-...)"
    with pytest.raises(SettingsError) as refused:
        Settings.read({name: value})
    assert str(refused.value) == f"{name} {value!r} is not valid: give {meaning}, or unset it"


@pytest.mark.parametrize("url", ["http://127.0.0.1:5000", "https://emulator.example", "http://[::1]:5000/"])
def test_an_emulators_address(url: str) -> None:
    """With it, the package is the one for this machine."""
    settings = Settings.read({"AWS_ENDPOINT_URL": url})
    assert (settings.emulator_url, settings.package_target) == (url, "host")


def test_without_an_emulator_the_package_is_the_one_for_lambda() -> None:
    """AWS itself runs the package that was built for it."""
    assert Settings.read({}).package_target == "aws"


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:5000", "localhost", "ftp://h", "http://", "http://h:0", "http://h:99999", "http://h:x", "http://[::1"],
)
def test_a_malformed_emulators_address(url: str) -> None:
    """The message names the setting, the value and an example."""
    with pytest.raises(SettingsError) as refused:
        Settings.read({"AWS_ENDPOINT_URL": url})
    assert str(refused.value) == (
        f"AWS_ENDPOINT_URL {url!r} is not valid: give a URL (http://127.0.0.1:5000), or unset it for AWS itself"
    )
