"""The statement of a resource policy that refuses everybody who does not come over TLS."""

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)


def tls_only_statement(actions: str, *resources: str) -> DataAwsIamPolicyDocumentStatement:
    """Deny `actions` on `resources` to every principal whose request is not encrypted in transit."""
    return DataAwsIamPolicyDocumentStatement(
        sid="TlsOnly",
        effect="Deny",
        principals=[DataAwsIamPolicyDocumentStatementPrincipals(type="*", identifiers=["*"])],
        actions=[actions],
        resources=list(resources),
        condition=[
            DataAwsIamPolicyDocumentStatementCondition(test="Bool", variable="aws:SecureTransport", values=["false"])
        ],
    )
