"""The URL of a function, which only those may open whom IAM allows it."""

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
)
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.lambda_function_url import LambdaFunctionUrl

from constructs import Construct
from constructs.alarm import Alarm
from constructs.metrics import function_metric
from constructs.python_function import PythonFunction


class FunctionUrl(Construct):
    """A URL that takes signed requests alone, and the policy to attach to whoever may send them.

    Nobody is admitted by the function itself, and so nobody of another account. The URL has no CORS: a page of
    another origin cannot read what it answers.
    """

    url: LambdaFunctionUrl
    reader_policy: IamPolicy
    """Opens the URL, and finds it; neither invokes the function otherwise nor opens another one."""

    def __init__(self, scope: Construct, id: str, *, function: PythonFunction, reader_policy_name: str) -> None:
        super().__init__(scope, id)
        self._function = function.function
        self.url = LambdaFunctionUrl(
            self,
            "Url",
            function_name=function.function.function_name,
            authorization_type="AWS_IAM",
            invoke_mode="BUFFERED",
        )
        arn = function.function.arn
        document = DataAwsIamPolicyDocument(
            self,
            "ReaderDocument",
            statement=[
                *open_url_statements(arn),
                DataAwsIamPolicyDocumentStatement(
                    sid="FindUrl", actions=["lambda:GetFunctionUrlConfig"], resources=[arn]
                ),
            ],
        )
        self.reader_policy = IamPolicy(
            self,
            "ReaderPolicy",
            name=reader_policy_name,
            # It cannot change by itself: the policy would be made anew, which IAM refuses while anybody has it.
            description="Opens the results of TAP",
            policy=document.json,
            tags={"Component": "function"},
        )

    def alarms(self, subject: str) -> tuple[Alarm, ...]:
        """Of answers that say that it failed, and of slow ones."""
        return (
            Alarm(
                name=f"{subject}-unanswered",
                meaning=f"The URL of the {subject} answered requests with 5xx: the function or the database failed.",
                metric=function_metric(self._function, "Url5xxCount", "Sum"),
                # One or two are a moment in which the database restarts or has no connection left.
                threshold=5,
                unit="requests",
                missing_data="notBreaching",
            ),
            Alarm(
                name=f"{subject}-latency",
                meaning=f"The URL of the {subject} has answered slowly for a quarter of an hour.",
                # Lambda names average and maximum for it, no percentile. A page takes tenths of a second, and the
                # first one of a container one or two seconds.
                metric=function_metric(self._function, "UrlRequestLatency", "Average"),
                threshold=3000,
                unit="milliseconds",
                evaluation_periods=3,
                datapoints=3,
                missing_data="notBreaching",
            ),
        )


def open_url_statements(function_arn: str) -> list[DataAwsIamPolicyDocumentStatement]:
    """What a policy has to say to open the URL of a function, and to invoke it in no other way.

    A URL takes both permissions (https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html).
    """
    return [
        DataAwsIamPolicyDocumentStatement(
            sid="OpenUrl",
            actions=["lambda:InvokeFunctionUrl"],
            resources=[function_arn],
            condition=[_condition("StringEquals", "lambda:FunctionUrlAuthType", "AWS_IAM")],
        ),
        DataAwsIamPolicyDocumentStatement(
            sid="InvokeByUrl",
            actions=["lambda:InvokeFunction"],
            resources=[function_arn],
            condition=[_condition("Bool", "lambda:InvokedViaFunctionUrl", "true")],
        ),
    ]


def _condition(test: str, variable: str, value: str) -> DataAwsIamPolicyDocumentStatementCondition:
    return DataAwsIamPolicyDocumentStatementCondition(test=test, variable=variable, values=[value])
