"""Asks all of it, and shows what was found."""

import os
from functools import cache

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.text import Text

from local.cdktf import PROJECT
from local.doctor import account as accounts
from local.doctor import databases, names, network, providers, quotas
from local.doctor.finding import Account, Check, Finding, Mark, checked
from local.doctor.tools import tools
from local.layout import Column, counted, plain, show_table
from local.operating import NotDoneError
from local.progress import step
from local.refusals import unavailable
from local.signing import viewers_session
from stacks.settings import Settings, read_tables

_CHECKS: dict[str, Check] = {
    "Credentials": accounts.identity,
    "Region": accounts.region,
    "Default VPC": network.default_vpc,
    "Zones": network.zones,
    "S3 endpoint": network.s3_endpoint,
    "Interface endpoints": network.interface_endpoints,
    "RDS's role": databases.role,
    "Database class": databases.classes,
    "OIDC providers": providers.oidc_providers,
    "Names": names.names,
    "IAM roles": quotas.iam,
    "Event buses": quotas.event_buses,
    "Log policies": quotas.log_policies,
    "VPC endpoints": quotas.vpc_endpoints,
    "Databases": quotas.databases,
    "Lambda concurrency": quotas.concurrency,
    "Account stack": accounts.state,
}

_STYLES = {Mark.OK: "green", Mark.NOTE: "yellow", Mark.STOP: "bold red"}
_QUICK = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})
_FOUND = 40  # characters that the column needs at least


def run_doctor(console: Console, environment: str) -> bool:
    """Whether nothing stands in the way of a deploy of `environment`; several have commas between them.

    Raises SettingsError, and NotDoneError if AWS cannot be asked at all.
    """
    settings = Settings.read({**os.environ, "ENVIRONMENT_SUFFIX": environment}, read_tables(PROJECT))
    with step(console, "Look at the tools"):
        findings = list(tools())
    with step(console, "Ask the account") as say:
        account = find_account(settings)
        for name, check in _CHECKS.items():
            say(f"about {name}")
            try:
                findings += checked(name, check, account)
            except BotoCoreError as error:
                raise _sentence(error) from error
    show(console, findings, title=f"What a deploy of {environment} meets in account {account.id}, {account.region}")
    return all(finding.mark is not Mark.STOP for finding in findings)


def find_account(settings: Settings) -> Account:
    """Where the credentials of the shell lead. Raises NotDoneError."""
    try:
        session = viewers_session()
        caller = session.client("sts", config=_QUICK).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise _sentence(error) from error
    return Account(
        id=caller["Account"],
        arn=caller["Arn"],
        region=session.region_name,
        settings=settings,
        client=cache(lambda service: session.client(service, config=_QUICK)),
    )


def show(console: Console, findings: list[Finding], *, title: str) -> None:
    """A table of all, the worst last, then what to do about those that are not as they should be."""
    ordered = sorted(findings, key=lambda finding: list(Mark).index(finding.mark))
    show_table(
        console,
        title,
        [Column(""), Column("check"), Column("found", least=_FOUND)],
        ([_mark(each.mark), each.check, plain(each.found)] for each in ordered),
    )
    to_do = [each for each in ordered if each.mark is not Mark.OK]
    if to_do:
        console.print(Text("\nWhat to do", "bold"))
    for each in to_do:
        console.print(Text.assemble("  ", _mark(each.mark), f"  {each.check}: {plain(each.advice)}"), soft_wrap=True)
        for line in each.lines:
            # As it stands, in one line: it is for copying.
            console.print(f"        {plain(line)}", markup=False, highlight=False, soft_wrap=True)
    stops, notes = (sum(each.mark is mark for each in findings) for mark in (Mark.STOP, Mark.NOTE))
    said = "Nothing stands" if not stops else f"{counted(stops, 'thing')} stand{'s' if stops == 1 else ''}"
    remarks = f" ({counted(notes, 'note')})" if notes else ""
    console.print(f"\n{said} in the way of a deploy{remarks}.")


def _mark(mark: Mark) -> Text:
    return Text(mark.value.ljust(4), _STYLES[mark])


def _sentence(error: BotoCoreError | ClientError) -> NotDoneError:
    return NotDoneError(str(unavailable(error, function="sts:GetCallerIdentity", place="your account")))
