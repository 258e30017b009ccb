"""What is asked of the functions' logs when something fails, ready in CloudWatch Logs Insights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Function = Literal["ingest", "schema", "results"]


@dataclass(frozen=True, kw_only=True)
class SavedQuery:
    """`name`: in words with hyphens. `functions`: whose logs it reads. `lines`: in Logs Insights' language.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
    """

    name: str
    functions: Sequence[Function]
    lines: Sequence[str]

    @property
    def text(self) -> str:
        return "\n| ".join(self.lines)


SAVED_QUERIES = (
    SavedQuery(
        name="what-failed",
        functions=("ingest", "schema", "results"),
        lines=(
            # What Lambda itself says has no level: timeouts, memory, and what could not be imported.
            "filter level in ['ERROR', 'WARNING'] or @message like /Task timed out|Runtime exited|ImportModuleError/",
            "fields @timestamp, @log, level, message, error, reason, exception_name, function_request_id",
            "sort @timestamp desc",
            "limit 200",
        ),
    ),
    SavedQuery(
        name="given-back-uploads",
        functions=("ingest",),
        lines=(
            "filter message like /to be retried/",
            "stats count(*) as attempts, latest(error) as last_error, latest(reason) as last_reason,"
            " latest(@timestamp) as last_seen by bucket, key, version_id, message_id",
            "sort last_seen desc",
            "limit 200",
        ),
    ),
    SavedQuery(
        name="unreadable-uploads",
        functions=("ingest",),
        lines=(
            "filter message = 'Upload processed' and status = 'error'",
            "stats count(*) as uploads, latest(key) as last_key, latest(@timestamp) as last_seen"
            " by error.code, error.message",
            "sort uploads desc",
        ),
    ),
    SavedQuery(
        name="one-upload",
        functions=("ingest",),
        lines=(
            "# Put in what you know of it.\nfilter key like 'PROJECT/' or correlation_id = 'EVENT_ID'",
            "fields @timestamp, message, status, error, reason, key, version_id, correlation_id, message_id",
            "sort @timestamp asc",
            "limit 1000",
        ),
    ),
    SavedQuery(
        name="time-and-memory",
        functions=("ingest", "schema", "results"),
        lines=(
            "filter @type = 'REPORT'",
            "stats count(*) as invocations, pct(@duration, 99) as p99_ms, max(@duration) as longest_ms,"
            " max(@maxMemoryUsed / 1024 / 1024) as memory_mib, max(@memorySize / 1024 / 1024) as of_mib,"
            " count(@initDuration) as cold_starts by @log, bin(5m) as time",
            "sort time desc",
        ),
    ),
    SavedQuery(
        name="upkeep-and-migrations",
        functions=("schema",),
        lines=(
            "filter message like /Upkeep|Schema|Waiting/ or level = 'ERROR' or @message like /Task timed out/",
            "fields @timestamp, level, message, texts, uploads, tests, is_complete, version, reason, error",
            "sort @timestamp desc",
            "limit 200",
        ),
    ),
    SavedQuery(
        name="pages-that-failed",
        functions=("results",),
        lines=(
            "filter message = 'A page cannot be shown' or @message like /Task timed out|Runtime exited/",
            "fields @timestamp, exception_name, exception, function_request_id",
            "sort @timestamp desc",
            "limit 200",
        ),
    ),
)
