"""Settings come from environment variables and `environments.toml`, and a wrong one is refused with one sentence."""

import re
from pathlib import Path
from typing import Any

import pytest

from stacks.settings import AccountSettings, EnvironmentSettings, Settings, SettingsError, Table, read_tables
from tests.synthesis import ROOT


def suffixes(value: str) -> list[str]:
    return [environment.suffix for environment in Settings.read({"ENVIRONMENT_SUFFIX": value}, {}).environments]


def environment(suffix: str, **tables: Table) -> EnvironmentSettings:
    (settings,) = Settings.read({"ENVIRONMENT_SUFFIX": suffix}, tables).environments
    return settings


def test_without_any_setting() -> None:
    """One disposable environment `dev`, local state, AWS itself, endpoints of our own."""
    assert Settings.read({}, {}) == Settings(environments=(EnvironmentSettings(suffix="dev"),))


def test_the_file_that_is_checked_in_changes_nothing() -> None:
    """Whoever starts has the presets."""
    tables = read_tables(ROOT)
    assert tables == {"account": {}, "dev": {}, "staging": {}, "prod": {}}
    assert Settings.read({}, tables) == Settings.read({}, {})


def test_an_empty_variable_counts_as_not_set() -> None:
    """CI systems pass variables that nobody filled in."""
    names = ("ENVIRONMENT_SUFFIX", "TF_STATE_BUCKET", "AWS_ENDPOINT_URL")
    assert Settings.read(dict.fromkeys(names, " "), {}) == Settings.read({}, {})


def test_every_variable() -> None:
    """Each has its place, and blanks around a value do not count."""
    settings = Settings.read(
        {
            "ENVIRONMENT_SUFFIX": " pr42 ",
            "TF_STATE_BUCKET": " my.state-1 ",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:5000",
        },
        {},
    )
    assert settings == Settings(
        environments=(EnvironmentSettings(suffix="pr42"),),
        state_bucket="my.state-1",
        emulator_url="http://127.0.0.1:5000",
    )


def test_a_table_changes_its_environment_alone() -> None:
    """What it does not say stays as the preset has it."""
    variables = {"ENVIRONMENT_SUFFIX": "dev,prod"}
    dev, prod = Settings.read(variables, {"prod": {"password_version": 3, "database_multi_az": False}}).environments
    assert (prod.password_version, prod.database_multi_az, prod.backup_retention) == (3, False, 35)
    assert dev == EnvironmentSettings(suffix="dev")


def test_the_account_has_a_table_of_its_own() -> None:
    """It holds what all environments share."""
    table: Table = {"zones": 3, "s3_vpc_endpoint_id": "vpce-01234567"}
    assert Settings.read({}, {"account": table}).account == AccountSettings(**table)


def test_no_variable_of_a_shell_changes_an_environment() -> None:
    """A colleague who lacks it would rotate the password, or move the database back."""
    shell = {"DB_PASSWORD_VERSION": "7", "DB_PORT": "6543", "PASSWORD_VERSION": "7", "S3_VPC_ENDPOINT_ID": "vpce-1"}
    assert Settings.read(shell, {}) == Settings.read({}, {})


@pytest.mark.parametrize("suffix", ["staging", "prod"])
def test_an_environment_is_given_up_with_its_data_kept(suffix: str) -> None:
    """Protection is one setting, and what is kept another."""
    given_up = environment(suffix, **{suffix: {"protected": False}})
    assert (given_up.protected, given_up.disposable) == (False, False)


def test_what_is_disposable_cannot_be_protected() -> None:
    """The sentence tells both ways out."""
    with pytest.raises(SettingsError) as refused:
        environment("prod", prod={"disposable": True})
    assert str(refused.value) == (
        "environments.toml: [prod] is disposable and protected: set `disposable = false` to keep its data,"
        " or `protected = false` to give them up"
    )


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"database_port": "5432"}, "database_port = '5432' in [dev] is not valid: give a whole number"),
        ({"database_port": True}, "database_port = True in [dev] is not valid: give a whole number"),
        ({"database_port": 5432.0}, "database_port = 5432.0 in [dev] is not valid: give a whole number"),
        ({"database_former_port": "x"}, "database_former_port = 'x' in [dev] is not valid: give a whole number"),
        ({"disposable": 1}, "disposable = 1 in [dev] is not valid: give true or false"),
        ({"database_snapshot": 1}, "database_snapshot = 1 in [dev] is not valid: give a text in quotes"),
    ],
)
def test_a_value_of_the_wrong_type(table: dict[str, Any], sentence: str) -> None:
    """The message names the file, the setting, its value and its table."""
    with pytest.raises(SettingsError) as refused:
        environment("dev", dev=table)
    assert str(refused.value) == f"environments.toml: {sentence}"


