"""The role of CI jobs: it uploads to the folders of its projects, and opens their results."""

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
from constructs.function_url import open_url_statements


class UploadRole(Construct):
    """A role for those whose token an OpenID Connect provider made for `audience`, with one of `subjects` as its `sub`.

    `issuer`: the provider's address (https://...), of which the keys of its claims are made; `subjects` may have `*`.
    `folders`: of the bucket, without a slash at their ends. `results_function_arn`: whose URL it may open; that limits
    it to the projects of the role itself. Raises ValueError without folders or subjects, or if any could be anybody's.
    """

    role: IamRole

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        provider_arn: str,
        issuer: str,
        audience: str,
        subjects: Sequence[str],
        bucket_arn: str,
        folders: Sequence[str],
        results_function_arn: str,
    ) -> None:
        super().__init__(scope, id)
        if not folders or any(not folder or set(folder) & set("*?$") for folder in folders):
            raise ValueError(f"folders {[*folders]} are not valid: name each, without '*', '?' and '$'")
        if not subjects or any(subject.startswith(("*", "?")) or not subject for subject in subjects):
            raise ValueError(f"subjects {[*subjects]} are too open: let none begin with '*' or '?'")
        claims = issuer.removeprefix("https://")
        trust = DataAwsIamPolicyDocument(
            self,
            "TrustDocument",
            statement=[
                DataAwsIamPolicyDocumentStatement(
                    actions=["sts:AssumeRoleWithWebIdentity"],
                    principals=[
                        DataAwsIamPolicyDocumentStatementPrincipals(type="Federated", identifiers=[provider_arn])
                    ],
                    condition=[
                        DataAwsIamPolicyDocumentStatementCondition(
                            test="StringEquals", variable=f"{claims}:aud", values=[audience]
                        ),
                        DataAwsIamPolicyDocumentStatementCondition(
                            test="StringLike", variable=f"{claims}:sub", values=[*subjects]
                        ),
                    ],
                )
            ],
        )
        self.role = IamRole(
            self,
            "Role",
            name=name,
            description="What CI jobs may do: upload to the folders of their projects, and see their results",
            assume_role_policy=trust.json,
            tags={"Component": "uploads"},
        )
        document = DataAwsIamPolicyDocument(
            self,
            "PolicyDocument",
            statement=[
                DataAwsIamPolicyDocumentStatement(
                    sid="Upload",
                    actions=["s3:PutObject"],
                    resources=[f"{bucket_arn}/{folder}/*" for folder in folders],
                ),
                *open_url_statements(results_function_arn),
            ],
        )
        IamRolePolicy(self, "Policy", name=name, role=self.role.id, policy=document.json)
