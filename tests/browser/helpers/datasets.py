"""The histories that pages are looked at with, by name."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from tests.browser.helpers import hostile
from tests.browser.helpers.history import History
from tests.browser.helpers.plausible import mobile, shop_api, shop_web
from tests.browser.helpers.plausible.builds import chance, commit

_RUNS = 40
_TESTS = 20_000
_FAILED = 300


class _Due(NamedTuple):
    at: datetime
    order: int
    upload: Callable[[], object]


def empty(history: History, now: datetime) -> None:
    """Nothing yet."""


def tiny(history: History, now: datetime) -> None:
    """A project whose only run has three tests, and says nothing of where it came from."""
    report = """<testsuites><testsuite name="cart" tests="3" failures="1" time="0.014">
<testcase classname="cart.CartTest" name="adds" time="0.004"/>
<testcase classname="cart.CartTest" name="removes" time="0.003"/>
<testcase classname="cart.CartTest" name="sums" time="0.007"><failure message="expected 12, was 13"/></testcase>
</testsuite></testsuites>"""
    history.upload(report, key="first-project/report.xml", at=now - timedelta(minutes=5))


def plausible(history: History, now: datetime) -> None:
    """Three projects: sixty builds of each within fifteen days, and what was refused."""
    due: list[_Due] = []

    def at(time: datetime, upload: Callable[[], object]) -> None:
        heapq.heappush(due, _Due(time, len(due), upload))

    for project in (shop_api, shop_web, mobile):
        for build in project.builds(now):
            at(build.at, lambda project=project, build=build: project.upload(history, build))  # type: ignore[misc]
    at(now - timedelta(hours=19), lambda: _forbidden_dtd(history, now - timedelta(hours=19)))
    while due:
        heapq.heappop(due).upload()


def large(history: History, now: datetime) -> None:
    """A project whose forty runs have 20,000 tests each, of which 300 fail in the latest."""
    for nth in range(_RUNS):
        age = _RUNS - 1 - nth
        history.upload(
            "".join(_large_report(age)),
            key="monorepo/report.xml",
            at=now - timedelta(hours=1 + 6 * age),
            metadata={
                "tap-project": "monorepo",
                "tap-branch": "main",
                "tap-commit": commit("monorepo", nth),
                "tap-build-url": f"https://ci.example/monorepo/builds/{900 + nth}",
            },
        )


DATASETS: dict[str, Callable[[History, datetime], None]] = {
    "empty": empty,
    "tiny": tiny,
    "plausible": plausible,
    "large": large,
    "hostile": hostile.record,
}


def _forbidden_dtd(history: History, at: datetime) -> None:
    history.upload(
        '<?xml version="1.0"?><!DOCTYPE testsuites [<!ENTITY shop "shop-web">]>'
        '<testsuites><testsuite name="&shop;"><testcase name="adds"/></testsuite></testsuites>',
        key="shop-web/2207/storybook.xml",
        at=at,
        metadata={
            "tap-project": "shop-web",
            "tap-job": "storybook",
            "tap-branch": "pr/2204-cart-merge",
            "tap-commit": commit("shop-web", "storybook"),
            "tap-build-url": "https://ci.example/shop-web/builds/2207",
        },
    )


def _large_report(age: int) -> Iterator[str]:
    dice = chance("monorepo", age)
    usual = chance("monorepo")
    yield '<testsuites><testsuite name="all" hostname="ci-large">'
    for number in range(_TESTS):
        klass = f"com.example.p{number // 1000:02}.Component{number // 50 % 20:02}Test"
        name = f"behaves_as_described_{number:05}[case-{number % 7}]"
        seconds = usual.lognormvariate(-3, 1.4) * (0.75 + dice.random() / 2)
        yield f'<testcase classname="{klass}" name="{name}" time="{seconds:.3f}">'
        if _is_broken(number, age):
            message = f"expected: &lt;{number}&gt; but was: &lt;{number % 90}&gt;"
            yield (
                f'<failure type="java.lang.AssertionError" message="{message}">java.lang.AssertionError: {message}\n'
                f"\tat {klass}.check({klass.rpartition('.')[2]}.java:{number % 400})\n"
                "\tat java.base/java.lang.reflect.Method.invoke(Method.java:580)\n</failure>"
            )
        elif number % 997 == 0 and dice.random() < 0.2:
            yield '<flakyFailure type="java.net.SocketTimeoutException" message="Read timed out"/>'
        elif number % 501 == 0:
            yield '<skipped message="needs a GPU"/>'
        yield "</testcase>"
    yield "</testsuite></testsuites>"


def _is_broken(number: int, age: int) -> bool:
    """250 tests of one package since the latest run but one, and fifty others for longer, each for its own time."""
    if 4000 <= number < 4250:
        return age < 2
    return number % 395 == 0 and number < 395 * (_FAILED - 250 + 1) and age < 1 + number // 395
