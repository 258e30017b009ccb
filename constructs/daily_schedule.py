"""Something that a function does every day."""

import json
from collections.abc import Mapping

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import CloudwatchEventTarget
from cdktf_cdktf_provider_aws.lambda_permission import LambdaPermission

from constructs import Construct
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
