"""The event "Test Failures Changed": what a run broke and fixed, for the team whose tests these are.

It goes to chats. All that reports and uploads say is hostile there as well, and what a test printed is in none of it.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid5

from handler.addresses import run_address
from handler.announcing import FAILURES_CHANGED, SCHEMA_VERSION
from handler.announcing.changes import CHANGES, Change, FailureChanges
from handler.announcing.chat import code, plain
from handler.announcing.event import Event
from handler.origin import Origin
from handler.recording.results import Run
from handler.showing.models import Test

# Characters of a name or place in a list.
_NAME = 200
# Tests of a kind in the message, and characters of what it says: all of it fits into the 3,000 that Slack takes for a
# section (https://docs.slack.dev/reference/block-kit/blocks/section-block).
_TOLD, _TOLD_NAME, _TOLD_PLACE, _ORIGIN = 5, 80, 60, 60


def failures_changed(
    origin: Origin, run: Run, changes: FailureChanges, *, results_address: str, with_names: bool
) -> Event:
    """See docs/ingesting.md, "The events". `with_names`: whether it names tests."""
    event_id = uuid5(run.id, FAILURES_CHANGED)
    detail: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "event_id": str(event_id),
        "project": origin.project,
        "branch": origin.branch,
        "series": run.series,
        "commit": origin.commit,
        "build_url": origin.build_url,
        "page_url": run_address(results_address, run.id),
        "run": {"id": str(run.id), "totals": run.totals},
        "previous_run": {"id": str(changes.base_id), "commit": changes.base_commit},
    }
    for change in CHANGES:
        listed: dict[str, Any] = {"count": changes.counts[change]}
        if with_names:
            listed["tests"] = [_test(test) for test in changes.tests[change]]
        detail[_key(change)] = listed
    detail["message"] = {
        "title": _title(origin, run, changes),
        "newly_failing": _line(changes, "newly failing", with_names=with_names),
        "fixed": _line(changes, "fixed", with_names=with_names),
        "still_failing": _line(changes, "still failing", with_names=False),
    }
    return Event(event_id, FAILURES_CHANGED, detail)


def _key(change: Change) -> str:
    return change.replace(" ", "_")


def _test(test: Test) -> dict[str, str | None]:
    return {
        "id": str(test.test_id),
        "name": plain(_name(test), _NAME),
        "place": plain(test.place, _NAME) if test.place else None,
    }


def _name(test: Test) -> str:
    return " ".join(filter(None, [test.name, test.variant]))


def _title(origin: Origin, run: Run, changes: FailureChanges) -> str:
    icon = "❌" if changes.counts["newly failing"] else "✅"
    what = ", ".join(
        f"{changes.counts[change]:,} {change}" for change in ("newly failing", "fixed") if changes.counts[change]
    )
    branch = plain(origin.branch, _ORIGIN) if origin.branch else "no branch"
    return f"{icon} {plain(origin.project, _ORIGIN)}: {what} · {branch} · {plain(run.series, _ORIGIN)}"


def _line(changes: FailureChanges, change: Change, *, with_names: bool) -> str:
    """One line: the template of a rule puts it into a text of JSON, which has no line breaks."""
    count = changes.counts[change]
    if not count:
        return f"None {change}"
    if not with_names:
        return f"{count:,} {change}"
    told = [_told(test) for test in changes.tests[change][:_TOLD]]
    rest = f" and {count - len(told):,} more" if count > len(told) else ""
    return f"{count:,} {change}: {', '.join(told)}{rest}"


def _told(test: Test) -> str:
    name = code(_name(test), _TOLD_NAME)
    return f"{name} in {code(test.place, _TOLD_PLACE)}" if test.place else name
