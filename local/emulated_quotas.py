"""What an account may have at most, in the emulated AWS: moto knows neither Lambda's limits nor those of RDS."""

import json
from typing import Any

from moto.awslambda import urls
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import ActionResult
from moto.rds.responses import RDSResponse

CONCURRENCY = 1000  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
DB_INSTANCES = 40  # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html


def install() -> None:
    """Answer as AWS does of an account that is no longer new; nothing holds anybody to it."""

    def get_account_settings(_: LambdaResponse) -> str:
        return json.dumps({"AccountLimit": _limits(), "AccountUsage": {}})

    def describe_account_attributes(response: RDSResponse) -> ActionResult:
        used = len(response.backend.databases)
        quota = {"AccountQuotaName": "DBInstances", "Used": used, "Max": DB_INSTANCES}
        return ActionResult({"AccountQuotas": [quota]})

    urls.url_paths[r"{0}/(?P<api_version>[^/]+)/account-settings/?$"] = LambdaResponse.dispatch
    LambdaResponse.get_account_settings = get_account_settings  # type: ignore[attr-defined]
    RDSResponse.describe_account_attributes = describe_account_attributes  # type: ignore[attr-defined]


def _limits() -> dict[str, Any]:
    return {"ConcurrentExecutions": CONCURRENCY, "UnreservedConcurrentExecutions": CONCURRENCY}
