"""A run as Markdown: for a pull request, or the summary of a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from handler.addresses import run_address
from handler.showing import formats
from handler.showing.branches import RUNS
from handler.showing.keys import find_run, run_before, run_on_main_before
from handler.showing.markdown import code, link
from handler.showing.models import RunReference, RunSummary, Status, Test
from handler.showing.reading import Reading

# Tests of a kind that are named, and characters of what is said. All of it has less than 60 kB then: a comment of
# GitHub's takes 65,536 characters.
NAMED = 10
_NAME, _PLACE, _MESSAGE, _ORIGIN = 150, 100, 180, 80

Kind = Literal["new", "known", "flaky"]

_TOLD = """
    with base as materialized (
        -- Its bits are unpacked once, and not for each test.
        select bad || '' as bad from history.plane where run_id = %(base)s
    ), told as (
        select number, status,
               case when status = 'flaky' then 'flaky' when history.has(bad, number) then 'known' else 'new' end as kind
        from history.notable
        left join base on true
        where notable.run_id = %(key)s and status >= 'flaky'
    ), counted as (
        select *, count(*) over (partition by kind) as count,
               row_number() over (partition by kind order by number) as nth
        from told
    )
    select kind, count, test.id as test_id, file, suite, classname, name, variant, status::text,
           left(coalesce(message, type), 1000) as message
    from counted
    join history.test on (project_id, test.number) = (%(project_id)s, counted.number)
    left join history.texts on (texts.run_id, texts.number) = (%(key)s, counted.number)
    where nth <= %(named)s
    order by nth
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The id of the run is that of its upload."""

    run_id: UUID


@dataclass(frozen=True, kw_only=True)
class ToldTest(Test):
    """A test that did not simply pass, and what the report says of it."""

    status: Status
    message: str | None


@dataclass(frozen=True, kw_only=True)
class Digest:
    """A run, held against `base`: the latest run of the main branch before it, or else the run before on its branch.

    `counts`: how many failures are new, how many were there before, how many tests are flaky. `tests`: the first of
    each.
    """

    run: RunSummary
    base: RunReference | None
    counts: dict[Kind, int]
    tests: dict[Kind, list[ToldTest]]


def read(reading: Reading, inputs: Inputs) -> Digest:
    """Raises NotRecorded."""
    known = find_run(reading, inputs.run_id)
    run = reading.row(RunSummary, f"{RUNS} where run.event_id = %s", [inputs.run_id])
    assert run is not None  # noqa: S101 - it is known
    base = run_on_main_before(reading, known) or run_before(reading, known)
    values = {"key": known.key, "project_id": known.project_id, "base": base and base.key, "named": NAMED}
    counts: dict[Kind, int] = {"new": 0, "known": 0, "flaky": 0}
    tests: dict[Kind, list[ToldTest]] = {"new": [], "known": [], "flaky": []}
    for row in reading.records(_TOLD, values):
        kind = row.pop("kind")
        counts[kind] = row.pop("count")
        tests[kind].append(ToldTest(**row))
    return Digest(run=run, base=base.reference if base else None, counts=counts, tests=tests)


def write(digest: Digest, *, address: str, open_command: str | None) -> str:
    """The Markdown. `open_command`: without it, the links do not work."""
    page = run_address(address, digest.run.id)
    paragraphs = [
        f"### {_headline(digest)}",
        " · ".join([*_origin(digest.run), formats.duration(digest.run.duration_seconds), link("See the run", page)]),
    ]
    for kind, title in _titles(digest, address):
        if digest.counts[kind]:
            paragraphs += [title, "\n".join(_items(digest.tests[kind], digest.counts[kind], page))]
    if open_command:
        paragraphs.append(f"The links open while `{open_command}` runs.")
    return "\n\n".join(paragraphs) + "\n"


def _headline(digest: Digest) -> str:
    run, new = digest.run, digest.counts["new"]
    if run.bad:
        of_them_new = f", {formats.number(new) if new else 'none'} of them new" if digest.base else ""
        return f"❌ {formats.number(run.bad)} of {_tests(run.tests)} failed{of_them_new}"
    flaky = f", {formats.number(run.flaky)} of them only after a rerun" if run.flaky else ""
    if run.passed or run.flaky:
        return f"✅ {_tests(run.passed + run.flaky)} passed{flaky}"
    return f"⚠️ {_tests(run.skipped)} skipped" if run.tests else "⚠️ The report has no tests"


def _tests(count: int) -> str:
    return f"{formats.number(count)} test{'s' if count != 1 else ''}"


def _origin(run: RunSummary) -> Iterator[str]:
    yield code(run.project, _ORIGIN)
    yield code(run.branch, _ORIGIN) if run.branch else "no branch"
    if run.commit:
        yield code(run.commit[:12], _ORIGIN)
    yield code(run.series, _ORIGIN)


def _titles(digest: Digest, address: str) -> list[tuple[Kind, str]]:
    new, known, flaky = (formats.number(digest.counts[kind]) for kind in ("new", "known", "flaky"))
    failures = {count: "failure" if count == "1" else "failures" for count in (new, known)}
    if digest.base is None:
        return [
            ("new", f"**{new} {failures[new]}**; there is no earlier run to hold them against:"),
            ("flaky", f"**{flaky} flaky**, passed only after a rerun:"),
        ]
    base = link(f"the run before{_on(digest.base)}", run_address(address, digest.base.id))
    there = "there" if digest.counts["new"] else f"in {base}"
    return [
        ("new", f"**{new} new {failures[new]}**, against {base}:"),
        ("known", f"**{known} known {failures[known]}**, which failed {there} as well:"),
        ("flaky", f"**{flaky} flaky**, passed only after a rerun:"),
    ]


def _on(run: RunReference) -> str:
    commit = f" at {code(run.commit[:12], _ORIGIN)}" if run.commit else ""
    return f" on {code(run.branch, _ORIGIN)}{commit}" if run.branch else commit


def _items(tests: Sequence[ToldTest], count: int, page: str) -> Iterator[str]:
    for test in tests:
        name = " ".join(filter(None, [test.name, test.variant]))
        item = link(code(name, _NAME) if name.strip() else "(without a name)", f"{page}/tests/{test.test_id}")
        if test.place:
            item += f" in {code(test.place, _PLACE)}"
        line = _first_line(test.message)
        # A blank line would end the item; two blanks break it.
        yield f"- {item}  \n  {code(line, _MESSAGE)}" if line else f"- {item}"
    if count > len(tests):
        yield f"- and {formats.number(count - len(tests))} more"


def _first_line(message: str | None) -> str | None:
    return next((line for line in (message or "").splitlines() if line.strip()), None)
