"""The default VPC, its subnets, and the endpoints that it has already."""

from collections.abc import Iterable, Iterator
from typing import Any

from local.doctor.finding import Account, Finding, Mark, tags_of
from local.layout import counted
from stacks.endpoint_services import INTERFACE_ENDPOINTS, ZONE_SERVICES
from stacks.names import ACCOUNT_STACK
from stacks.settings import ENVIRONMENTS_FILE

_FEWEST_ZONES = 2  # RDS wants subnets in two
_GONE = ("deleting", "deleted", "failed", "rejected", "expired")

Endpoint = dict[str, Any]


def default_vpc(account: Account) -> Iterator[Finding]:
    """Whether there is one, and its DNS: without it the functions find neither database nor endpoint.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html
    """
    vpc = _vpc(account)
    if vpc is None:
        yield Finding(
            check="Default VPC",
            mark=Mark.STOP,
            found=f"there is none in {account.region}",
            advice="Make one, or choose another region in AWS_REGION.",
            lines=(account.command("ec2 create-default-vpc"),),
        )
        return
    yield Finding(check="Default VPC", mark=Mark.OK, found=vpc)
    yield _dns(
        account,
        vpc,
        "enableDnsSupport",
        Mark.STOP,
        "Turn it on: the functions look up the database and the endpoints by their names.",
    )
    yield _dns(
        account, vpc, "enableDnsHostnames", Mark.NOTE, "TAP works without it; an endpoint with private DNS needs it."
    )


def zones(account: Account) -> Iterator[Finding]:
    """Whether there are default subnets in as many zones as `zones` says, of those that all endpoint services have."""
    vpc, wanted = _vpc(account), account.settings.account.zones
    if vpc is None:
        return
    check = "Zones"
    usable = _usable_zones(account)
    zones = sorted({subnet["AvailabilityZone"] for subnet in _subnets(account, vpc)})
    if len(zones) >= wanted:
        yield Finding(
            check=check,
            mark=Mark.OK,
            found=f"default subnets in {counted(len(zones), 'zone')} that TAP can use; {wanted} are needed",
        )
        return
    missing = [zone for zone in usable if zone not in zones][: wanted - len(zones)]
    makes = [account.command(f"ec2 create-default-subnet --availability-zone {zone}") for zone in missing]
    lowers = [f"zones = {len(zones)}"] if len(zones) >= _FEWEST_ZONES else []
    ways = [
        *(["make a default subnet in others"] if makes else []),
        *([f"write this below [account] in {ENVIRONMENTS_FILE}"] if lowers else []),
        "choose another region in AWS_REGION",
    ]
    yield Finding(
        check=check,
        mark=Mark.STOP,
        found=f"default subnets in {counted(len(zones), 'zone')} that TAP can use; {wanted} are needed",
        advice=f"There are these ways: {', or '.join(ways)}.",
        lines=(*makes, *lowers),
    )


def s3_endpoint(account: Account) -> Iterator[Finding]:
    """Whether a route table has a gateway endpoint of S3 already: AWS refuses a second one."""
    vpc, check = _vpc(account), "S3 endpoint"
    if vpc is None:
        return
    named = account.settings.account.s3_vpc_endpoint_id
    tables = _route_tables(account, vpc)
    found = [it for it in _endpoints(account, vpc, "s3") if it["VpcEndpointType"] == "Gateway"]
    strangers = [it for it in found if not _is_own(it)]
    if named:
        yield _named(check, "s3_vpc_endpoint_id", named, found) or _covering(
            account, check, _by_id(found)[named], tables
        )
        return
    in_the_way = [it for it in strangers if tables & set(it["RouteTableIds"])]
    if not in_the_way:
        said = "TAP's own" if len(found) > len(strangers) else "none in these route tables: TAP makes one"
        yield Finding(check=check, mark=Mark.OK, found=said)
        return
    for endpoint in in_the_way:
        yield Finding(
            check=check,
            mark=Mark.STOP,
            found=f"{endpoint['VpcEndpointId']} is in a route table of the default subnets, which takes no second one",
            advice=f"Share it: write this below [account] in {ENVIRONMENTS_FILE}"
            f"{', and add the route tables that it lacks' if tables - set(endpoint['RouteTableIds']) else ''}.",
            lines=(
                f's3_vpc_endpoint_id = "{endpoint["VpcEndpointId"]}"',
                *_additions(account, endpoint, tables),
            ),
        )


def interface_endpoints(account: Account) -> Iterator[Finding]:
    """The interface endpoints of the services that the functions call: TAP makes its own beside those of others."""
    vpc = _vpc(account)
    if vpc is None:
        return
    for service in INTERFACE_ENDPOINTS:
        yield _interface_endpoint(account, vpc, service)


def missing_endpoints(account: Account, *types: str) -> int:
    """How many endpoints of these types TAP is still to make in the default VPC."""
    vpc, settings = _vpc(account), account.settings.account
    if vpc is None:
        return 0
    named = {
        "s3": settings.s3_vpc_endpoint_id,
        "ssm": settings.ssm_vpc_endpoint_id,
        "events": settings.events_vpc_endpoint_id,
    }
    own = [service for service in named if any(map(_is_own, _endpoints(account, vpc, service)))]
    return sum(
        ("Gateway" if service == "s3" else "Interface") in types and not named[service] and service not in own
        for service in named
    )


def endpoints(account: Account) -> tuple[list[Endpoint], list[Endpoint]]:
    """Those of the region, and those of the default VPC among them."""
    listed = account.ask("ec2", "describe_vpc_endpoints")["VpcEndpoints"]
    there = [it for it in listed if it["State"].lower() not in _GONE]
    return there, [it for it in there if it["VpcId"] == _vpc(account)]


