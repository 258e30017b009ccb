"""What the emulated account holds."""

from local.emulator import Emulator


def names_of_resources(emulator: Emulator) -> list[str]:
    """The names of all that the emulated account holds, of the kinds that TAP makes."""
    client = emulator.client
    names: list[str] = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
    names += client("sqs").list_queues().get("QueueUrls", [])
    names += [group["GroupName"] for group in client("ec2").describe_security_groups()["SecurityGroups"]]
    rds = client("rds")
    names += [instance["DBInstanceIdentifier"] for instance in rds.describe_db_instances()["DBInstances"]]
    names += [group["DBSubnetGroupName"] for group in rds.describe_db_subnet_groups()["DBSubnetGroups"]]
    names += [snapshot["DBSnapshotIdentifier"] for snapshot in rds.describe_db_snapshots()["DBSnapshots"]]
    names += [parameter["Name"] for parameter in client("ssm").describe_parameters()["Parameters"]]
    events = client("events")
    names += [bus["Name"] for bus in events.list_event_buses()["EventBuses"]]
    names += [archive["ArchiveName"] for archive in events.list_archives()["Archives"]]
    names += [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]]
    names += [role["RoleName"] for role in client("iam").list_roles()["Roles"]]
    names += [policy["PolicyName"] for policy in client("iam").list_policies(Scope="Local")["Policies"]]
    names += [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]]
    cloudwatch = client("cloudwatch")
    names += [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]]
    names += [dashboard["DashboardName"] for dashboard in cloudwatch.list_dashboards()["DashboardEntries"]]
    names += [query["name"] for query in client("logs").describe_query_definitions()["queryDefinitions"]]
    functions = client("lambda")
    names += [function["FunctionName"] for function in functions.list_functions()["Functions"]]
    names += [mapping["FunctionArn"] for mapping in functions.list_event_source_mappings()["EventSourceMappings"]]
    return names
