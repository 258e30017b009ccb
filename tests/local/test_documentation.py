"""What the documentation says about faults and limits is what the code does."""

import json
import re
from pathlib import Path

import pytest

from handler.announcing import FAILURES_CHANGED, OBJECT_PROCESSED
from handler.errors import PermanentFault
from handler.reading import bounded_xml, limits
from local.cdktf import PROJECT
from tests.handler.helpers.schemas import SCHEMAS, assert_documented

INGESTING = (PROJECT / "docs" / "ingesting.md").read_text()


def test_every_code_of_a_fault_is_explained() -> None:
    [table] = re.findall(r"\| code \|.*?\n\n", INGESTING, re.DOTALL)
    codes = [fault.code for fault in PermanentFault.__subclasses__()]
    assert sorted(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == sorted(codes)


@pytest.mark.parametrize(
    "limit",
    [
        f"{bounded_xml.MAX_SIZE >> 20} MiB (packed or as XML)",
        f"{bounded_xml.MAX_ELEMENTS:,} elements",
        f"{bounded_xml.MAX_MEMBERS:,} members of gzip",
        f"{limits.MAX_INHERITED >> 20} Mi characters",
        f"{bounded_xml.MAX_RATIO} times its size",
        f"beyond {bounded_xml.RATIO_FREE_SIZE >> 20} MiB",
        f"more than {bounded_xml.MAX_TOKEN >> 20} MiB",
        f"{bounded_xml.MAX_NAMES >> 10} KiB of different names",
        f"more than {bounded_xml.MAX_DEPTH} levels",
        f"more than {limits.MAX_CASES:,} test cases",
        f"names at {limits.MAX_NAME:,} characters",
        f"messages at {limits.MAX_MESSAGE:,}",
        f"outputs at {limits.MAX_TEXT:,}",
    ],
)
def test_limit_is_the_one_in_force(limit: str) -> None:
    assert limit in INGESTING


def test_examples_of_json_are_json() -> None:
    examples = re.findall(r"```json\n(.*?)```", INGESTING, re.DOTALL)
    assert all(map(json.loads, examples))
    assert len(examples) == 3


@pytest.mark.parametrize("detail_type", [OBJECT_PROCESSED, FAILURES_CHANGED])
def test_example_of_an_event_is_as_its_schema_says(detail_type: str) -> None:
    """Each has one."""
    [_, section] = INGESTING.split(f"\n**{detail_type}** ")
    example = re.findall(r"```json\n(.*?)```", section, re.DOTALL)[0]
    assert_documented({"detail-type": detail_type, "detail": json.loads(example)})


def test_every_code_of_a_fault_is_in_the_schema() -> None:
    """Consumers may rely on the list."""
    codes = SCHEMAS["s3-object-processed.v1.json"]["properties"]["error"]["properties"]["code"]["enum"]
    assert sorted(codes) == sorted(fault.code for fault in PermanentFault.__subclasses__())


def test_links_between_documents_lead_somewhere() -> None:
    """To a file that is there, and to a heading of it."""
    broken = []
    for path in (*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")):
        for target, anchor in re.findall(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)", path.read_text()):
            file = (path.parent / target).resolve() if target else path
            if not file.exists() or (anchor and anchor not in _anchors(file)):
                broken.append(f"{path.name}: {target}#{anchor}")
    assert broken == []


def _anchors(path: Path) -> set[str]:
    """Those of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_test_of_the_threat_model_exists() -> None:
    named = re.findall(r"`([\w/]+/test_\w+\.py)`", (PROJECT / "docs" / "threat-model.md").read_text())
    assert named
    assert [name for name in named if not (PROJECT / "tests" / name).exists()] == []
