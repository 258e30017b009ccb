"""Function and database live in the account's default VPC, closed to everything but each other."""

import pytest
from cdktf import Testing as CdktfTesting  # pytest takes what begins with Test for tests
from cdktf_cdktf_provider_aws.data_aws_vpc import DataAwsVpc

from tests.unit.synthesized import READERS, Platform, Stack


@pytest.fixture
def vpc(platform: Platform) -> Stack:
    return platform["tap-vpc-dev"]


def test_makes_security_groups_and_their_rules_only(vpc: Stack) -> None:
    """No VPC, subnet, route or gateway of an environment's own."""
    assert vpc.inventory == {
        "aws_security_group": 2,
        "aws_vpc_security_group_egress_rule": 1,
        "aws_vpc_security_group_ingress_rule": 1,
        "terraform_data": 1,
    }


def test_finds_the_default_vpc(vpc: Stack) -> None:
    """The VPC is the account's default one, whatever its id."""
    assert CdktfTesting.to_have_data_source_with_properties(vpc.text, DataAwsVpc.TF_RESOURCE_TYPE, {"default": True})


def test_uses_default_subnets_in_zones_that_the_endpoints_and_lambda_support(vpc: Stack) -> None:
    """AWS refuses a function in other zones."""
    zones = ", ".join(
        f"tolist(data.aws_vpc_endpoint_service[{service}].availability_zones)"
        for service in ("ssm", "events", "lambda")
    )
    assert vpc.data_source("aws_subnets")["filter"] == [
        {"name": "vpc-id", "values": ["${data.aws_vpc.id}"]},
        {"name": "default-for-az", "values": ["true"]},
        {"name": "availability-zone", "values": f"${{setintersection({zones})}}"},
    ]


def test_asks_for_the_zones_of_interface_endpoints(vpc: Stack) -> None:
    """A service may have a gateway endpoint too, with other zones."""
    assert {service["service_type"] for service in vpc.data_sources("aws_vpc_endpoint_service")} == {"Interface"}


@pytest.mark.parametrize("component", ["function", "database"])
def test_security_groups_are_in_the_default_vpc(vpc: Stack, component: str) -> None:
    """Both groups carry their name for the console, too."""
    group = vpc.resource("aws_security_group", name=f"tap-{component}-dev")
    assert group["vpc_id"] == "${data.aws_vpc.id}"
    assert group["tags"] == {"Component": component, "Name": f"tap-{component}-dev"}


def test_the_function_reaches_the_database(vpc: Stack) -> None:
    """The function's only way out of its own group is the database's port."""
    rule = vpc.resource("aws_vpc_security_group_egress_rule")
    assert (rule["security_group_id"], rule["referenced_security_group_id"]) == (
        "${aws_security_group[tap-function-dev].id}",
        "${aws_security_group[tap-database-dev].id}",
    )
    assert (rule["ip_protocol"], rule["from_port"], rule["to_port"]) == ("tcp", 5432, 5432)


def test_the_database_admits_the_function(vpc: Stack) -> None:
    """The only way in is from the function, to the database's port; there is no way out."""
    rule = vpc.resource("aws_vpc_security_group_ingress_rule")
    assert (rule["security_group_id"], rule["referenced_security_group_id"]) == (
        "${aws_security_group[tap-database-dev].id}",
        "${aws_security_group[tap-function-dev].id}",
    )
    assert (rule["ip_protocol"], rule["from_port"], rule["to_port"]) == ("tcp", 5432, 5432)


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_the_rules_follow_the_databases_port(changed: Platform, direction: str) -> None:
    """While it moves, functions reach it on either side of the move."""
    rules = changed["tap-vpc-pr42"].resources(f"aws_vpc_security_group_{direction}_rule")
    assert {(rule["from_port"], rule["to_port"]) for rule in rules} == {(6543, 6543), (5432, 5432)}


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_a_rule_is_never_moved_to_another_port(platform: Platform, changed: Platform, direction: str) -> None:
    """The rule of the old port stays what it is: AWS would refuse its duplicate."""
    kind = f"aws_vpc_security_group_{direction}_rule"
    before, after = (it.document["resource"][kind] for it in (platform["tap-vpc-dev"], changed["tap-vpc-pr42"]))
    ports = {address: block["from_port"] for address, block in after.items()}
    assert {address: block["from_port"] for address, block in before.items()}.items() <= ports.items()


def test_readers_reach_the_database_and_nothing_else(changed: Platform) -> None:
    """Members of the group that a setting names; the database reaches nobody."""
    stack = changed["tap-vpc-pr42"]
    rules = [
        rule
        for rule in stack.resources("aws_vpc_security_group_ingress_rule")
        if rule["referenced_security_group_id"] == READERS
    ]
    assert {(rule["security_group_id"], rule["from_port"], rule["to_port"], rule["ip_protocol"]) for rule in rules} == {
        ("${aws_security_group[tap-database-pr42].id}", port, port, "tcp") for port in (5432, 6543)
    }
    assert READERS not in str(stack.resources("aws_vpc_security_group_egress_rule"))