@pytest.mark.parametrize(
    ("name", "value", "bounds"),
    [
        *(("database_port", value, "1150 to 65535") for value in (0, 1149, 65536)),
        *(("database_former_port", value, "1150 to 65535") for value in (0, 65536)),
        *(("function_timeout", value, "15 to 900") for value in (14, 901)),
        *(("outcome_retention", value, "45 to 36500") for value in (44, 36_501)),
        *(("text_retention", value, "1 to 36500") for value in (0, 36_501)),
        *(("faults_per_hour", value, "1 to 1000000") for value in (0, 1_000_001)),
    ],
)
def test_a_number_out_of_range(name: str, value: int, bounds: str) -> None:
    """The message names the file, the setting, its value, its table and the bounds."""
    with pytest.raises(SettingsError) as refused:
        environment("dev", dev={name: value})
    assert str(refused.value) == f"environments.toml: {name} = {value} in [dev] is not valid: give {bounds}"


def test_texts_are_kept_no_longer_than_outcomes() -> None:
    """They would hang on nothing."""
    with pytest.raises(SettingsError) as refused:
        environment("dev", dev={"text_retention": 100})
    assert str(refused.value) == (
        "environments.toml: text_retention = 100 in [dev] is not valid: texts are kept no longer than the outcomes they"
        " belong to, outcome_retention = 90"
    )


@pytest.mark.parametrize(("former", "ports"), [({}, (5432,)), ({"database_former_port": 6543}, (5432, 6543))])
def test_ports_that_functions_may_reach(former: dict[str, int], ports: tuple[int, ...]) -> None:
    """The one in force, and one before it."""
    assert environment("dev", dev=former).database_ports == ports


def test_one_port_is_opened_once() -> None:
    """AWS refuses the duplicate of a rule."""
    assert environment("dev", dev={"database_former_port": 5432}).database_ports == (5432,)


@pytest.mark.parametrize(("table", "known"), [("dev", "password_version"), ("account", "s3_vpc_endpoint_id")])
def test_an_unknown_setting(table: str, known: str) -> None:
    """A typing error is told, with what there is."""
    with pytest.raises(SettingsError) as refused:
        Settings.read({}, {table: {"password-version": 2}})
    sentence = str(refused.value)
    assert sentence.startswith(f"environments.toml: [{table}] has no setting 'password-version': it may have ")
    assert known in sentence
    assert "suffix" not in sentence


def test_a_table_that_is_no_environments() -> None:
    """[Prod] would be read by nobody."""
    with pytest.raises(SettingsError, match=r"^environments.toml: the table 'Prod' is not valid: use lower-case .*s$"):
        Settings.read({}, {"Prod": {}})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read (No such file or directory): run this in the project's folder, which has one"),
        (b"[dev", "is not valid TOML: Expected ']' at the end of a table declaration (at end of document)"),
        (b"[dev]\nx = '\xff'", "is not valid TOML: 'utf-8' codec can't decode byte 0xff in position 11"),
        (b"database_port = 1", "'database_port' stands in no table: put it below [dev], for one"),
    ],
)
def test_a_file_that_cannot_be_read(content: bytes | None, sentence: str, tmp_path: Path) -> None:
    """Without it a deploy would take back what it says, so there is no default."""
    if content is not None:
        (tmp_path / "environments.toml").write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        read_tables(tmp_path)
    assert sentence in str(refused.value)
    assert "environments.toml" in str(refused.value)


def test_several_environments_in_one_run() -> None:
    """Commas separate them, blanks do not count, and a repeated one is made once."""
    assert suffixes("dev, pr42,dev") == ["dev", "pr42"]


@pytest.mark.parametrize("suffix", ["a", "7", "pr42", "feature-x-1", "twenty-characters-20", "product"[:3], "accounts"])
def test_a_valid_suffix(suffix: str) -> None:
    """Lower-case letters, digits and inner hyphens, at most twenty."""
    assert suffixes(suffix) == [suffix]


@pytest.mark.parametrize(("suffix", "kept"), [("dev", False), ("pr42", False), ("staging", True), ("prod", True)])
def test_only_staging_and_production_are_kept(suffix: str, kept: bool) -> None:
    """Any other suffix gets the disposable preset."""
    assert (environment(suffix).protected, environment(suffix).disposable) == (kept, not kept)


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
        Settings.read({"ENVIRONMENT_SUFFIX": suffix}, {})
    assert str(refused.value) == (
        f"ENVIRONMENT_SUFFIX {bad!r} is not valid: use lower-case letters, digits and inner hyphens,"
        " at most 20 characters, several with commas between them (dev,pr42)"
    )


def test_the_accounts_suffix_is_reserved() -> None:
    """`account` is the account stack's."""
    with pytest.raises(SettingsError, match=r"^ENVIRONMENT_SUFFIX 'account' is reserved .*: choose another$"):
        Settings.read({"ENVIRONMENT_SUFFIX": "account"}, {})


@pytest.mark.parametrize("suffix", ["production", "prod1", "prod-eu", "product"])
def test_nobody_gets_a_disposable_production_by_a_typing_error(suffix: str) -> None:
    """A suffix that starts with `prod` is `prod`."""
    with pytest.raises(SettingsError, match=rf"^ENVIRONMENT_SUFFIX '{suffix}' would be a disposable .* write 'prod'"):
        Settings.read({"ENVIRONMENT_SUFFIX": suffix}, {})


