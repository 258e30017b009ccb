"""What of the account's quotas is left, where TAP meets them.

Of the others it is far away: 4 of 2,500 security groups of a region, and two network interfaces for each zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from local.doctor.finding import Account, Finding, Mark
from local.doctor.names import is_deployed, role_names
from local.doctor.network import endpoints, missing_endpoints
from stacks.names import EVENT_LOG_POLICY
from stacks.settings import ENVIRONMENTS_FILE, EnvironmentSettings


@dataclass(frozen=True, kw_only=True)
class _Quota:
    """A quota as Service Quotas knows it, and what AWS gives an account of it at first."""

    service: str
    code: str
    default: int


# By region, and fixed: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html
_LOG_POLICIES = 10
# By region, and by VPC: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html
_GATEWAY_ENDPOINTS = _Quota(service="vpc", code="L-1B52E74A", default=20)
_INTERFACE_ENDPOINTS = _Quota(service="vpc", code="L-29B6F2EB", default=50)
# By region: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
_EVENT_BUSES = _Quota(service="events", code="L-658A4FD9", default=100)
# By account: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_ROLES = _Quota(service="iam", code="L-FE177D64", default=1000)
_POLICIES = _Quota(service="iam", code="L-E95E4862", default=1500)
# By region: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html
_DB_INSTANCES = _Quota(service="rds", code="L-7B6409FD", default=40)
# By region; new accounts have less: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_CONCURRENCY = _Quota(service="lambda", code="L-B99A9384", default=1000)

_LEAST_CONCURRENCY = 2  # that an event source mapping takes
_OTHER_FUNCTIONS = 2  # one container each for the pages and the schema


def iam(account: Account) -> Iterator[Finding]:
    """Roles and policies of the account, whatever the region."""
    summary = account.ask("iam", "get_account_summary")["SummaryMap"]
    new = _not_deployed(account)
    roles = sum(len(role_names(environment)) for environment in new)
    yield _room(account, "IAM roles", _ROLES, used=summary["Roles"], limit=summary["RolesQuota"], needed=roles)
    # One for those who may read the results.
    policies, limit = summary["Policies"], summary["PoliciesQuota"]
    yield _room(account, "IAM policies", _POLICIES, used=policies, limit=limit, needed=len(new))


def event_buses(account: Account) -> Iterator[Finding]:
    """Each environment has one of its own."""
    answer = account.ask("events", "list_event_buses")
    used = len(answer["EventBuses"])
    while token := answer.get("NextToken"):
        answer = account.ask("events", "list_event_buses", NextToken=token)
        used += len(answer["EventBuses"])
    limit, new = _limit(account, _EVENT_BUSES), len(_not_deployed(account))
    yield _room(account, "Event buses", _EVENT_BUSES, used=used, limit=limit, needed=new)


def log_policies(account: Account) -> Iterator[Finding]:
    """The account stack has one for all environments."""
    names = [it["policyName"] for it in account.ask("logs", "describe_resource_policies")["resourcePolicies"]]
    if EVENT_LOG_POLICY in names or len(names) < _LOG_POLICIES:
        yield Finding(check="Log policies", mark=Mark.OK, found=f"{len(names)} of {_LOG_POLICIES}")
        return
    yield Finding(
        check="Log policies",
        mark=Mark.STOP,
        found=f"{len(names)} of {_LOG_POLICIES}, and TAP needs one",
        advice="AWS takes no more in a region and raises this for nobody: merge some, and delete what is left over.",
        lines=(
            account.command("logs describe-resource-policies"),
            account.command("logs delete-resource-policy --policy-name NAME"),
        ),
    )


def vpc_endpoints(account: Account) -> Iterator[Finding]:
    """Gateway endpoints of the region, and those with interfaces of the default VPC."""
    all_of_them, in_the_vpc = endpoints(account)
    used = {
        "Gateway": sum(it["VpcEndpointType"] == "Gateway" for it in all_of_them),
        "Interface": sum(it["VpcEndpointType"] != "Gateway" for it in in_the_vpc),
    }
    for kind, quota in (("Gateway", _GATEWAY_ENDPOINTS), ("Interface", _INTERFACE_ENDPOINTS)):
        yield _room(
            account,
            f"{kind} endpoints",
            quota,
            used=used[kind],
            limit=_limit(account, quota),
            needed=missing_endpoints(account, kind),
        )


def databases(account: Account) -> Iterator[Finding]:
    """RDS counts its instances itself; one that spans two zones is one."""
    quotas = account.ask("rds", "describe_account_attributes")["AccountQuotas"]
    [instances] = [it for it in quotas if it["AccountQuotaName"] == "DBInstances"]
    new = len(_not_deployed(account))
    yield _room(account, "Databases", _DB_INSTANCES, used=instances["Used"], limit=instances["Max"], needed=new)


def concurrency(account: Account) -> Iterator[Finding]:
    """Functions at once, in the whole region: a new account may have ten."""
    check, environments = "Lambda concurrency", account.environments
    left = account.ask("lambda", "get_account_settings")["AccountLimit"]["UnreservedConcurrentExecutions"]
    most = sum(environment.function_concurrency + _OTHER_FUNCTIONS for environment in environments)
    names = ", ".join(environment.suffix for environment in environments)
    if left >= most:
        yield Finding(check=check, mark=Mark.OK, found=f"{left} at once; {names} takes up to {most}")
        return
    lowered = left // len(environments) - _OTHER_FUNCTIONS
    settings: tuple[str, ...] = ()
    if lowered >= _LEAST_CONCURRENCY:
        settings = tuple(f"function_concurrency = {lowered}  # below [{each.suffix}]" for each in environments)
    yield Finding(
        check=check,
        mark=Mark.NOTE,
        found=f"{left} at once, for all functions of the region; {names} takes up to {most}",
        advice="Beyond it uploads are throttled and may become dead letters unseen, and pages answer 429: ask for more"
        f"{f', or write less into {ENVIRONMENTS_FILE}' if settings else ''}.",
        lines=(_request(account, _CONCURRENCY, _CONCURRENCY.default), *settings),
    )


def _not_deployed(account: Account) -> list[EnvironmentSettings]:
    return [environment for environment in account.environments if not is_deployed(account, environment)]


def _limit(account: Account, quota: _Quota) -> int:
    """As it is for the account, or the default where Service Quotas has nothing to say of it."""
    found = account.find(
        "service-quotas",
        "get_service_quota",
        "NoSuchResourceException",
        ServiceCode=quota.service,
        QuotaCode=quota.code,
    )
    return int(found["Quota"]["Value"]) if found else quota.default


def _room(account: Account, check: str, quota: _Quota, *, used: int, limit: int, needed: int) -> Finding:
    found = f"{used} of {limit}; a deploy adds {needed}"
    if used + needed <= limit or not needed:
        return Finding(check=check, mark=Mark.OK, found=found)
    return Finding(
        check=check,
        mark=Mark.STOP,
        found=found,
        advice="Ask AWS for more, which may take days, or remove what nobody needs.",
        lines=(_request(account, quota, max(2 * limit, used + needed)),),
    )


def _request(account: Account, quota: _Quota, wanted: int) -> str:
    # IAM's are those of the whole account, and asked for in one region.
    region = "us-east-1" if quota.service == "iam" else account.region
    return (
        f"aws service-quotas request-service-quota-increase --service-code {quota.service}"
        f" --quota-code {quota.code} --desired-value {wanted} --region {region}"
    )
