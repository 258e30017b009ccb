"""Accounts as they are: what the default VPC lacks is told by the plan, in a sentence with its remedy."""

from typing import Any

import pytest

from local.cdktf import Tables
from local.emulator import Emulator
from tests.plans.conftest import Plan


@pytest.fixture
def ec2(emulator: Emulator) -> Any:
    return emulator.client("ec2")


def default_subnets(ec2: Any) -> list[str]:
    return [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]


@pytest.mark.parametrize("stack", ["tap-account", "tap-vpc-dev"])
def test_account_without_a_default_vpc(plan: Plan, ec2: Any, stack: str) -> None:
    """Some companies delete it in every account."""
    for subnet in default_subnets(ec2):
        ec2.delete_subnet(SubnetId=subnet)
    [vpc] = ec2.describe_vpcs()["Vpcs"]
    ec2.delete_vpc(VpcId=vpc["VpcId"])
    code, output = plan(stack)
    assert code == 1
    assert (
        "This account has no default VPC in this region: make one with `aws ec2 create-default-vpc`, or choose another"
        " region."
    ) in output
    assert output.count("Error:") == 1


@pytest.mark.parametrize(("left", "tables", "zones"), [(1, {}, 2), (2, {"account": {"zones": 3}}, 3)])
def test_account_with_too_few_subnets(plan: Plan, ec2: Any, left: int, tables: Tables, zones: int) -> None:
    """RDS takes two zones at least, and more may have been asked for."""
    for subnet in default_subnets(ec2)[left:]:
        ec2.delete_subnet(SubnetId=subnet)
    code, output = plan("tap-vpc-dev", tables)
    assert code == 1
    assert f"The default VPC has default subnets in fewer than {zones} availability zones that TAP can use" in output
    assert "`aws ec2 create-default-subnet --availability-zone ZONE`" in output
    assert output.count("Error:") == 1


def test_subnets_with_route_tables_of_their_own(plan: Plan, ec2: Any) -> None:
    """S3's gateway goes into each of them, and into no table that none of the subnets uses."""
    [main] = ec2.describe_route_tables()["RouteTables"]
    tables = [ec2.create_route_table(VpcId=main["VpcId"])["RouteTable"]["RouteTableId"] for _ in range(3)]
    for table, subnet in zip(tables[:2], default_subnets(ec2), strict=False):
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    code, output = plan("tap-account")
    assert code == 0, output
    [listed] = [part.partition("]")[0] for part in output.split("route_table_ids = [")[1:]]
    assert set(listed.replace('"', "").replace("+", "").replace(",", "").split()) == {main["RouteTableId"], *tables[:2]}


def test_existing_gateway_that_misses_a_route_table(plan: Plan, ec2: Any) -> None:
    """A function in that subnet would not find S3: the plan says so."""
    [main] = ec2.describe_route_tables()["RouteTables"]
    table = ec2.create_route_table(VpcId=main["VpcId"])["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=default_subnets(ec2)[0])
    endpoint = ec2.create_vpc_endpoint(
        VpcId=main["VpcId"], ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[main["RouteTableId"]]
    )["VpcEndpoint"]["VpcEndpointId"]
    code, output = plan("tap-account", {"account": {"s3_vpc_endpoint_id": endpoint}})
    assert code == 1
    assert (
        f"The S3 endpoint {endpoint} is missing in a route table of the default subnets: add it to all of them."
    ) in output


def test_existing_endpoints_are_used(plan: Plan, ec2: Any) -> None:
    """Endpoints that are handed in are not made again, and their security groups admit the functions."""
    [main] = ec2.describe_route_tables()["RouteTables"]
    subnets = default_subnets(ec2)[:2]
    group = ec2.create_security_group(GroupName="endpoints", Description="x", VpcId=main["VpcId"])["GroupId"]
    interface = {"VpcEndpointType": "Interface", "SubnetIds": subnets, "SecurityGroupIds": [group]}
    kinds: dict[str, dict[str, Any]] = {
        "s3": {"RouteTableIds": [main["RouteTableId"]]},
        "ssm": interface,
        "events": interface,
    }
    ids = {
        f"{service}_vpc_endpoint_id": ec2.create_vpc_endpoint(
            VpcId=main["VpcId"], ServiceName=f"com.amazonaws.us-east-1.{service}", **arguments
        )["VpcEndpoint"]["VpcEndpointId"]
        for service, arguments in kinds.items()
    }
    code, output = plan("tap-account", {"account": ids})
    assert code == 0, output
    assert 'resource "aws_vpc_endpoint"' not in output
    assert f'ExistingEndpointsIngress["{group}"] will be created' in output


def test_region_whose_databases_the_function_would_refuse(plan: Plan) -> None:
    """The plan says which command mends it."""
    code, output = plan("tap-account", AWS_REGION="il-central-1")
    assert code == 1
    assert "fetch AWS's current ones with `make rds-ca-bundle`, and commit them." in output