def _interface_endpoint(account: Account, vpc: str, service: str) -> Finding:
    check, setting = f"{service} endpoint", f"{service}_vpc_endpoint_id"
    named = getattr(account.settings.account, setting)
    found = [it for it in _endpoints(account, vpc, service) if it["VpcEndpointType"] == "Interface"]
    strangers = [it for it in found if not _is_own(it)]
    if named:
        return _named(check, setting, named, found) or Finding(
            check=check, mark=Mark.OK, found=f"{named}, as the settings name it"
        )
    if len(found) > len(strangers):
        return Finding(check=check, mark=Mark.OK, found="TAP's own")
    if not strangers:
        return Finding(check=check, mark=Mark.OK, found="none: TAP makes one")
    first = strangers[0]
    dns = "with" if first.get("PrivateDnsEnabled") else "without"
    return Finding(
        check=check,
        mark=Mark.NOTE,
        found=f"{first['VpcEndpointId']} is there, {dns} private DNS; TAP makes one beside it",
        advice=f"To share it instead, which saves its cost, write this below [account] in {ENVIRONMENTS_FILE}.",
        lines=(f'{setting} = "{first["VpcEndpointId"]}"',),
    )


def _named(check: str, setting: str, named: str, found: Iterable[Endpoint]) -> Finding | None:
    """What is wrong with an endpoint that the settings name: it is not in the VPC, or is another service's."""
    if named in _by_id(found):
        return None
    return Finding(
        check=check,
        mark=Mark.STOP,
        found=f"the default VPC has no such endpoint {named}, which {setting} names",
        advice=f"Correct it in {ENVIRONMENTS_FILE}, or take the line out: TAP then makes its own.",
    )


def _covering(account: Account, check: str, endpoint: Endpoint, tables: set[str]) -> Finding:
    if additions := _additions(account, endpoint, tables):
        return Finding(
            check=check,
            mark=Mark.STOP,
            found=f"{endpoint['VpcEndpointId']} is missing in a route table of the default subnets",
            advice="Add it there, or functions in these subnets do not reach S3.",
            lines=additions,
        )
    return Finding(check=check, mark=Mark.OK, found=f"{endpoint['VpcEndpointId']}, as the settings name it")


def _additions(account: Account, endpoint: Endpoint, tables: set[str]) -> tuple[str, ...]:
    """The command that adds the route tables that the endpoint lacks, if it lacks any."""
    missing = sorted(tables - set(endpoint["RouteTableIds"]))
    if not missing:
        return ()
    change = f"ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint['VpcEndpointId']} --add-route-table-ids"
    return (account.command(f"{change} {' '.join(missing)}"),)


def _dns(account: Account, vpc: str, attribute: str, mark: Mark, reason: str) -> Finding:
    key = attribute[0].upper() + attribute[1:]
    if account.ask("ec2", "describe_vpc_attribute", VpcId=vpc, Attribute=attribute)[key]["Value"]:
        return Finding(check=attribute, mark=Mark.OK, found="on")
    option = {"enableDnsSupport": "--enable-dns-support", "enableDnsHostnames": "--enable-dns-hostnames"}[attribute]
    return Finding(
        check=attribute,
        mark=mark,
        found=f"off in {vpc}",
        advice=reason,
        lines=(account.command(f"ec2 modify-vpc-attribute --vpc-id {vpc} {option} '{{\"Value\":true}}'"),),
    )


def _vpc(account: Account) -> str | None:
    found = account.ask("ec2", "describe_vpcs", Filters=_filters(("is-default", "true")))["Vpcs"]
    vpc: str | None = found[0]["VpcId"] if found else None
    return vpc


def _usable_zones(account: Account) -> list[str]:
    """Those in which all services are supported that have to be; none if the region lacks one of them."""
    names = [f"com.amazonaws.{account.region}.{service}" for service in ZONE_SERVICES]
    answer = account.find("ec2", "describe_vpc_endpoint_services", "InvalidServiceName", ServiceNames=names) or {}
    # A service may have a gateway as well.
    interfaces = [
        set(it["AvailabilityZones"])
        for it in answer.get("ServiceDetails", [])
        if any(kind["ServiceType"] == "Interface" for kind in it["ServiceType"])
    ]
    return sorted(set.intersection(*interfaces)) if len(interfaces) >= len(names) else []


def _subnets(account: Account, vpc: str) -> list[dict[str, Any]]:
    filters = _filters(("vpc-id", vpc), ("default-for-az", "true"))
    usable = _usable_zones(account)
    subnets = account.ask("ec2", "describe_subnets", Filters=filters)["Subnets"]
    return [subnet for subnet in subnets if subnet["AvailabilityZone"] in usable]


def _route_tables(account: Account, vpc: str) -> set[str]:
    """The main one, and those that some of the subnets have to themselves."""
    subnets = {subnet["SubnetId"] for subnet in _subnets(account, vpc)}
    tables = account.ask("ec2", "describe_route_tables", Filters=_filters(("vpc-id", vpc)))["RouteTables"]
    return {
        table["RouteTableId"]
        for table in tables
        for association in table["Associations"]
        if association.get("Main") or association.get("SubnetId") in subnets
    }


def _endpoints(account: Account, vpc: str, service: str) -> list[Endpoint]:
    name = f"com.amazonaws.{account.region}.{service}"
    return [it for it in endpoints(account)[1] if it["ServiceName"] == name and it["VpcId"] == vpc]


def _is_own(endpoint: Endpoint) -> bool:
    return tags_of(endpoint).get("Stack") == ACCOUNT_STACK


def _by_id(found: Iterable[Endpoint]) -> dict[str, Endpoint]:
    return {it["VpcEndpointId"]: it for it in found}


def _filters(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": [value]} for name, value in pairs]
