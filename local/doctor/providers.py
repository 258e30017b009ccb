"""The OpenID Connect providers by which CI jobs prove who they are."""

from collections.abc import Iterator
from typing import Any

from local.doctor.account import is_account_stack_deployed
from local.doctor.finding import Account, Finding, Mark, tags_of
from stacks.names import ACCOUNT_STACK
from stacks.settings import ENVIRONMENTS_FILE
from stacks.uploaders import issuers_of


def oidc_providers(account: Account) -> Iterator[Finding]:
    """The OpenID Connect providers of the uploaders' issuers: IAM has one for each, whatever the region."""
    check, settings = "OIDC providers", account.settings
    named = settings.account.oidc_provider_arns
    if not settings.oidc_issuers and not named:
        yield Finding(check=check, mark=Mark.OK, found=f"{ENVIRONMENTS_FILE} has no uploaders that need one")
        return
    listed = account.ask("iam", "list_open_id_connect_providers")["OpenIDConnectProviderList"]
    there = {_address(provider["Arn"]): provider["Arn"] for provider in listed}
    for each in named:
        if each not in there.values():
            yield Finding(
                check=check,
                mark=Mark.STOP,
                found=f"there is no {each}",
                advice=f"Take it out of oidc_provider_arns in {ENVIRONMENTS_FILE}: TAP then makes it.",
            )
    for issuer in settings.oidc_issuers:
        arn = there.get(issuer.address)
        if arn is None:
            yield Finding(check=check, mark=Mark.OK, found=f"none for {issuer.address}: TAP makes it")
        elif _is_of_this_account_stack(account, arn):
            yield Finding(check=check, mark=Mark.OK, found=f"TAP's own for {issuer.address}")
        else:
            arns = ", ".join(f'"{each}"' for each in (*named, arn))
            yield Finding(
                check=check,
                mark=Mark.STOP,
                found=f"IAM has one for {issuer.address} already, and takes no second one",
                advice=f"Use it: write this below [account] in {ENVIRONMENTS_FILE}.",
                lines=(f"oidc_provider_arns = [{arns}]",),
            )
    yield from _audiences(account, there)


def _audiences(account: Account, there: dict[str, str]) -> Iterator[Finding]:
    """Of those providers that are named: TAP adds nothing to what it did not make."""
    named = account.settings.account.oidc_provider_arns
    for issuer in issuers_of(uploader for each in account.environments for uploader in each.uploaders):
        arn = there.get(issuer.address)
        if arn is None or arn not in named:
            continue
        admitted = _provider(account, arn)["ClientIDList"]
        if missing := [audience for audience in issuer.audiences if audience not in admitted]:
            yield Finding(
                check="OIDC providers",
                mark=Mark.STOP,
                found=f"that for {issuer.address} does not admit the audience {', '.join(missing)}",
                advice="Let it admit what the jobs' tokens are for.",
                lines=tuple(
                    "aws iam add-client-id-to-open-id-connect-provider"
                    f" --open-id-connect-provider-arn {arn} --client-id {audience}"
                    for audience in missing
                ),
            )
        else:
            yield Finding(check="OIDC providers", mark=Mark.OK, found=f"{arn}, as the settings name it")


def _is_of_this_account_stack(account: Account, arn: str) -> bool:
    """Not that of the account stack of another region, whose state has it."""
    return tags_of(_provider(account, arn)).get("Stack") == ACCOUNT_STACK and is_account_stack_deployed(account)


def _provider(account: Account, arn: str) -> dict[str, Any]:
    return account.ask("iam", "get_open_id_connect_provider", OpenIDConnectProviderArn=arn)


def _address(arn: str) -> str:
    return f"https://{arn.partition('/')[2]}"
