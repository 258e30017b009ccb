"""Saved queries of CloudWatch Logs in the emulated AWS: moto has none, and Terraform would try for minutes."""

import json
import uuid
from typing import Any

from moto.core.utils import unix_time_millis
from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.responses import LogsResponse


def install() -> None:
    """Let moto keep what it is given. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html"""
    definitions: dict[str, dict[str, Any]] = {}

    def put(response: LogsResponse) -> str:
        given = json.loads(response.body)
        definition_id = given.get("queryDefinitionId") or str(uuid.uuid4())
        definitions[definition_id] = {
            "queryDefinitionId": definition_id,
            "name": given["name"],
            "queryString": given["queryString"],
            "logGroupNames": given.get("logGroupNames", []),
            "lastModified": int(unix_time_millis()),
        }
        return json.dumps({"queryDefinitionId": definition_id})

    def describe(response: LogsResponse) -> str:
        prefix = json.loads(response.body).get("queryDefinitionNamePrefix", "")
        found = [definition for definition in definitions.values() if definition["name"].startswith(prefix)]
        return json.dumps({"queryDefinitions": found})

    def delete(response: LogsResponse) -> str:
        if definitions.pop(json.loads(response.body)["queryDefinitionId"], None) is None:
            raise ResourceNotFoundException
        return json.dumps({"success": True})

    LogsResponse.put_query_definition = put  # type: ignore[attr-defined]
    LogsResponse.describe_query_definitions = describe  # type: ignore[attr-defined]
    LogsResponse.delete_query_definition = delete  # type: ignore[attr-defined]
