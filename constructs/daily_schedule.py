"""Something that a function does every day."""

import json
from collections.abc import Mapping

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import CloudwatchEventTarget
from cdktf_cdktf_provider_aws.lambda_permission import LambdaPermission

from constructs import Construct
from constructs.alarm import DAY, Alarm
from constructs.metrics import function_metric, rule_metric
from constructs.python_function import PythonFunction


class DailySchedule(Construct):
    """A rule that invokes the function once a day with this event, and the permission to do so, for this rule alone.

    The time of day is that of the rule's making (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html).
    Lambda tries an invocation that failed twice more, and one may come twice: the function must bear both.
    """

    rule: CloudwatchEventRule

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        description: str,
        function: PythonFunction,
        event: Mapping[str, object],
    ) -> None:
        super().__init__(scope, id)
        self._function = function.function
        # Only the default bus has schedules.
        self.rule = CloudwatchEventRule(
            self,
            "Rule",
            name=name,
            description=description,
            schedule_expression="rate(1 day)",
            tags={"Component": "function"},
        )
        permission = LambdaPermission(
            self,
            "Permission",
            statement_id=name,
            action="lambda:InvokeFunction",
            function_name=function.function.function_name,
            principal="events.amazonaws.com",
            source_arn=self.rule.arn,
        )
        CloudwatchEventTarget(
            self,
            "Target",
            rule=self.rule.name,
            arn=function.function.arn,
            input=json.dumps(event),
            # Or the first invocation may be refused.
            depends_on=[permission],
        )

    def alarms(self, subject: str) -> tuple[Alarm, ...]:
        """One for an invocation that EventBridge gave up, and one for days without any, by whomever.

        A schedule that was just made has invoked nothing yet: whoever deploys it has to invoke the function once, or
        the second is raised until the schedule does.
        """
        return (
            Alarm(
                name=f"{subject}-refused",
                meaning=f"The daily schedule of the {subject} could not invoke its function.",
                metric=rule_metric(self.rule, "FailedInvocations", "Sum"),
                threshold=1,
                unit="invocations",
                missing_data="notBreaching",
            ),
            Alarm(
                name=f"{subject}-missed",
                meaning=f"The function of the {subject} was not invoked for two days.",
                metric=function_metric(self._function, "Invocations", "Sum"),
                comparison="LessThanThreshold",
                threshold=1,
                unit="invocations",
                period=DAY,
                evaluation_periods=2,
                datapoints=2,
                missing_data="breaching",
            ),
        )
