"""`doctor` finds what stands in the way of a deploy, in an account where it really does."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.stub import Stubber
from rich.console import Console

from local.cdktf import PROJECT
from local.doctor import account as accounts
from local.doctor import databases, names, network, providers, quotas
from local.doctor import tools as tool_checks
from local.doctor.finding import Account, Check, Finding, Mark, checked
from local.doctor.run import show
from local.emulator import REGION, Emulator, clean_environment
from stacks.settings import Settings
from tests.local.helpers.denying import denying

ID = "123456789012"
GITHUB_ARN = f"arn:aws:iam::{ID}:oidc-provider/token.actions.githubusercontent.com"
STATE_BUCKET = f"tap-state-{REGION}-{ID}"
UPLOADERS = {"uploaders": {"shop": {"github": ["acme/shop"]}}}
TAGS = [{"Key": "Project", "Value": "tap"}, {"Key": "Environment", "Value": "dev"}]
OWN = [{"Key": "Stack", "Value": "tap-account"}]
ANYBODY = json.dumps({"Version": "2012-10-17", "Statement": []})

Tables = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One of its own: the tests spoil the account."""
    with Emulator(log=tmp_path_factory.mktemp("emulator") / "moto.log") as running:
        yield running


@pytest.fixture(autouse=True)
def aws(emulator: Emulator) -> Callable[[str], Any]:
    """Clients for an account that is new."""
    urlopen(Request(f"{emulator.url}/moto-api/reset", method="POST")).close()
    return emulator.client


def account(client: Callable[[str], Any], tables: Tables | None = None, **changed: Any) -> Account:
    variables = changed.pop("variables", {})
    known = {"id": ID, "arn": f"arn:aws:iam::{ID}:user/operator", "region": REGION, "client": client}
    return Account(**{**known, **changed, "settings": Settings.read(variables, tables or {})})


def marks(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.mark.value for finding in findings}


def stop(check: Check, asked: Account) -> Finding:
    """The one thing that stands in the way."""
    [finding] = [each for each in checked("It", check, asked) if each.mark is Mark.STOP]
    return finding


def only(check: Check, asked: Account) -> Finding:
    [finding] = checked("It", check, asked)
    return finding


def default_vpc(aws: Callable[[str], Any]) -> str:
    found: str = aws("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    return found


def subnets(aws: Callable[[str], Any]) -> list[dict[str, Any]]:
    listed = aws("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    return sorted(listed, key=lambda subnet: str(subnet["AvailabilityZone"]))


def main_route_table(aws: Callable[[str], Any]) -> str:
    filters = [{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [default_vpc(aws)]}]
    found: str = aws("ec2").describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
    return found


def endpoint(aws: Callable[[str], Any], service: str, tags: list[dict[str, str]] | None = None, **more: Any) -> str:
    specification = {"TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": tags}]} if tags else {}
    made = aws("ec2").create_vpc_endpoint(
        VpcId=default_vpc(aws), ServiceName=f"com.amazonaws.{REGION}.{service}", **specification, **more
    )
    found: str = made["VpcEndpoint"]["VpcEndpointId"]
    return found


def gateway(aws: Callable[[str], Any], *tables: str, tags: list[dict[str, str]] | None = None) -> str:
    return endpoint(aws, "s3", tags, VpcEndpointType="Gateway", RouteTableIds=[*tables])


def interface(aws: Callable[[str], Any], service: str, tags: list[dict[str, str]] | None = None) -> str:
    return endpoint(aws, service, tags, VpcEndpointType="Interface", SubnetIds=[subnets(aws)[0]["SubnetId"]])


def role(aws: Callable[[str], Any], name: str, tags: list[dict[str, str]]) -> None:
    aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=ANYBODY, Tags=tags)


def provider(aws: Callable[[str], Any], *audiences: str, tags: list[dict[str, str]] | None = None) -> None:
    aws("iam").create_open_id_connect_provider(
        Url=f"https://{GITHUB_ARN.partition('/')[2]}",
        ClientIDList=[*audiences],
        ThumbprintList=["a" * 40],
        Tags=tags or [],
    )


