"""The role of a function in a VPC: it may do what it is told, and nothing by default."""

from collections.abc import Sequence

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy

from constructs import Construct

# What Lambda itself does in the function's name to place it in a VPC. EC2 describes all or nothing; no other of these
# takes a resource that is known before, but each keeps to the account and region
# (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions).
_DESCRIBE_ACTIONS = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
_NETWORK_INTERFACE_ACTIONS = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
]


class FunctionRole(Construct):
    """A role that Lambda assumes, with one inline policy: `statements`, its log group, and its network interfaces.

    `function_arn`: the function whose role this is; its network interfaces are Lambda's business, and its own code is
    denied EC2. `network_arn`: what stands for EC2's resources of the account and region that the function is in.
    Raises ValueError if a statement is open: without resources, or with `*` as a resource or as an action.
    """

    role: IamRole

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        function_arn: str,
        log_group_arn: str,
        network_arn: str,
        statements: Sequence[DataAwsIamPolicyDocumentStatement],
    ) -> None:
        super().__init__(scope, id)
        for statement in statements:
            if (
                not statement.resources
                or "*" in statement.resources
                or any("*" in action for action in statement.actions or ["*"])
            ):
                raise ValueError(f"statement {statement.sid!r} is too open: name its actions and resources without '*'")
        trust = DataAwsIamPolicyDocument(
            self,
            "TrustDocument",
            statement=[
                DataAwsIamPolicyDocumentStatement(
                    actions=["sts:AssumeRole"],
                    principals=[
                        DataAwsIamPolicyDocumentStatementPrincipals(
                            type="Service", identifiers=["lambda.amazonaws.com"]
                        )
                    ],
                )
            ],
        )
        self.role = IamRole(
            self,
            "Role",
            name=name,
            description="What the function of TAP may do",
            assume_role_policy=trust.json,
            tags={"Component": "function"},
        )
        document = DataAwsIamPolicyDocument(
            self,
            "PolicyDocument",
            statement=[
                *statements,
                DataAwsIamPolicyDocumentStatement(
                    sid="WriteLogs",
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[f"{log_group_arn}:*"],
                ),
                DataAwsIamPolicyDocumentStatement(
                    sid="JoinVpc", actions=_NETWORK_INTERFACE_ACTIONS, resources=[network_arn]
                ),
                DataAwsIamPolicyDocumentStatement(sid="SeeVpc", actions=_DESCRIBE_ACTIONS, resources=["*"]),
                # Lambda's own calls do not carry the key, those of the code always do
                # (https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html).
                DataAwsIamPolicyDocumentStatement(
                    sid="KeepCodeFromVpc",
                    effect="Deny",
                    actions=sorted([*_NETWORK_INTERFACE_ACTIONS, *_DESCRIBE_ACTIONS]),
                    resources=["*"],
                    condition=[
                        DataAwsIamPolicyDocumentStatementCondition(
                            test="ArnEquals", variable="lambda:SourceFunctionArn", values=[function_arn]
                        )
                    ],
                ),
            ],
        )
        IamRolePolicy(self, "Policy", name=name, role=self.role.id, policy=document.json)
