"""Permanent faults: recorded, announced under a stable code, and not retried."""

import gzip
from collections.abc import Callable
from uuid import uuid4

import pytest

from handler.notifications import Reingest
from handler.reading import bounded_xml, limits
from tests.handler.helpers.surroundings import (
    REPORT,
    Aws,
    Function,
    Postgres,
    aged,
    answering,
    http_server,
    message,
    report,
    upload_of,
)

FAULTS = [
    pytest.param(
        "shop/a.xml",
        b"plain text",
        "not_xml",
        "The report is not well-formed XML: syntax error: line 1, column 0.",
        id="not_xml",
    ),
    pytest.param(
        "shop/a.xml",
        b"",
        "not_xml",
        "The report is not well-formed XML: no element found: line 1, column 0.",
        id="empty",
    ),
    pytest.param(
        "shop/a.xml",
        report(cases=3)[: -len("</testsuite></testsuites>")],
        "not_xml",
        "The report is not well-formed XML: no element found: line 1, column 134.",
        id="broken_off",
    ),
    pytest.param(
        "shop/a.xml",
        b"<html/>",
        "not_junit",
        "The root element of the report is neither testsuites nor testsuite.",
        id="not_junit",
    ),
    pytest.param(
        "shop/a.xml",
        b'<?xml version="1.0" encoding="klingon"?><testsuite/>',
        "bad_encoding",
        "The report declares a character encoding that cannot be read.",
        id="bad_encoding",
    ),
    pytest.param(
        "shop/a.xml",
        b"<!DOCTYPE testsuite []><testsuite/>",
        "forbidden_dtd",
        "The report has a document type declaration with declarations of its own.",
        id="forbidden_dtd",
    ),
    pytest.param(
        "shop/a.xml",
        b"<testsuite>" * 101,
        "too_deep",
        "The report nests its elements more than 100 levels deep.",
        id="too_deep",
    ),
    pytest.param(
        "shop/a.xml",
        report(cases=6),
        "too_many_cases",
        "The report has more than 5 test cases.",
        id="too_many_cases",
    ),
    pytest.param(
        "shop/a.xml",
        b"<testsuite>" + b" " * 250_000,
        "too_large",
        "The report has more than 200000 bytes of XML.",
        id="too_large",
    ),
    pytest.param(
        "shop/a.xml",
        b"<testsuite><!--" + b"x" * 150_000,
        "too_large",
        "A tag or comment of the report has more than 50000 bytes.",
        id="too_large_token",
    ),
    pytest.param(
        "shop/a.xml.gz",
        gzip.compress(b"<testsuite>" + b" " * 190_000),
        "too_large",
        "The report unpacks to more than 500 times its compressed size.",
        id="too_large_unpacked",
    ),
    pytest.param("shop/a.xml.gz", REPORT, "bad_gzip", "The report is not a complete gzip file.", id="bad_gzip"),
    pytest.param(
        "shop/a.xml.gz",
        gzip.compress(report(cases=3))[:-8],
        "bad_gzip",
        "The report is not a complete gzip file.",
        id="bad_gzip_cut_off",
    ),
]
OF_ROW = """
    select status, error_code, error_message, project, branch, commit, build_url, uploaded_at, sent_at is not null
    from upload join outbox using (event_id)
"""


def refusal(code: str) -> bytes:
    """An error as S3 writes it."""
    return f"<Error><Code>{code}</Code></Error>".encode()


