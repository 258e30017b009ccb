"""What tells people that something is wrong with an environment, and what they look at then."""

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.cloudwatch_query_definition import CloudwatchQueryDefinition
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription

from constructs import Construct
from constructs.alarm import Alarm
from constructs.caller import Caller
from constructs.dashboard import Dashboard
from constructs.secure_topic import SecureTopic
from stacks.account_lookup import account_key_arn
from stacks.base import EnvironmentStack
from stacks.event_bridge_stack import EventBridgeStack
from stacks.lambda_stack import LambdaStack
from stacks.names import MaxLength, resource_name
from stacks.overview import overview
from stacks.rds_stack import RdsStack
from stacks.results_stack import ResultsStack
from stacks.s3_stack import S3Stack
from stacks.saved_queries import SAVED_QUERIES
from stacks.schema_stack import SchemaStack
from stacks.settings import EnvironmentSettings


class MonitoringStack(EnvironmentStack):
    """The topic, an alarm for each that the other stacks declare, the dashboard, and the saved queries of the logs.

    docs/runbook.md says of every alarm what to do.
    """

    alarm_topic: SnsTopic
    dashboard_name: str

    def __init__(
        self,
        scope: Construct,
        *,
        environment: EnvironmentSettings,
        state_bucket: str | None,
        s3: S3Stack,
        rds: RdsStack,
        event_bridge: EventBridgeStack,
        schema: SchemaStack,
        function: LambdaStack,
        results: ResultsStack,
    ) -> None:
        super().__init__(scope, "monitoring", environment=environment, state_bucket=state_bucket)
        self._suffix = environment.suffix
        self._caller = Caller(self, "Caller")
        self.alarm_topic = self._topic(environment.alarm_email)
        watched = (s3, event_bridge, function, results, schema, rds)
        alarms = [self._alarm(alarm) for stack in watched for alarm in stack.alarms]
        self.dashboard_name = Dashboard(
            self,
            "Dashboard",
            name=resource_name("overview", self._suffix, MaxLength.DASHBOARD),
            region=self._caller.region,
            alarms=[alarm.arn for alarm in alarms],
            sections=overview(
                suffix=self._suffix,
                s3=s3,
                rds=rds,
                event_bridge=event_bridge,
                schema=schema,
                function=function,
                results=results,
            ),
        ).dashboard.dashboard_name
        logs = {"ingest": function.log_group.name, "schema": schema.log_group.name, "results": results.log_group.name}
        for query in SAVED_QUERIES:
            CloudwatchQueryDefinition(
                self,
                _pascal_case(query.name),
                # The console shows what stands before a slash as a folder.
                name=f"{resource_name('queries', self._suffix, MaxLength.QUERY_DEFINITION)}/{query.name}",
                query_string=query.text,
                log_group_names=[logs[function] for function in query.functions],
            )

    def _topic(self, email: str | None) -> SnsTopic:
        alarms = self._caller.arn("cloudwatch", f"alarm:{resource_name('*', self._suffix, MaxLength.ALARM)}")
        topic = SecureTopic(
            self,
            "Alarms",
            name=resource_name("alarms", self._suffix, MaxLength.TOPIC),
            display_name=f"TAP {self._suffix}",
            caller=self._caller,
            component="monitoring",
            kms_key_arn=account_key_arn(self),
            publisher="cloudwatch.amazonaws.com",
            source_arn=alarms,
        ).topic
        if email:
            SnsTopicSubscription(self, "AlarmMail", topic_arn=topic.arn, protocol="email", endpoint=email)
        return topic

    def _alarm(self, alarm: Alarm) -> CloudwatchMetricAlarm:
        metric = alarm.metric
        percentile = metric.statistic.startswith("p")
        told = [self.alarm_topic.arn]
        return CloudwatchMetricAlarm(
            self,
            _pascal_case(alarm.name),
            alarm_name=resource_name(alarm.name, self._suffix, MaxLength.ALARM),
            alarm_description=alarm.description,
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=dict(metric.dimensions),
            statistic=None if percentile else metric.statistic,
            extended_statistic=metric.statistic if percentile else None,
            comparison_operator=alarm.comparison,
            threshold=alarm.threshold,
            period=alarm.period,
            evaluation_periods=alarm.evaluation_periods,
            datapoints_to_alarm=alarm.datapoints,
            treat_missing_data=alarm.missing_data,
            alarm_actions=told,
            ok_actions=told,
            tags={"Component": "monitoring"},
        )


def _pascal_case(name: str) -> str:
    return name.title().replace("-", "")
