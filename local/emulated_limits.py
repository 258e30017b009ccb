"""What an account may have, in the emulated AWS: moto knows neither Lambda's limits, nor RDS's, nor what RDS offers."""

import json

from moto.awslambda import urls
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import ActionResult
from moto.iam import models as iam_models
from moto.rds.responses import RDSResponse

CONCURRENCY = 1000  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
DB_INSTANCES = 40  # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html
DB_INSTANCE_CLASSES = tuple(f"db.t4g.{size}" for size in ("micro", "small", "medium", "large", "xlarge", "2xlarge"))


def install() -> None:
    """Answer as AWS does of an account that is no longer new; nothing holds anybody to it."""

    def get_account_settings(_: LambdaResponse) -> str:
        limits = {"ConcurrentExecutions": CONCURRENCY, "UnreservedConcurrentExecutions": CONCURRENCY}
        return json.dumps({"AccountLimit": limits, "AccountUsage": {}})

    def describe_account_attributes(response: RDSResponse) -> ActionResult:
        used = len(response.backend.databases)
        return ActionResult({"AccountQuotas": [{"AccountQuotaName": "DBInstances", "Used": used, "Max": DB_INSTANCES}]})

    describe_others = RDSResponse.describe_orderable_db_instance_options

    def describe_orderable_db_instance_options(response: RDSResponse) -> ActionResult:
        if response.params.get("Engine") != "postgres":
            return describe_others(response)
        wanted = response.params.get("DBInstanceClass")
        classes = [each for each in DB_INSTANCE_CLASSES if wanted in (None, each)]
        options = [{"Engine": "postgres", "DBInstanceClass": each, "MultiAZCapable": True} for each in classes]
        return ActionResult({"OrderableDBInstanceOptions": options})

    urls.url_paths[r"{0}/(?P<api_version>[^/]+)/account-settings/?$"] = LambdaResponse.dispatch
    LambdaResponse.get_account_settings = get_account_settings  # type: ignore[attr-defined]
    RDSResponse.describe_account_attributes = describe_account_attributes  # type: ignore[attr-defined]
    RDSResponse.describe_orderable_db_instance_options = describe_orderable_db_instance_options  # type: ignore[method-assign,assignment]
    # moto names the service-linked role after the service in lower case.
    iam_models.SERVICE_NAME_CONVERSION["rds"] = "RDS"
