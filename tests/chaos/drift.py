"""What people change by hand, past Terraform: a plan finds it, and a deploy takes it back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Client = Callable[[str], Any]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """`change` does it to the environment of this suffix; the plan of `service`'s stack then has `found` in it."""

    service: str
    found: str
    change: Callable[[Client, str], object]


def _bucket(client: Client, suffix: str) -> str:
    return f"tap-uploads-{suffix}-{client('sts').get_caller_identity()['Account']}"


def _show_sooner(client: Client, suffix: str) -> object:
    queue = client("sqs").get_queue_url(QueueName=f"tap-events-{suffix}")["QueueUrl"]
    return client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "5"})


def _open_queue(client: Client, suffix: str) -> object:
    """To everybody, as an answer on the web would have it."""
    queue = client("sqs").get_queue_url(QueueName=f"tap-ingest-{suffix}")["QueueUrl"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})


def _delete_rule_of_group(client: Client, suffix: str) -> object:
    ec2 = client("ec2")
    [group] = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [f"tap-database-{suffix}"]}])[
        "SecurityGroups"
    ]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group["GroupId"]]}])
    [rule] = [rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
    return ec2.revoke_security_group_ingress(
        GroupId=group["GroupId"], SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]]
    )


def _allow_everything(client: Client, suffix: str) -> object:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return client("iam").put_role_policy(
        RoleName=f"tap-lambda-{suffix}",
        PolicyName=f"tap-lambda-{suffix}",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def _delete_alarm(client: Client, suffix: str) -> object:
    alarms = (alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"])
    first = min(alarm for alarm in alarms if alarm.endswith(f"-{suffix}"))
    return client("cloudwatch").delete_alarms(AlarmNames=[first])


DRIFTS: Mapping[str, Drift] = {
    "queue's policy": Drift(service="s3", found="aws_sqs_queue", change=_open_queue),
    "queue's visibility timeout": Drift(service="eventbridge", found="aws_sqs_queue", change=_show_sooner),
    "bucket's public access block": Drift(
        service="s3",
        found="aws_s3_bucket_public_access_block",
        change=lambda client, suffix: client("s3").delete_public_access_block(Bucket=_bucket(client, suffix)),
    ),
    "bucket's versioning": Drift(
        service="s3",
        found="aws_s3_bucket_versioning",
        change=lambda client, suffix: client("s3").put_bucket_versioning(
            Bucket=_bucket(client, suffix), VersioningConfiguration={"Status": "Suspended"}
        ),
    ),
    "rule disabled": Drift(
        service="eventbridge",
        found="aws_cloudwatch_event_rule",
        change=lambda client, suffix: client("events").disable_rule(
            Name=f"tap-s3-processing-{suffix}", EventBusName=f"tap-application-events-{suffix}"
        ),
    ),
    "log group's retention": Drift(
        service="eventbridge",
        found="aws_cloudwatch_log_group",
        change=lambda client, suffix: client("logs").delete_retention_policy(
            logGroupName=f"/aws/events/tap-application-events-{suffix}"
        ),
    ),
    "security group's rule deleted": Drift(
        service="vpc", found="aws_vpc_security_group_ingress_rule", change=_delete_rule_of_group
    ),
    "alarm deleted": Drift(service="monitoring", found="aws_cloudwatch_metric_alarm", change=_delete_alarm),
    "role's policy": Drift(service="iam", found="aws_iam_role_policy", change=_allow_everything),
    "parameter": Drift(
        service="parameter",
        found="aws_ssm_parameter",
        change=lambda client, suffix: client("ssm").put_parameter(
            Name=f"/tap/{suffix}/database/name", Value="another", Type="SecureString", Overwrite=True
        ),
    ),
    "function's time": Drift(
        service="lambda",
        found="aws_lambda_function",
        change=lambda client, suffix: client("lambda").update_function_configuration(
            FunctionName=f"tap-lambda-{suffix}", Timeout=3
        ),
    ),
    "event source mapping disabled": Drift(
        service="lambda",
        found="aws_lambda_event_source_mapping",
        change=lambda client, suffix: [
            client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
            for mapping in client("lambda").list_event_source_mappings()["EventSourceMappings"]
            if mapping["FunctionArn"].endswith(f":tap-lambda-{suffix}")
        ],
    ),
    "URL without signatures": Drift(
        service="results",
        found="aws_lambda_function_url",
        change=lambda client, suffix: client("lambda").update_function_url_config(
            FunctionName=f"tap-results-{suffix}", AuthType="NONE"
        ),
    ),
}
