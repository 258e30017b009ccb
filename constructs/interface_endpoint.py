"""A private way from the VPC to one AWS service, which the VPC's other inhabitants do not notice."""

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.vpc_endpoint import VpcEndpoint

from constructs import Construct


class InterfaceEndpoint(Construct):
    """An interface endpoint without private DNS: only who is told its name uses it.

    `actions` on `resources`: what may be called through it, by identities of the account `account_id` alone.
    """

    endpoint: VpcEndpoint

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        service_name: str,
        actions: list[str],
        resources: list[str],
        account_id: str,
        vpc_id: str,
        subnet_ids: list[str],
        security_group_id: str,
    ) -> None:
        super().__init__(scope, id)
        policy = DataAwsIamPolicyDocument(
            self,
            "PolicyDocument",
            statement=[
                DataAwsIamPolicyDocumentStatement(
                    sid="OwnAccount",
                    principals=[DataAwsIamPolicyDocumentStatementPrincipals(type="*", identifiers=["*"])],
                    actions=actions,
                    resources=resources,
                    condition=[
                        DataAwsIamPolicyDocumentStatementCondition(
                            test="StringEquals", variable="aws:PrincipalAccount", values=[account_id]
                        )
                    ],
                )
            ],
        )
        self.endpoint = VpcEndpoint(
            self,
            "Endpoint",
            service_name=service_name,
            vpc_endpoint_type="Interface",
            private_dns_enabled=False,
            vpc_id=vpc_id,
            subnet_ids=subnet_ids,
            security_group_ids=[security_group_id],
            policy=policy.json,
            tags={"Component": "network"},
        )
