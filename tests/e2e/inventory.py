"""What the emulated account holds, and what Terraform's states say that it holds, in the same words."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

from local.emulator import Emulator

Attributes = Mapping[str, Any]


class Resource(NamedTuple):
    """`type`: Terraform's. `name`: the one by which AWS knows it, or its id where it has none."""

    type: str
    name: str


def existing(emulator: Emulator) -> Counter[Resource]:
    """All that the emulated account holds, of the kinds that TAP makes, but for what AWS itself made."""
    client = cache(emulator.client)
    return Counter(Resource(type_, name) for type_, names in _LISTED.items() for name in names(client))


def known(states: Iterable[Mapping[str, Any]]) -> Counter[Resource]:
    """All that these states say. Raises LookupError for a type that nobody has told how to find."""
    found: Counter[Resource] = Counter()
    for state in states:
        for resource in state["resources"]:
            type_: str = resource["type"]
            if resource["mode"] != "managed" or type_ in _SETTINGS_OF_OTHERS:
                continue
            for instance in resource["instances"]:
                found[Resource(type_, _NAMES[type_](instance["attributes"]))] += 1
    return found


def _attributes(*names: str) -> Callable[[Attributes], str]:
    return lambda attributes: "/".join(attributes[name] for name in names)


def _function(function: str) -> str:
    """A function's name, which may be given as its ARN."""
    return function.rpartition(":")[2]


# How a resource is named, by the attributes that its state has.
_NAMES: Mapping[str, Callable[[Attributes], str]] = {
    "aws_cloudwatch_dashboard": _attributes("dashboard_name"),
    "aws_cloudwatch_event_archive": _attributes("name"),
    "aws_cloudwatch_event_bus": _attributes("name"),
    "aws_cloudwatch_event_rule": _attributes("event_bus_name", "name"),
    "aws_cloudwatch_event_target": _attributes("event_bus_name", "rule", "target_id"),
    "aws_cloudwatch_log_group": _attributes("name"),
    "aws_cloudwatch_log_resource_policy": _attributes("policy_name"),
    "aws_cloudwatch_metric_alarm": _attributes("alarm_name"),
    "aws_cloudwatch_query_definition": _attributes("name"),
    "aws_db_instance": _attributes("identifier"),
    "aws_db_subnet_group": _attributes("name"),
    "aws_iam_openid_connect_provider": _attributes("arn"),
    "aws_iam_policy": _attributes("name"),
    "aws_iam_role": _attributes("name"),
    "aws_iam_role_policy": _attributes("role", "name"),
    "aws_kms_alias": _attributes("name"),
    "aws_kms_key": _attributes("key_id"),
    "aws_lambda_event_source_mapping": lambda it: f"{_function(it['function_name'])}/{it['uuid']}",
    "aws_lambda_function": _attributes("function_name"),
    "aws_lambda_function_url": _attributes("function_name"),
    "aws_lambda_permission": lambda it: f"{_function(it['function_name'])}/{it['statement_id']}",
    "aws_s3_bucket": _attributes("bucket"),
    "aws_security_group": _attributes("name"),
    "aws_sns_topic": _attributes("arn"),
    "aws_sns_topic_subscription": _attributes("arn"),
    "aws_sqs_queue": _attributes("name"),
    "aws_ssm_parameter": _attributes("name"),
    "aws_vpc_endpoint": _attributes("id"),
    "aws_vpc_security_group_egress_rule": _attributes("id"),
    "aws_vpc_security_group_ingress_rule": _attributes("id"),
}

# What AWS keeps as a setting of something else, or does not know at all.
_SETTINGS_OF_OTHERS = frozenset(
    {
        "aws_lambda_invocation",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_s3_bucket_logging",
        "aws_s3_bucket_notification",
        "aws_s3_bucket_ownership_controls",
        "aws_s3_bucket_policy",
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_versioning",
        "aws_s3_object",
        "aws_sns_topic_policy",
        "terraform_data",
    }
)

Client = Callable[[str], Any]


def _buses(client: Client) -> Iterator[str]:
    yield from (bus["Name"] for bus in client("events").list_event_buses()["EventBuses"])


def _rules(client: Client) -> Iterator[tuple[str, str]]:
    for bus in _buses(client):
        for rule in client("events").list_rules(EventBusName=bus)["Rules"]:
            # An archive has one of its own.
            if "ManagedBy" not in rule:
                yield bus, rule["Name"]


def _targets(client: Client) -> Iterator[str]:
    for bus, rule in _rules(client):
        for target in client("events").list_targets_by_rule(EventBusName=bus, Rule=rule)["Targets"]:
            yield f"{bus}/{rule}/{target['Id']}"


def _functions(client: Client) -> Iterator[str]:
    yield from (function["FunctionName"] for function in client("lambda").list_functions()["Functions"])


def _urls(client: Client) -> Iterator[str]:
    functions = client("lambda")
    for function in _functions(client):
        with suppress(functions.exceptions.ResourceNotFoundException):
            functions.get_function_url_config(FunctionName=function)
            yield function


