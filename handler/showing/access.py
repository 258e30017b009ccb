"""Which projects a caller may see: all, unless it has the role of a CI job, which sees its own alone."""

from __future__ import annotations

from typing import Any

from handler.notifications import upload_id
from handler.showing.reading import Reading
from handler.upload_roles import upload_role

_OF_ROLE = "select project from uploader where role = %s order by project"
_OF_UPLOAD = "select project from upload where event_id = %s"
_OF_TEST = """
    select project.name as project from history.test join history.project on project.id = project_id where test.id = %s
"""


class NotAllowed(Exception):
    """The caller asks for what is none of its projects'. The message is one sentence that says which these are."""


def require(reading: Reading, caller_arn: str, inputs: Any) -> None:
    """Raises NotAllowed, for a role of a CI job, unless the inputs of a page are about projects of the role alone.

    What is not recorded is nobody's: the page says so.
    """
    role = upload_role(caller_arn)
    if role is None:
        return
    own = [record["project"] for record in reading.records(_OF_ROLE, [role])]
    asked = _projects(reading, inputs)
    if asked is None or not asked.issubset(own):
        raise NotAllowed(f"The role {role} may see these projects alone, each by its name: {', '.join(own) or 'none'}.")


def _projects(reading: Reading, inputs: Any) -> set[str] | None:
    """The projects that a page would show; None if these are all."""
    asked = vars(inputs)
    if "project" in asked:
        return {asked["project"]} if asked["project"] else None
    if "version_id" in asked:
        asked = {"upload_id": upload_id(**asked)}
    queries = {"run_id": _OF_UPLOAD, "upload_id": _OF_UPLOAD, "test_id": _OF_TEST}
    if asked.keys().isdisjoint(queries):
        return None
    ids = [(query, asked[name]) for name, query in queries.items() if name in asked]
    return {record["project"] for query, id_ in ids for record in reading.records(query, [id_])}