@pytest.mark.parametrize("value", ["ab", "x" * 64, "My-Bucket", "s3://bucket", "-bucket", "bucket-", "b_c"])
def test_a_malformed_state_bucket(value: str) -> None:
    """The message names the setting, the value, what it is to be, and that it can be left out."""
    with pytest.raises(SettingsError) as refused:
        Settings.read({"TF_STATE_BUCKET": value}, {})
    assert str(refused.value) == (f"TF_STATE_BUCKET {value!r} is not valid: give the name of an S3 bucket, or unset it")


@pytest.mark.parametrize("service", ["s3", "ssm", "events"])
@pytest.mark.parametrize("value", ["vpc-01234567", "vpce-0123456", "vpce-0123456G", "vpce-0123456789abcdef01"])
def test_a_malformed_endpoint(service: str, value: str) -> None:
    """The message names the setting, the value, what it is to be, and that it can be left out."""
    with pytest.raises(SettingsError) as refused:
        Settings.read({}, {"account": {f"{service}_vpc_endpoint_id": value}})
    assert str(refused.value) == (
        f"environments.toml: {service}_vpc_endpoint_id = {value!r} in [account] is not valid:"
        " give the id of a VPC endpoint (vpce-...), or leave it out"
    )


@pytest.mark.parametrize("value", ["", "sg-0123456", "sg-0123456G", "vpc-01234567", "sg-0123456789abcdef01"])
def test_a_malformed_security_group(value: str) -> None:
    """The message names the setting, the value, what it is to be, and that it can be left out."""
    with pytest.raises(SettingsError) as refused:
        Settings.read({}, {"dev": {"reader_security_group_id": value}})
    assert str(refused.value) == (
        f"environments.toml: reader_security_group_id = {value!r} in [dev] is not valid:"
        " give the id of a security group (sg-...), or leave it out"
    )


@pytest.mark.parametrize(
    "value", ["https://tap.example.com", "http://127.0.0.1:8027", "https://tap.example.com:8443", "http://[::1]:8027"]
)
def test_the_address_of_the_results(value: str) -> None:
    """A front of one's own, or another port of this machine."""
    assert environment("dev", dev={"results_address": value}).results_address == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "tap.example.com",
        "ftp://tap.example.com",
        "https://",
        "https://tap.example.com/",
        "https://tap.example.com/results",
        "https://tap.example.com?q=1",
        "https://tap.example.com#top",
        "https://user@tap.example.com",
        "https://tap.example.com:0",
        "https://tap.example.com:x",
        "https://tap.example.com\n",
        'https://tap."example".com',
        "https://täp.example",
    ],
)
def test_a_malformed_address_of_the_results(value: str) -> None:
    """Paths are appended to it: it has none itself. The message names the setting, the value, and an example."""
    with pytest.raises(SettingsError) as refused:
        Settings.read({}, {"dev": {"results_address": value}})
    assert str(refused.value) == (
        f"environments.toml: results_address = {value!r} in [dev] is not valid: give a URL without a path or a slash at"
        " its end (https://tap.example.com), or leave it out"
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:5000", "https://emulator.example", "http://[::1]:5000/"])
def test_an_emulators_address(url: str) -> None:
    """With it, the package is the one for this machine."""
    settings = Settings.read({"AWS_ENDPOINT_URL": url}, {})
    assert (settings.emulator_url, settings.package_target) == (url, "host")


def test_without_an_emulator_the_package_is_the_one_for_lambda() -> None:
    """AWS itself runs the package that was built for it."""
    assert Settings.read({}, {}).package_target == "aws"


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:5000", "localhost", "ftp://h", "http://", "http://h:0", "http://h:99999", "http://h:x", "http://[::1"],
)
def test_a_malformed_emulators_address(url: str) -> None:
    """The message names the setting, the value and an example."""
    with pytest.raises(SettingsError) as refused:
        Settings.read({"AWS_ENDPOINT_URL": url}, {})
    assert str(refused.value) == (
        f"AWS_ENDPOINT_URL {url!r} is not valid: give a URL (http://127.0.0.1:5000), or unset it for AWS itself"
    )


@pytest.mark.parametrize("setting", ["alarm_email", "notify_email"])
@pytest.mark.parametrize(
    "value", ["", "team", "team@example", "a@b@example.com", "team @example.com", "team@example.com."]
)
def test_a_malformed_mail_address(setting: str, value: str) -> None:
    """SNS would refuse it, or ask nobody."""
    with pytest.raises(SettingsError) as refused:
        environment("dev", dev={setting: value})
    assert str(refused.value) == (
        f"environments.toml: {setting} = {value!r} in [dev] is not valid: give a mail address (team@example.com), or"
        " leave it out"
    )


@pytest.mark.parametrize("setting", ["alarm_email", "notify_email"])
def test_a_mail_address(setting: str) -> None:
    """There is none unless somebody sets it."""
    address = "first.last+tap@mail.example.com"
    assert getattr(environment("dev", dev={setting: address}), setting) == address
    assert getattr(environment("prod"), setting) is None