def _mappings(client: Client) -> Iterator[str]:
    for mapping in client("lambda").list_event_source_mappings()["EventSourceMappings"]:
        yield f"{_function(mapping['FunctionArn'])}/{mapping['UUID']}"


def _permissions(client: Client) -> Iterator[str]:
    functions = client("lambda")
    for function in _functions(client):
        with suppress(functions.exceptions.ResourceNotFoundException):
            policy = functions.get_policy(FunctionName=function)["Policy"]
            yield from (f"{function}/{statement['Sid']}" for statement in json.loads(policy)["Statement"])


def _roles(client: Client) -> Iterator[str]:
    yield from (role["RoleName"] for role in client("iam").list_roles()["Roles"])


def _role_policies(client: Client) -> Iterator[str]:
    for role in _roles(client):
        yield from (f"{role}/{policy}" for policy in client("iam").list_role_policies(RoleName=role)["PolicyNames"])


def _security_groups(client: Client) -> Mapping[str, str]:
    """Their names, by id."""
    groups = client("ec2").describe_security_groups()["SecurityGroups"]
    return {group["GroupId"]: group["GroupName"] for group in groups if group["GroupName"] != "default"}


def _security_group_rules(client: Client, *, egress: bool) -> Iterator[str]:
    ours = _security_groups(client)
    for rule in client("ec2").describe_security_group_rules()["SecurityGroupRules"]:
        if rule["IsEgress"] is egress and rule["GroupId"] in ours:
            yield rule["SecurityGroupRuleId"]


def _endpoints(client: Client) -> Iterator[str]:
    for endpoint in client("ec2").describe_vpc_endpoints()["VpcEndpoints"]:
        # Deleted ones are listed for a while.
        if endpoint["State"] != "deleted":
            yield endpoint["VpcEndpointId"]


def _keys(client: Client) -> Iterator[str]:
    kms = client("kms")
    for key in kms.list_keys()["Keys"]:
        metadata = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        # moto takes AWS's own keys for the customer's.
        if metadata["Description"] != "Default key" and metadata["KeyState"] != "PendingDeletion":
            yield metadata["KeyId"]


def _aliases(client: Client) -> Iterator[str]:
    aliases = (alias["AliasName"] for alias in client("kms").list_aliases()["Aliases"])
    yield from (alias for alias in aliases if not alias.startswith("alias/aws/"))


def _listed(service: str, operation: str, key: str, name: str, **arguments: str) -> Callable[[Client], Iterator[str]]:
    """What one operation answers, on all its pages."""

    def names(client: Client) -> Iterator[str]:
        aws = client(service)
        pages = (
            aws.get_paginator(operation).paginate(**arguments)
            if aws.can_paginate(operation)
            else [getattr(aws, operation)(**arguments)]
        )
        yield from (found[name] for page in pages for found in page.get(key, []))

    return names


def _queues(client: Client) -> Iterator[str]:
    yield from (url.rpartition("/")[2] for url in client("sqs").list_queues().get("QueueUrls", []))


_LISTED: Mapping[str, Callable[[Client], Iterable[str]]] = {
    "aws_cloudwatch_dashboard": _listed("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "aws_cloudwatch_event_archive": _listed("events", "list_archives", "Archives", "ArchiveName"),
    "aws_cloudwatch_event_bus": lambda client: (bus for bus in _buses(client) if bus != "default"),
    "aws_cloudwatch_event_rule": lambda client: ("/".join(rule) for rule in _rules(client)),
    "aws_cloudwatch_event_target": _targets,
    "aws_cloudwatch_log_group": _listed("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "aws_cloudwatch_log_resource_policy": _listed(
        "logs", "describe_resource_policies", "resourcePolicies", "policyName"
    ),
    "aws_cloudwatch_metric_alarm": _listed("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "aws_cloudwatch_query_definition": _listed("logs", "describe_query_definitions", "queryDefinitions", "name"),
    "aws_db_instance": _listed("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    "aws_db_subnet_group": _listed("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    "aws_iam_openid_connect_provider": _listed(
        "iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"
    ),
    "aws_iam_policy": _listed("iam", "list_policies", "Policies", "PolicyName", Scope="Local"),
    "aws_iam_role": _roles,
    "aws_iam_role_policy": _role_policies,
    "aws_kms_alias": _aliases,
    "aws_kms_key": _keys,
    "aws_lambda_event_source_mapping": _mappings,
    "aws_lambda_function": _functions,
    "aws_lambda_function_url": _urls,
    "aws_lambda_permission": _permissions,
    "aws_s3_bucket": _listed("s3", "list_buckets", "Buckets", "Name"),
    "aws_security_group": lambda client: _security_groups(client).values(),
    "aws_sns_topic": _listed("sns", "list_topics", "Topics", "TopicArn"),
    "aws_sns_topic_subscription": _listed("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    "aws_sqs_queue": _queues,
    "aws_ssm_parameter": _listed("ssm", "describe_parameters", "Parameters", "Name"),
    "aws_vpc_endpoint": _endpoints,
    "aws_vpc_security_group_egress_rule": lambda client: _security_group_rules(client, egress=True),
    "aws_vpc_security_group_ingress_rule": lambda client: _security_group_rules(client, egress=False),
}