@pytest.fixture(autouse=True)
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the reports of these tests may be small."""
    monkeypatch.setattr(limits, "MAX_CASES", 5)
    monkeypatch.setattr(bounded_xml, "MAX_SIZE", 200_000)
    monkeypatch.setattr(bounded_xml, "MAX_TOKEN", 50_000)
    monkeypatch.setattr(bounded_xml, "RATIO_FREE_SIZE", 100_000)


@pytest.mark.parametrize(("key", "content", "code", "text"), FAULTS)
def test_a_fault_is_recorded_and_announced_and_not_retried(
    key: str, content: bytes, code: str, text: str, aws: Aws, postgres: Postgres, function: Function
) -> None:
    """Each has its stable code, and the object stays where it is."""
    metadata = {"tap-project": "web", "tap-branch": "main", "tap-commit": "c0ffee", "tap-build-url": "https://ci/7"}
    record = aws.upload(key, content, metadata)
    upload = upload_of(record)
    assert function.invoke(message(record)) == []
    assert postgres.query(OF_ROW) == [
        ("error", code, text, "web", "main", "c0ffee", "https://ci/7", upload.uploaded_at, True)
    ]
    [event] = aws.events()
    processed_at = event["detail"].pop("processed_at")
    assert processed_at
    assert event["detail"] == {
        "schema_version": "1",
        "event_id": str(upload.event_id),
        "status": "error",
        "bucket": "uploads",
        "key": key,
        "version_id": upload.version_id,
        "etag": upload.etag,
        "size": len(content),
        "kind": "junit",
        "project": "web",
        "branch": "main",
        "commit": "c0ffee",
        "build_url": "https://ci/7",
        "page_url": f"https://tap.example.com/uploads/{upload.event_id}",
        "error": {"code": code, "message": text},
    }
    assert aws.holds(record)


@pytest.mark.parametrize(("key", "content", "code", "text"), FAULTS)
def test_the_record_after_a_fault_is_processed(
    key: str, content: bytes, code: str, text: str, aws: Aws, postgres: Postgres, function: Function
) -> None:
    """With its results, while the faulty one leaves none."""
    faulty, following = aws.upload(key, content), aws.upload("shop/b.xml", report(cases=2))
    assert function.invoke(message(faulty), message(following)) == []
    rows = "select key, status, error_code, tests from upload left join run on id = event_id order by key"
    assert postgres.query(rows) == [(key, "error", code, None), ("shop/b.xml", "success", None, 2)]
    of_run = "select run_id, count(*) from result group by run_id"
    assert postgres.query(of_run) == [(upload_of(following).event_id, 2)]


class TestFolderOfAProject:
    """A role of CI jobs may write to it; IAM knows the key, and not what the metadata say."""

    @pytest.fixture(autouse=True)
    def folder(self, postgres: Postgres) -> None:
        postgres.query("insert into uploader (role, project) values ('tap-upload-shop-test', 'shop') returning role")

    @pytest.mark.parametrize("key", ["shop/a.xml", "shop/a.png"])
    def test_takes_no_upload_of_another_project(
        self, key: str, aws: Aws, postgres: Postgres, function: Function
    ) -> None:
        """Neither a report nor an artifact; the refusal is on the page of the project whose job it was."""
        record = aws.upload(key, report(cases=1), {"tap-project": "web", "tap-branch": "main"})
        assert function.invoke(message(record)) == []
        assert postgres.query("select status, error_code, error_message, project, branch from upload") == [
            (
                "error",
                "foreign_project",
                "The upload names another project than the one that its folder belongs to.",
                "shop",
                "main",
            )
        ]
        [event] = aws.events()
        assert (event["detail"]["project"], event["detail"]["error"]["code"]) == ("shop", "foreign_project")
        assert postgres.query("select name from history.project") == []

    @pytest.mark.parametrize(
        ("key", "metadata", "project"),
        [
            ("shop/a.xml", {}, "shop"),
            ("shop/deeper/a.xml", {"tap-project": "shop"}, "shop"),
            ("web/a.xml", {"tap-project": "shop"}, "shop"),
            ("web/a.xml", {"tap-project": "other"}, "other"),
            ("shop", {"tap-project": "web"}, "web"),
        ],
    )
    def test_takes_its_own(
        self, key: str, metadata: dict[str, str], project: str, aws: Aws, postgres: Postgres, function: Function
    ) -> None:
        """And who may write to folders of nobody may name any project."""
        content = report(cases=1) if key.endswith(".xml") else b""
        function.invoke(message(aws.upload(key, content, metadata)))
        assert postgres.query("select status, project from upload") == [("success", project)]

    def test_is_asked_when_an_upload_is_read_again(self, aws: Aws, postgres: Postgres, function: Function) -> None:
        """One that came before the folder belonged to anybody is then refused."""
        postgres.query("delete from uploader returning role")
        record = aws.upload("shop/a.xml", report(cases=1), {"tap-project": "web"})
        function.invoke(message(record))
        postgres.query("insert into uploader (role, project) values ('tap-upload-shop-test', 'shop') returning role")
        upload = upload_of(record)
        asked = Reingest(bucket=upload.bucket, key=upload.key, version_id=upload.version_id, request_id=uuid4())
        function.invoke({**message(record), "body": asked.message()})
        assert postgres.query("select status, error_code, project from upload") == [
            ("error", "foreign_project", "shop")
        ]
        assert postgres.query("select id from run") == []


@pytest.mark.parametrize(
    "damaged",
    [
        lambda whole: (".xml", whole[:-1]),
        lambda whole: (".xml.gz", gzip.compress(whole)[:-4]),
    ],
    ids=["XML", "gzip"],
)
def test_nothing_of_a_report_that_breaks_off_after_many_cases_is_kept(
    damaged: Callable[[bytes], tuple[str, bytes]],
    aws: Aws,
    postgres: Postgres,
    function: Function,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Although thousands were on their way to the database by then."""
    monkeypatch.setattr(limits, "MAX_CASES", 3_000)
    ending, content = damaged(report(cases=3_000))
    function.invoke(message(aws.upload(f"shop/report{ending}", content)))
    assert postgres.query("select status from upload") == [("error",)]
    assert postgres.query("select id from run union all select run_id from result union all select id from test") == []


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("key", ["shop/report.xml", "shop/screenshot.png"])
def test_an_object_that_is_gone_is_a_fault(
    key: str, kept: bool, aws: Aws, postgres: Postgres, function: Function
) -> None:
    """Whether another version of it is kept or none; all that is known of it is its key."""
    record = aged(aws.upload(key, metadata={"tap-project": "web"}), minutes=21)
    if kept:
        aws.upload(key)
    aws.client("s3").delete_object(Bucket="uploads", Key=key, VersionId=upload_of(record).version_id)
    assert function.invoke(message(record)) == []
    text = "The bucket does not hold this version of the object."
    assert postgres.query(OF_ROW) == [
        ("error", "not_found", text, "shop", None, None, None, upload_of(record).uploaded_at, True)
    ]
    assert [event["detail"]["error"] for event in aws.events()] == [{"code": "not_found", "message": text}]


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion"])
def test_an_object_that_is_not_there_yet_is_no_fault(
    code: str, aws: Aws, postgres: Postgres, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a bucket's versioning settles, S3 answers 404 for what is there: the message comes again, and finds it."""
    record = aged(aws.upload(), minutes=19)
    with monkeypatch.context() as settling, http_server(answering(404, refusal(code))) as url:
        settling.setenv("AWS_ENDPOINT_URL_S3", url)
        assert function.invoke(message(record, message_id="m1")) == ["m1"]
    assert function.log_entries[-1]["error"] == "NotYetVisible"
    assert postgres.query(OF_ROW) == []
    function.restart()
    assert function.invoke(message(record)) == []
    assert [row[0] for row in postgres.query(OF_ROW)] == ["success"]


@pytest.mark.parametrize("minutes", [0, 21, 60 * 24])
def test_an_object_that_may_not_be_read_is_no_fault(
    minutes: int, aws: Aws, postgres: Postgres, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its age: a policy that is wrong for a day must not turn its uploads into faults."""
    record = aged(aws.upload(), minutes=minutes)
    with monkeypatch.context() as forbidden, http_server(answering(403, refusal("AccessDenied"))) as url:
        forbidden.setenv("AWS_ENDPOINT_URL_S3", url)
        assert function.invoke(message(record, message_id="m1")) == ["m1"]
    assert postgres.query(OF_ROW) == []
    function.restart()
    assert function.invoke(message(record)) == []
    assert [row[0] for row in postgres.query(OF_ROW)] == ["success"]


def test_a_key_with_a_lone_surrogate_is_a_fault(aws: Aws, postgres: Postgres, function: Function) -> None:
    """S3 has no such keys: it is recorded and announced readably, and not retried for ever."""
    record = aws.upload()
    record["s3"]["object"]["key"] = "a\ud800b/report.xml"
    assert function.invoke(message(record)) == []
    project = "a\N{REPLACEMENT CHARACTER}b"
    readable = f"{project}/report.xml"
    assert postgres.query("select project, key, error_code from upload") == [(project, readable, "not_found")]
    assert [event["detail"]["key"] for event in aws.events()] == [readable]


def test_a_fault_is_recorded_once(aws: Aws, postgres: Postgres, function: Function) -> None:
    """And announced once, however often its message comes."""
    record = aws.upload(content=b"not XML")
    assert function.invoke(message(record), message(record)) == []
    assert function.invoke(message(record)) == []
    assert postgres.query("select count(*) from upload") == [(1,)]
    assert len(aws.events()) == 1