class TestNetwork:
    """The default VPC."""

    def test_there_is_none(self, aws: Callable[[str], Any]) -> None:
        """Which is said once, and not by each check that needs one."""
        ec2, vpc = aws("ec2"), default_vpc(aws)
        for subnet in subnets(aws):
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        ec2.delete_vpc(VpcId=vpc)
        asked = account(aws)
        assert stop(network.default_vpc, asked).lines == (f"aws ec2 create-default-vpc --region {REGION}",)
        others: tuple[Check, ...] = (network.zones, network.s3_endpoint, network.interface_endpoints)
        assert [checked("It", check, asked) for check in others] == [[], [], []]

    @pytest.mark.parametrize(
        ("attribute", "option", "mark"),
        [
            ("EnableDnsSupport", "--enable-dns-support", "stop"),
            ("EnableDnsHostnames", "--enable-dns-hostnames", "note"),
        ],
    )
    def test_dns_is_off(self, aws: Callable[[str], Any], attribute: str, option: str, mark: str) -> None:
        vpc = default_vpc(aws)
        aws("ec2").modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": False}})
        [finding] = [it for it in checked("It", network.default_vpc, account(aws)) if it.mark is not Mark.OK]
        assert finding.mark.value == mark
        command = f"aws ec2 modify-vpc-attribute --vpc-id {vpc} {option} '{{\"Value\":true}}' --region {REGION}"
        assert finding.lines == (command,)

    def test_zones_are_too_few(self, aws: Callable[[str], Any]) -> None:
        """One subnet is made for each that lacks, or the setting is lowered, but not below what RDS takes."""
        _, second, third, *others = subnets(aws)
        for subnet in others:
            aws("ec2").delete_subnet(SubnetId=subnet["SubnetId"])
        assert only(network.zones, account(aws, {"account": {"zones": 3}})).mark is Mark.OK
        aws("ec2").delete_subnet(SubnetId=second["SubnetId"])
        make = "aws ec2 create-default-subnet --availability-zone"
        zone = second["AvailabilityZone"]
        finding = stop(network.zones, account(aws, {"account": {"zones": 3}}))
        assert finding.lines == (f"{make} {zone} --region {REGION}", "zones = 2")
        aws("ec2").delete_subnet(SubnetId=third["SubnetId"])
        assert stop(network.zones, account(aws)).lines == (f"{make} {zone} --region {REGION}",)

    def test_zones_count_if_all_services_have_them(self, aws: Callable[[str], Any]) -> None:
        """By the Stubber, since the emulator's services are everywhere."""
        ec2 = aws("ec2")
        services = [
            {
                "ServiceName": f"com.amazonaws.{REGION}.{service}",
                "ServiceType": [{"ServiceType": "Interface"}],
                "AvailabilityZones": [f"{REGION}{letter}" for letter in letters],
            }
            for service, letters in (("ssm", "abc"), ("events", "bcd"), ("lambda", "ab"))
        ]

        def client(_: str) -> Any:
            return ec2

        vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])
        there = ec2.describe_subnets()
        with Stubber(ec2) as stubber:
            stubber.add_response("describe_vpcs", vpcs)
            stubber.add_response("describe_vpc_endpoint_services", {"ServiceDetails": services})
            stubber.add_response("describe_subnets", there)
            finding = stop(network.zones, account(client))
        assert finding.found == "default subnets in 1 zone that TAP can use; 2 are needed"

    def test_a_route_table_has_an_s3_endpoint(self, aws: Callable[[str], Any]) -> None:
        """Of somebody else: it is shared, and its setting makes the check content."""
        found = gateway(aws, main_route_table(aws))
        setting = f's3_vpc_endpoint_id = "{found}"'
        assert stop(network.s3_endpoint, account(aws)).lines == (setting,)
        shared = account(aws, {"account": {"s3_vpc_endpoint_id": found}})
        assert only(network.s3_endpoint, shared).mark is Mark.OK

    def test_the_s3_endpoint_is_not_in_all_route_tables(self, aws: Callable[[str], Any]) -> None:
        """A subnet with a table of its own would not find S3."""
        ec2, main = aws("ec2"), main_route_table(aws)
        own = ec2.create_route_table(VpcId=default_vpc(aws))["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=own, SubnetId=subnets(aws)[0]["SubnetId"])
        found = gateway(aws, main)
        add = (f"aws ec2 modify-vpc-endpoint --vpc-endpoint-id {found} --add-route-table-ids {own} --region {REGION}",)
        setting = (f's3_vpc_endpoint_id = "{found}"',)
        assert stop(network.s3_endpoint, account(aws)).lines == (*setting, *add)
        shared = account(aws, {"account": {"s3_vpc_endpoint_id": found}})
        assert stop(network.s3_endpoint, shared).lines == add

    def test_an_s3_endpoint_elsewhere_is_in_nobodys_way(self, aws: Callable[[str], Any]) -> None:
        """Nor is TAP's own."""
        other = aws("ec2").create_route_table(VpcId=default_vpc(aws))["RouteTable"]["RouteTableId"]
        gateway(aws, other)
        assert only(network.s3_endpoint, account(aws)).found == "none in these route tables: TAP makes one"
        gateway(aws, main_route_table(aws), tags=OWN)
        assert only(network.s3_endpoint, account(aws)).found == "TAP's own"

    def test_interface_endpoints_can_be_shared(self, aws: Callable[[str], Any]) -> None:
        """They need not be: TAP makes its own, without private DNS."""
        found = interface(aws, "ssm")
        ssm, events = checked("It", network.interface_endpoints, account(aws))
        assert (ssm.mark, ssm.lines) == (Mark.NOTE, (f'ssm_vpc_endpoint_id = "{found}"',))
        assert (events.mark, events.found) == (Mark.OK, "none: TAP makes one")
        shared = account(aws, {"account": {"ssm_vpc_endpoint_id": found}})
        assert checked("It", network.interface_endpoints, shared)[0].mark is Mark.OK
        interface(aws, "ssm", OWN)
        assert checked("It", network.interface_endpoints, account(aws))[0].found == "TAP's own"

    @pytest.mark.parametrize(
        ("service", "check"),
        [
            ("s3", network.s3_endpoint),
            ("ssm", network.interface_endpoints),
            ("events", network.interface_endpoints),
        ],
    )
    def test_the_settings_name_an_endpoint_that_is_not_there(
        self, aws: Callable[[str], Any], service: str, check: Check
    ) -> None:
        """One of another service is not, either."""
        wrong = interface(aws, "sqs")
        finding = stop(check, account(aws, {"account": {f"{service}_vpc_endpoint_id": wrong}}))
        assert finding.found == f"the default VPC has no such endpoint {wrong}, which {service}_vpc_endpoint_id names"


class TestAccount:
    """Who asks, and what is there."""

    def test_root_user(self, aws: Callable[[str], Any]) -> None:
        assert only(accounts.identity, account(aws)).mark is Mark.OK
        root = account(aws, arn=f"arn:aws:iam::{ID}:root")
        assert only(accounts.identity, root).mark is Mark.NOTE

    def test_region_whose_databases_would_not_be_trusted(self, aws: Callable[[str], Any]) -> None:
        assert only(accounts.region, account(aws)).mark is Mark.OK
        assert stop(accounts.region, account(aws, region="il-central-1")).lines == ("make rds-ca-bundle",)

    def test_rds_has_no_role_yet(self, aws: Callable[[str], Any]) -> None:
        """Its command, run as it stands, is all that it takes."""
        finding = only(databases.role, account(aws))
        assert finding.mark is Mark.NOTE
        assert finding.lines == ("aws iam create-service-linked-role --aws-service-name rds.amazonaws.com",)
        aws("iam").create_service_linked_role(AWSServiceName="rds.amazonaws.com")
        assert only(databases.role, account(aws)).mark is Mark.OK

    def test_class_of_the_database_is_not_offered(self, aws: Callable[[str], Any]) -> None:
        """Of any environment that is to be deployed."""
        tables = {"pr42": {"database_instance_class": "db.x9g.large"}}
        asked = account(aws, tables, variables={"ENVIRONMENT_SUFFIX": "prod,pr42"})
        prod, pr42 = checked("It", databases.classes, asked)
        assert (prod.mark, prod.found) == (Mark.OK, "db.t4g.medium, in two zones")
        assert (pr42.mark, pr42.found) == (
            Mark.STOP,
            f"RDS does not offer db.x9g.large for PostgreSQL in {REGION}",
        )

    def test_class_of_the_database_is_offered_in_one_zone(self, aws: Callable[[str], Any]) -> None:
        """By the Stubber: the emulator's are in all zones."""
        rds = aws("rds")

        def client(_: str) -> Any:
            return rds

        for suffix, mark in (("dev", Mark.OK), ("prod", Mark.STOP)):
            with Stubber(rds) as stubber:
                options = [{"DBInstanceClass": "db.t4g.medium", "MultiAZCapable": False}]
                stubber.add_response("describe_orderable_db_instance_options", {"OrderableDBInstanceOptions": options})
                asked = account(client, variables={"ENVIRONMENT_SUFFIX": suffix})
                assert only(databases.classes, asked).mark is mark

    def test_next_command(self, aws: Callable[[str], Any]) -> None:
        """From a new account to one in which the next environment is deployed."""
        first, named, migrate = (
            "npx cdktf deploy tap-account",
            f"export TF_STATE_BUCKET={STATE_BUCKET}",
            "npx cdktf deploy tap-account --migrate-state",
        )
        deploy = "ENVIRONMENT_SUFFIX=dev npx cdktf deploy 'tap-*-dev' --outputs-file outputs.json"
        assert only(accounts.state, account(aws)).lines == (first, named, migrate, deploy)
        aws("s3").create_bucket(Bucket=STATE_BUCKET)
        assert only(accounts.state, account(aws)).lines == (named, migrate, deploy)
        aws("s3").put_object(Bucket=STATE_BUCKET, Key="account/account.tfstate")
        assert only(accounts.state, account(aws)).lines == (named, deploy)
        complete = account(aws, variables={"TF_STATE_BUCKET": STATE_BUCKET})
        assert only(accounts.state, complete).mark is Mark.OK

    def test_state_bucket_that_is_not_there(self, aws: Callable[[str], Any]) -> None:
        """No deploy would begin, not even of the account stack that makes it."""
        for bucket in ("tap-state-of-another", STATE_BUCKET):
            asked = account(aws, variables={"TF_STATE_BUCKET": bucket})
            assert stop(accounts.state, asked).lines == ("unset TF_STATE_BUCKET", "npx cdktf deploy tap-account")


class TestProviders:
    """OpenID Connect providers, of which IAM takes one for each issuer."""

    def test_nobody_needs_one(self, aws: Callable[[str], Any]) -> None:
        provider(aws, "sts.amazonaws.com")
        assert only(providers.oidc_providers, account(aws)).mark is Mark.OK

    def test_tap_makes_it(self, aws: Callable[[str], Any]) -> None:
        finding = only(providers.oidc_providers, account(aws, {"dev": UPLOADERS}))
        assert (finding.mark, finding.found[:9]) == (Mark.OK, "none for ")

    def test_there_is_one(self, aws: Callable[[str], Any]) -> None:
        """Its ARN in the settings is what TAP needs."""
        provider(aws, "sts.amazonaws.com")
        finding = stop(providers.oidc_providers, account(aws, {"dev": UPLOADERS}))
        assert finding.lines == (f'oidc_provider_arns = ["{GITHUB_ARN}"]',)
        named = account(aws, {"dev": UPLOADERS, "account": {"oidc_provider_arns": [GITHUB_ARN]}})
        assert only(providers.oidc_providers, named).mark is Mark.OK

    def test_it_does_not_admit_the_audience(self, aws: Callable[[str], Any]) -> None:
        provider(aws, "somebody-else")
        named = account(aws, {"dev": UPLOADERS, "account": {"oidc_provider_arns": [GITHUB_ARN]}})
        assert stop(providers.oidc_providers, named).lines == (
            "aws iam add-client-id-to-open-id-connect-provider"
            f" --open-id-connect-provider-arn {GITHUB_ARN} --client-id sts.amazonaws.com",
        )

    def test_it_is_made_by_the_account_stack(self, aws: Callable[[str], Any]) -> None:
        """Of this region, which has its state bucket here; that of another one is as a stranger's."""
        provider(aws, "sts.amazonaws.com", tags=OWN)
        stop(providers.oidc_providers, account(aws, {"dev": UPLOADERS}))
        aws("s3").create_bucket(Bucket=STATE_BUCKET)
        assert only(providers.oidc_providers, account(aws, {"dev": UPLOADERS})).mark is Mark.OK

    def test_the_settings_name_one_that_is_not_there(self, aws: Callable[[str], Any]) -> None:
        named = account(aws, {"dev": UPLOADERS, "account": {"oidc_provider_arns": [GITHUB_ARN]}})
        assert stop(providers.oidc_providers, named).found == f"there is no {GITHUB_ARN}"


class TestNames:
    """What an environment is called, which is the account's and no region's."""

    def test_they_are_free(self, aws: Callable[[str], Any]) -> None:
        assert only(names.names, account(aws)).found == "free"

    @pytest.mark.parametrize("name", ["tap-lambda-dev", "tap-results-dev", "tap-upload-shop-dev"])
    def test_somebody_else_has_a_role(self, aws: Callable[[str], Any], name: str) -> None:
        role(aws, name, [])
        finding = stop(names.names, account(aws, {"dev": UPLOADERS}))
        assert finding.found == f"somebody else has {name}: the tags are not those of dev"

    def test_it_is_deployed_in_another_region(self, aws: Callable[[str], Any]) -> None:
        role(aws, "tap-lambda-dev", TAGS)
        aws("s3").create_bucket(
            Bucket=f"tap-uploads-dev-{ID}", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        finding = stop(names.names, account(aws))
        assert finding.found == "dev is deployed in eu-west-1: an account has one of a name"

    @pytest.mark.parametrize("left", ["role", "bucket"])
    def test_something_is_left_that_no_state_knows(self, aws: Callable[[str], Any], left: str) -> None:
        """A deploy would end with EntityAlreadyExists."""
        if left == "role":
            role(aws, "tap-lambda-dev", TAGS)
        else:
            aws("s3").create_bucket(Bucket=f"tap-uploads-dev-{ID}")
        name = {"role": "tap-lambda-dev", "bucket": f"tap-uploads-dev-{ID}"}[left]
        assert stop(names.names, account(aws)).found == f"{name} is there, and no state that knows it"

    def test_it_is_deployed_here(self, aws: Callable[[str], Any]) -> None:
        """Which the state of its roles says."""
        role(aws, "tap-lambda-dev", TAGS)
        for bucket in (STATE_BUCKET, f"tap-uploads-dev-{ID}"):
            aws("s3").create_bucket(Bucket=bucket)
        aws("s3").put_object(Bucket=STATE_BUCKET, Key="dev/iam.tfstate")
        assert only(names.names, account(aws)).mark is Mark.OK

    def test_each_of_several_environments_is_asked_for(self, aws: Callable[[str], Any]) -> None:
        role(aws, "tap-lambda-pr42", [])
        asked = account(aws, variables={"ENVIRONMENT_SUFFIX": "dev,pr42"})
        assert marks(checked("It", names.names, asked)) == {"Names of dev": "ok", "Names of pr42": "stop"}


class TestQuotas:
    """What AWS takes no more of."""

    def test_of_a_new_account(self, aws: Callable[[str], Any]) -> None:
        """All is left, and what a deploy adds is counted."""
        every: tuple[Check, ...] = (quotas.iam, quotas.event_buses, quotas.vpc_endpoints, quotas.databases)
        asked = account(aws, {"dev": UPLOADERS})
        assert {each.check: each.found for check in every for each in checked("It", check, asked)} == {
            "IAM roles": "0 of 1000; a deploy adds 4",
            "IAM policies": "0 of 1500; a deploy adds 1",
            "Event buses": "1 of 100; a deploy adds 1",
            "Gateway endpoints": "0 of 20; a deploy adds 1",
            "Interface endpoints": "0 of 50; a deploy adds 2",
            "Databases": "0 of 40; a deploy adds 1",
        }

    def test_roles_and_policies(self, aws: Callable[[str], Any]) -> None:
        """By the Stubber: a thousand roles take the emulator too long."""
        iam = aws("iam")

        def client(_: str) -> Any:
            return iam

        full = {"Roles": 998, "RolesQuota": 1000, "Policies": 1500, "PoliciesQuota": 1500}
        with Stubber(iam) as stubber:
            stubber.add_response("get_account_summary", {"SummaryMap": full})
            stubber.add_client_error("get_role", "NoSuchEntity")
            roles, policies = checked("It", quotas.iam, account(client))
        assert (roles.mark, roles.found) == (Mark.STOP, "998 of 1000; a deploy adds 3")
        assert roles.lines == (
            "aws service-quotas request-service-quota-increase --service-code iam --quota-code L-FE177D64"
            " --desired-value 2000 --region us-east-1",
        )
        assert (policies.mark, policies.found) == (Mark.STOP, "1500 of 1500; a deploy adds 1")

    def test_event_buses(self, aws: Callable[[str], Any]) -> None:
        for number in range(99):
            aws("events").create_event_bus(Name=f"bus-{number}")
        assert stop(quotas.event_buses, account(aws)).found == "100 of 100; a deploy adds 1"

    def test_log_policies(self, aws: Callable[[str], Any]) -> None:
        """Of which TAP's own may be one."""
        logs = aws("logs")
        for number in range(9):
            logs.put_resource_policy(policyName=f"policy-{number}", policyDocument=ANYBODY)
        assert only(quotas.log_policies, account(aws)).mark is Mark.OK
        logs.put_resource_policy(policyName="policy-9", policyDocument=ANYBODY)
        assert stop(quotas.log_policies, account(aws)).found == "10 of 10, and TAP needs one"
        logs.delete_resource_policy(policyName="policy-9")
        logs.put_resource_policy(policyName="tap-events", policyDocument=ANYBODY)
        assert only(quotas.log_policies, account(aws)).mark is Mark.OK

    def test_endpoints(self, aws: Callable[[str], Any]) -> None:
        """By what Service Quotas says, and until TAP need not make them. The Stubber lowers it: fifty take long.

        An account may have more than it may make by now.
        """

        def client(service: str) -> Any:
            made = aws(service)
            if service == "service-quotas":
                stubber = Stubber(made)
                stubber.add_response("get_service_quota", {"Quota": {"Value": 1.0}})
                stubber.activate()
            return made

        gateway(aws)
        shared = {"s3_vpc_endpoint_id": gateway(aws), "ssm_vpc_endpoint_id": interface(aws, "ssm")}
        said = {each.check: each for each in checked("It", quotas.vpc_endpoints, account(client))}
        assert {check: each.found for check, each in said.items()} == {
            "Gateway endpoints": "2 of 1; a deploy adds 1",
            "Interface endpoints": "1 of 1; a deploy adds 2",
        }
        assert {each.mark for each in said.values()} == {Mark.STOP}
        fewer = checked("It", quotas.vpc_endpoints, account(client, {"account": shared}))
        assert [(each.mark, each.found) for each in fewer] == [
            (Mark.OK, "2 of 1; a deploy adds 0"),
            (Mark.STOP, "1 of 1; a deploy adds 1"),
        ]

    def test_databases(self, aws: Callable[[str], Any]) -> None:
        """Until the environment is there and has its own."""
        for number in range(40):
            aws("rds").create_db_instance(
                DBInstanceIdentifier=f"db-{number}", Engine="postgres", DBInstanceClass="db.t4g.micro"
            )
        assert stop(quotas.databases, account(aws)).found == "40 of 40; a deploy adds 1"
        role(aws, "tap-lambda-dev", TAGS)
        assert only(quotas.databases, account(aws)).mark is Mark.OK

    @pytest.mark.parametrize(
        ("suffix", "mark", "settings"),
        [
            ("dev", "ok", ()),
            ("prod", "note", ("function_concurrency = 8  # below [prod]",)),
            (
                "dev,pr42",
                "note",
                ("function_concurrency = 3  # below [dev]", "function_concurrency = 3  # below [pr42]"),
            ),
        ],
    )
    def test_functions_at_once(
        self, aws: Callable[[str], Any], suffix: str, mark: str, settings: tuple[str, ...]
    ) -> None:
        """Ten, of a new account: by the Stubber, since nobody can lower the emulator's."""
        functions = aws("lambda")

        def client(_: str) -> Any:
            return functions

        with Stubber(functions) as stubber:
            limits = {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
            stubber.add_response("get_account_settings", {"AccountLimit": limits})
            finding = only(quotas.concurrency, account(client, variables={"ENVIRONMENT_SUFFIX": suffix}))
        assert (finding.mark.value, finding.lines[1:]) == (mark, settings)

    def test_limits_of_the_emulated_account(self, aws: Callable[[str], Any]) -> None:
        assert only(quotas.concurrency, account(aws)).found == "1000 at once; dev takes up to 7"


class TestTools:
    """What is on this machine."""

    def test_nothing_is_installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where `make` has not set up the project, and the PATH leads nowhere."""
        monkeypatch.setenv("PATH", str(tmp_path))
        findings = list(tool_checks.tools(tmp_path))
        said = marks(findings)
        said.pop("Function's package")
        assert said == {"Python": "ok", "Terraform": "stop", "node": "stop", "cdktf": "stop", "AWS CLI": "note"}
        assert {each.lines for each in findings if each.check in ("node", "cdktf")} == {("make setup",)}

    def test_terraform_is_too_old(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "terraform").write_text("#!/bin/sh\necho Terraform v1.9.8\n")
        (tmp_path / "terraform").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        [finding] = [each for each in tool_checks.tools() if each.check == "Terraform"]
        assert (finding.mark, finding.found) == (Mark.STOP, "1.9.8")
        assert finding.advice.startswith("Terraform 1.9.8 is too old: install Terraform 1.11.1 or later")


def test_what_may_not_be_asked_is_said(emulator: Emulator, aws: Callable[[str], Any]) -> None:
    """With the permission that is missing, and it is no reason to stop."""
    with denying(emulator, ["DescribeResourcePolicies"]) as url:

        def client(service: str) -> Any:
            return boto3.client(
                service, endpoint_url=url, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
            )

        finding = only(quotas.log_policies, account(client))
    assert (finding.check, finding.mark, finding.found) == ("It", Mark.NOTE, "may not be asked")
    assert "lack the permission logs:DescribeResourcePolicies" in finding.advice


@pytest.mark.parametrize(
    ("service", "operation", "code", "check", "permission"),
    [
        ("ec2", "describe_vpcs", "UnauthorizedOperation", network.zones, "ec2:DescribeVpcs"),
        ("iam", "get_account_summary", "AccessDenied", quotas.iam, "iam:GetAccountSummary"),
        ("s3", "head_bucket", "403", accounts.state, "s3:ListBucket"),
    ],
)
def test_each_service_refuses_in_its_own_words(
    aws: Callable[[str], Any], service: str, operation: str, code: str, check: Check, permission: str
) -> None:
    """By the Stubber: the emulator refuses nothing to its administrator."""
    refusing = aws(service)
    with Stubber(refusing) as stubber:
        stubber.add_client_error(operation, code)
        finding = only(check, account(lambda _: refusing))
    assert (finding.mark, finding.found) == (Mark.NOTE, "may not be asked")
    assert f"lack the permission {permission}:" in finding.advice


def test_what_aws_does_not_answer_is_said(aws: Callable[[str], Any]) -> None:
    """And the other checks go on."""
    events = aws("events")
    with Stubber(events) as stubber:
        stubber.add_client_error("list_event_buses", "ThrottlingException", "Rate exceeded")
        finding = only(quotas.event_buses, account(lambda _: events))
    assert (finding.mark, finding.found) == (Mark.NOTE, "AWS does not answer")
    assert "Rate exceeded" in finding.advice


def test_worst_comes_last_and_is_told_without_colours() -> None:
    """What is for copying is not folded, however narrow the terminal is."""
    output = io.StringIO()
    command = "aws ec2 create-default-subnet --availability-zone us-east-1a --region us-east-1"
    findings = [
        Finding(check="C", mark=Mark.STOP, found="bad", advice="Do it.", lines=(command, "zones = 2")),
        Finding(check="A", mark=Mark.OK, found="good"),
        Finding(check="B", mark=Mark.NOTE, found="so", advice="Know it."),
    ]
    show(Console(file=output, width=60), findings, title="What a deploy meets")
    assert [line.rstrip() for line in output.getvalue().splitlines()] == [
        "",
        "What a deploy meets",
        "        check  found",
        "  ok    A      good",
        "  note  B      so",
        "  stop  C      bad",
        "",
        "What to do",
        "  note  B: Know it.",
        "  stop  C: Do it.",
        f"        {command}",
        "        zones = 2",
        "",
        "1 thing stands in the way of a deploy (1 note).",
    ]


class TestProcess:
    """`python -m local doctor`, as an operator runs it."""

    def run(self, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "local", "doctor", *arguments],
            cwd=PROJECT,
            env={**clean_environment(), "COLUMNS": "140", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_new_account(self, emulator: Emulator) -> None:
        """Nothing stands in the way, and the example in the documentation has the same checks."""
        answer = self.run(emulator.environment())
        assert (answer.returncode, answer.stderr) == (0, "")
        assert "Nothing stands in the way of a deploy (" in answer.stdout
        assert "\n        npx cdktf deploy tap-account\n" in answer.stdout
        [_, section] = (PROJECT / "docs" / "operating.md").read_text().split("\n## Before the first deploy\n")
        assert _rows(section.partition("\n## ")[0]) == _rows(answer.stdout)

    def test_something_stands_in_the_way(self, emulator: Emulator, aws: Callable[[str], Any]) -> None:
        """Of the environment that is named."""
        role(aws, "tap-lambda-pr42", [])
        answer = self.run(emulator.environment(), "--environment=pr42")
        assert (answer.returncode, answer.stderr) == (1, "")
        assert "1 thing stands in the way of a deploy" in answer.stdout

    def test_interrupt(self) -> None:
        """While AWS does not answer."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with subprocess.Popen(
                [sys.executable, "-u", "-m", "local", "doctor"],
                cwd=PROJECT,
                env={
                    **clean_environment(),
                    "AWS_ENDPOINT_URL": address,
                    "AWS_REGION": REGION,
                    "AWS_ACCESS_KEY_ID": "x",
                    "AWS_SECRET_ACCESS_KEY": "x",
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                try:
                    silent.accept()[0].close()
                    process.send_signal(signal.SIGINT)
                    output, errors = process.communicate(timeout=30)
                finally:
                    process.kill()
        assert (process.returncode, errors) == (130, "")
        assert output.endswith("\nInterrupted: nothing was changed.\n")

    def test_no_credentials(self) -> None:
        nothing = {"AWS_REGION": REGION, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        answer = self.run({**nothing, "AWS_EC2_METADATA_DISABLED": "true"})
        assert answer.returncode == 1
        assert answer.stderr == (
            "TAP: there are no AWS credentials: name your profile in AWS_PROFILE, or sign in (`aws sso login`)\n"
        )

    def test_no_region(self, emulator: Emulator) -> None:
        there = {name: value for name, value in emulator.environment().items() if "REGION" not in name}
        answer = self.run(there)
        assert answer.returncode == 1
        assert answer.stderr == "TAP: no AWS region is set: set AWS_REGION, or `region` in your AWS profile\n"

    @pytest.mark.parametrize("arguments", [["--environment=Dev!"], ["--nonsense"]])
    def test_wrong_use(self, emulator: Emulator, arguments: list[str]) -> None:
        answer = self.run(emulator.environment(), *arguments)
        assert (answer.returncode, answer.stdout) == (2, "")
        assert "Dev!" in answer.stderr or "--nonsense" in answer.stderr


def _rows(text: str) -> list[str]:
    """The checks of a table, whatever was found."""
    return sorted(re.findall(r"^ +(?:ok|note|stop) {2,}(\S+(?: \S+)*) {2,}\S", text, re.MULTILINE))
