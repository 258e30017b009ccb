"""The messages of the ingest queue, as SQS delivers them."""

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import InvalidMessage
from handler.notifications import Reingest, Upload, read_message

UPLOADED_AT = datetime(2026, 11, 23, 12, 30, 15, 123000, tzinfo=UTC)
UPLOAD = Upload(bucket="uploads", key="shop/report.xml", version_id="v1", etag="e", size=7, uploaded_at=UPLOADED_AT)


def record(**object_: Any) -> dict[str, Any]:
    """An S3 record as AWS writes it, without what the function does not read."""
    described = {"key": "shop/report.xml", "size": 7, "eTag": "e", "versionId": "v1", **object_}
    return {
        "eventName": "ObjectCreated:Put",
        "eventTime": "2026-11-23T12:30:15.123Z",
        "s3": {"bucket": {"name": "uploads"}, "object": described},
    }


def body(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": records})


def test_a_message_may_hold_several_uploads() -> None:
    """All are returned, in the order of the message."""
    uploads = read_message(body(record(), record(versionId="v2")))
    assert uploads == [
        UPLOAD,
        dataclasses.replace(UPLOAD, version_id="v2"),
    ]


def test_the_test_event_of_a_new_notification_holds_no_upload() -> None:
    """S3 sends it once, when the notification is set up."""
    test_event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads", "RequestId": "1"}
    assert read_message(json.dumps(test_event)) == []


def test_a_key_is_unquoted_once() -> None:
    """A percent sign or plus of the key itself survives."""
    [upload] = read_message(body(record(key="my+shop/100%2525+a%2Bb+%C3%BC.xml")))
    assert upload.key == "my shop/100%25 a+b ü.xml"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_key_comes_back_as_it_was_uploaded(key: str) -> None:
    """Whatever characters it has."""
    [upload] = read_message(body(record(key=quote_plus(key))))
    assert upload.key == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        "null",
        "{}",
        '{"Records": null}',
        '{"Records": [{}]}',
        body({**record(), "eventName": "ObjectRemoved:Delete"}),
        body({**record(), "eventName": None}),
        body({**record(), "eventName": "Reingest"}),
        body({**record(), "eventName": "Reingest", "requestId": None}),
        body({**record(), "eventName": "Reingest", "requestId": "1"}),
        body({**record(), "eventTime": None}),
        body({**record(), "eventTime": "yesterday"}),
        body({**record(), "eventTime": "2026-11-23T12:30:15.123"}),
        body(record(key=None)),
    ],
)
def test_anything_else_is_refused_without_being_quoted(text: str) -> None:
    """The message could hold anything, and the sentence is logged."""
    with pytest.raises(InvalidMessage) as error:
        read_message(text)
    assert str(error.value) == "The message is not a notification of objects created in a versioned bucket."


def test_an_object_without_version_is_refused() -> None:
    """Without a version id two uploads of one key could not be told apart."""
    unversioned = record()
    del unversioned["s3"]["object"]["versionId"]
    with pytest.raises(InvalidMessage):
        read_message(body(unversioned))


def test_the_event_id_never_changes() -> None:
    """Consumers and earlier rows know the upload by it."""
    assert UPLOAD.event_id == UUID("35b5c680-768f-579a-a44b-a8d0c6b04948")


def test_the_event_id_depends_on_bucket_key_and_version_alone() -> None:
    """S3 repeats a notification with the same three."""
    same = dataclasses.replace(UPLOAD, etag="other", size=8, uploaded_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert same.event_id == UPLOAD.event_id


@pytest.mark.parametrize(
    ("bucket", "key", "version_id"),
    [
        ("other", "shop/report.xml", "v1"),
        ("uploads", "other", "v1"),
        ("uploads", "shop/report.xml", "v2"),
        ("uploads", 'shop/report.xml", "v1', ""),
    ],
)
def test_another_bucket_key_or_version_is_another_upload(bucket: str, key: str, version_id: str) -> None:
    """However the three are cut."""
    other = dataclasses.replace(UPLOAD, bucket=bucket, key=key, version_id=version_id)
    assert other.event_id != UPLOAD.event_id


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("report.xml", "junit"),
        ("shop/report.xml.gz", "junit"),
        ("report.XML", "artifact"),
        ("report.gz", "artifact"),
        ("report.xml.zip", "artifact"),
        ("xml", "artifact"),
    ],
)
def test_the_key_tells_reports_from_artifacts(key: str, kind: str) -> None:
    """Only `.xml` and `.xml.gz` are reports."""
    assert dataclasses.replace(UPLOAD, key=key).kind == kind


@pytest.mark.parametrize(
    ("key", "readable"),
    [
        ("Prüfung ✓ 𝄞.xml", "Prüfung ✓ 𝄞.xml"),
        ("a\0b.xml", "a\N{REPLACEMENT CHARACTER}b.xml"),
        ("a\ud800b\udfff.xml", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}.xml"),
    ],
)
def test_what_postgresql_cannot_store_is_replaced_in_the_readable_key(key: str, readable: str) -> None:
    """NUL and lone surrogates; everything else stays."""
    assert dataclasses.replace(UPLOAD, key=key).readable_key == readable


def test_keys_that_read_alike_are_different_uploads() -> None:
    """The identity is that of the key itself."""
    nul, replaced = (dataclasses.replace(UPLOAD, key=key) for key in ("a\0", "a\N{REPLACEMENT CHARACTER}"))
    assert nul.event_id != replaced.event_id


class TestReingest:
    """An operator's request."""

    ASKED = Reingest(bucket="uploads", key="shop/report.xml", version_id="v1", request_id=UUID(int=7))

    @given(st.text(min_size=1))
    def test_it_is_read_as_it_was_written(self, key: str) -> None:
        """Whatever the key; but what is no text has no place in a message."""
        asked = dataclasses.replace(self.ASKED, key=key.encode(errors="replace").decode())
        assert read_message(asked.message()) == [asked]

    def test_it_is_about_the_same_upload(self) -> None:
        """As the notification of the same version."""
        assert self.ASKED.upload_id == UPLOAD.upload_id

    def test_its_event_never_changes(self) -> None:
        """Consumers recognise what is delivered twice."""
        assert self.ASKED.event_id == UUID("a38a5412-8762-5a27-bb50-e1fe7f4591be")

    def test_each_request_has_an_event_of_its_own(self) -> None:
        """And none that of the upload."""
        other = dataclasses.replace(self.ASKED, request_id=UUID(int=8))
        assert len({self.ASKED.event_id, other.event_id, UPLOAD.event_id}) == 3
