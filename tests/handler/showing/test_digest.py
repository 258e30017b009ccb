"""A run as Markdown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from handler.recording.results import Run
from handler.showing.digest import Digest, Kind, ToldTest, write
from handler.showing.markdown import code
from handler.showing.models import RunReference, RunSummary
from tests.handler.helpers.recorder import Recorder, case
from tests.handler.helpers.results import ADDRESS, Results

# With what GitHub and GitLab add to CommonMark, as far as it is there: tables and struck texts.
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

HOSTILE = [
    "`",
    "``` ```",
    "`a` b ``c``",
    "a`",
    "$`\\alpha`$",
    "$",
    "a$",
    "\\",
    "\\`",
    "@octocat @org/team",
    "#1 GH-1 !1 %1 &1 org/repo#1",
    "https://evil.example/ www.evil.example x@evil.example",
    "[click](https://evil.example)",
    "](https://evil.example) [x",
    "![x](https://evil.example/x.png)",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<!-- ",
    "--> <b>",
    "</details>",
    "a | b\n--- | ---\nc | d",
    "a\n\n# Heading\n\n- item",
    "a\r\n```\nfence",
    "    indented",
    "> quoted",
    "*a* _b_ ~~c~~ **d**",
    "&lt;b&gt; &#96;",
    ":tada: {+ added +} [- gone -] [[_TOC_]]",
    "\u202eevil\u202c \u2066x\u2069 \u200b \u2028 \x85 \ufeff \U000e0041",
    "a\u2028# b",
    "\ufffd",
    "…",
    " ",
    "👩\u200d💻 می\u200cخواهم",
    "[ ] todo",
    "[^1]: note",
]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60) | st.sampled_from(
    HOSTILE
)
texts |= st.lists(st.sampled_from([*HOSTILE, *"`$\\<>[]()|@#\n *_-"]), max_size=8).map("".join)

MOMENT = datetime(2026, 11, 23, 17, 40, tzinfo=UTC)


def inline(markdown: str) -> Iterator[Token]:
    for token in READER.parse(markdown):
        if token.children is None:
            yield token
        else:
            yield from token.children


def said(text: str, *, base: bool = True, open_command: str | None = None, count: int = 1) -> str:
    """The Markdown of a run in which everything is called so."""
    test = ToldTest(
        test_id=UUID(int=1),
        file=f"{text}.py",
        suite=text,
        classname=f"{text}x",
        name=text,
        variant=text,
        status="failed",
        message=text,
    )
    run = RunSummary(
        id=UUID(int=2),
        project=text,
        series=text,
        branch=text,
        commit=text,
        build_url=text,
        uploaded_at=MOMENT,
        duration_seconds=1.5,
        tests=9,
        passed=2,
        failed=4,
        error=0,
        skipped=0,
        flaky=3,
    )
    kinds: tuple[Kind, ...] = ("new", "known", "flaky")
    reference = RunReference(id=UUID(int=3), branch=text, commit=text, uploaded_at=MOMENT)
    digest = Digest(
        run=run,
        base=reference if base else None,
        counts=dict.fromkeys(kinds, count + 2),
        tests={kind: [test] * count for kind in kinds},
    )
    return write(digest, address=ADDRESS, open_command=open_command)


class TestCode:
    @given(text=texts)
    def test_is_one_code_span_with_the_text_in_one_line(self, text: str) -> None:
        markdown = code(text, 100)
        tokens = list(inline(f"a {markdown} b"))
        assert [token.type for token in tokens][1:-1] == ["text", "code_inline", "text"]
        shown = tokens[2].content
        assert "\n" not in markdown
        assert not any(
            unicodedata.category(each) in {"Cc", "Cf", "Zl", "Zp"} and each not in "\u200c\u200d" for each in markdown
        )
        if text.isprintable() and " ".join(text.split()):
            assert shown == " ".join(text.split()) or len(text) > 100

    @given(text=texts)
    @example(text="$a")
    @example(text="a$")
    def test_has_no_dollar_next_to_its_fence(self, text: str) -> None:
        markdown = code(text, 100)
        assert "$`" not in (markdown[-2:], markdown[:2])
        assert not markdown.strip("`").startswith("$")
        assert not markdown.strip("`").endswith("$")

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("main", "`main`"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            ("a``", "``` a`` ```"),
            ("$", "` $ `"),
            ("a\nb", "`a b`"),
            ("\u202ea\0", "`\ufffda\ufffd`"),
            ("", "`…`"),
            (" " * 500 + "a", "`…`"),
            ("a" * 100, f"`{'a' * 100}`"),
            ("a" * 101, f"`{'a' * 99}…`"),
            ("a" + " " * 500, "`a…`"),
        ],
    )
    def test_writes_it_as_plainly_as_it_can(self, text: str, written: str) -> None:
        assert code(text, 100) == written


def shape(markdown: str) -> list[tuple[str, str, object]]:
    """All that is said but code: kinds of markup, texts and addresses."""
    return [
        (token.type, "" if token.type == "code_inline" else token.content, token.attrGet("href"))
        for token in inline(markdown)
    ]


class TestWriting:
    @given(text=texts.filter(str.strip), base=st.booleans())
    def test_nothing_that_a_report_says_is_more_than_code(self, text: str, base: bool) -> None:
        assert shape(said(text, base=base)) == shape(said("harmless", base=base))

    @pytest.mark.parametrize("character", ["`", "a", "ß", "漢", "👩", "\0", "\n", "`a"])
    def test_is_never_longer_than_a_comment_may_be(self, character: str) -> None:
        markdown = said(character * 1024, count=10, open_command="make open ENVIRONMENT_SUFFIX=dev")
        assert len(markdown.encode()) < 60_000

    def test_says_with_which_command_the_links_open(self) -> None:
        assert "runs." not in said("main")
        markdown = said("main", open_command="make open ENVIRONMENT_SUFFIX=dev")
        assert markdown.endswith("\n\nThe links open while `make open ENVIRONMENT_SUFFIX=dev` runs.\n")


def written(results: Results, run: Run) -> str:
    answer = results.get(f"/api/runs/{run.id}.md")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
    return answer.text


class TestOfARun:
    def test_tells_new_failures_from_known_ones_against_the_main_branch(
        self, results: Results, recorder: Recorder
    ) -> None:
        def failing(name: str, message: str) -> str:
            return f'<testcase classname="Cart" name="{name}"><failure message={quoteattr(message)}/></testcase>'

        base = recorder.record(failing("adds", "1"), case("passed", "pays"), commit="c0ffee", days_ago=3)
        recorder.record(
            case("passed", "adds", classname="Cart"), case("error", "pays"), branch="pr/7", commit="c1", days_ago=2
        )
        run = recorder.record(
            failing("adds", "expected 1\n  was 2"),
            failing("pays[`a`]", "\n"),
            "<testcase name='pays'><error type='TimeoutError'/></testcase>",
            case("flaky", "sums", file="tests/cart.py"),
            case("skipped", "ships"),
            case("passed", "refunds"),
            branch="pr/7",
            commit="9d2c41ab77aa00",
            days_ago=1,
        )
        page = f"{ADDRESS}/runs/{run.id}"
        tests = dict(recorder.query("select name, id from test"))
        assert written(results, run) == (
            "### ❌ 3 of 6 tests failed, 2 of them new\n\n"
            f"`shop` · `pr/7` · `9d2c41ab77aa` · `report.xml` · – · [See the run]({page})\n\n"
            f"**2 new failures**, against [the run before on `main` at `c0ffee`]({ADDRESS}/runs/{base.id}):\n\n"
            f"- [`pays`]({page}/tests/{tests['pays']})  \n  `TimeoutError`\n"
            f"- [``pays[`a`]``]({page}/tests/{tests['pays[`a`]']}) in `Cart`\n\n"
            "**1 known failure**, which failed there as well:\n\n"
            f"- [`adds`]({page}/tests/{tests['adds']}) in `Cart`  \n  `expected 1`\n\n"
            "**1 flaky**, passed only after a rerun:\n\n"
            f"- [`sums`]({page}/tests/{tests['sums']}) in `tests/cart.py`\n"
        )

    def test_on_the_main_branch_is_held_against_the_run_before(self, results: Results, recorder: Recorder) -> None:
        base = recorder.record(case("passed"), commit=None, days_ago=1)
        run = recorder.record(case("failed"))
        markdown = written(results, run)
        assert "### ❌ 1 of 1 test failed, 1 of them new\n" in markdown
        assert f"**1 new failure**, against [the run before on `main`]({ADDRESS}/runs/{base.id}):" in markdown

    def test_on_a_branch_without_a_main_branch_too(self, results: Results, recorder: Recorder) -> None:
        base = recorder.record(case("failed"), branch=None, commit="c1", days_ago=2)
        run = recorder.record(case("failed"), branch=None, commit=None, days_ago=1)
        markdown = written(results, run)
        assert "### ❌ 1 of 1 test failed, none of them new\n" in markdown
        assert "\n`shop` · no branch · `report.xml` · – · " in markdown
        before = f"{ADDRESS}/runs/{base.id}"
        assert f"**1 known failure**, which failed in [the run before at `c1`]({before}) as well:\n" in markdown

    def test_of_a_first_run_calls_nothing_new(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record(*(case("failed", f"test_{number:02}") for number in range(12)))
        markdown = written(results, run)
        assert "### ❌ 12 of 12 tests failed\n" in markdown
        assert "**12 failures**; there is no earlier run to hold them against:" in markdown
        assert "[`test_09`]" in markdown
        assert "[`test_10`]" not in markdown
        assert markdown.endswith("- and 2 more\n")

    @pytest.mark.parametrize(
        ("cases", "headline"),
        [
            ([case("passed")], "✅ 1 test passed"),
            ([case("passed"), case("passed", "pays"), case("skipped", "ships")], "✅ 2 tests passed"),
            ([case("flaky"), case("passed", "pays")], "✅ 2 tests passed, 1 of them only after a rerun"),
            ([case("skipped")], "⚠️ 1 test skipped"),
            ([], "⚠️ The report has no tests"),
        ],
    )
    def test_without_failures_says_so(
        self, cases: list[str], headline: str, results: Results, recorder: Recorder
    ) -> None:
        markdown = written(results, recorder.record(*cases))
        assert markdown.startswith(f"### {headline}\n\n`shop` · ")
        assert "failure" not in markdown

    def test_leads_to_make_open_where_there_is_no_other_address(
        self, results: Results, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RESULTS_ADDRESS", "http://127.0.0.1:8027")
        results.restart()
        markdown = written(results, recorder.record(case("passed")))
        assert "[See the run](http://127.0.0.1:8027/runs/" in markdown
        assert markdown.endswith("The links open while `make open ENVIRONMENT_SUFFIX=test` runs.\n")

    def test_that_is_not_there_may_be_asked_for_again(self, results: Results) -> None:
        answer = results.get(f"/api/runs/{uuid4()}.md")
        assert (answer.status, answer.headers["retry-after"]) == (404, "5")
        assert answer.headers["content-type"] == "application/problem+json"

    def test_does_not_hide_the_json(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record(case("passed"))
        assert results.get(f"/api/runs/{run.id}").json["run"]["id"] == str(run.id)
