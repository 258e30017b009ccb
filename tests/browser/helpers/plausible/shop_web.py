"""shop-web: a front end in TypeScript. Playwright tests it in two browsers, Vitest its parts: three reports a build."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from tests.browser.helpers.history import History
from tests.browser.helpers.plausible.builds import Build, planned
from tests.browser.helpers.runners import Case, Failure, playwright_report, vitest_report

PROJECT = "shop-web"
BROWSERS = ("chromium", "webkit")

_IN_A_BROWSER = (
    (
        "e2e/checkout.spec.ts",
        "Checkout › guest › can pay by card and sees the order number on the confirmation page",
        15.6,
    ),
    ("e2e/checkout.spec.ts", "Checkout › guest › keeps the address when the card is declined", 7.9),
    ("e2e/checkout.spec.ts", "Checkout › signed in › can pay with a saved card", 8.4),
    ("e2e/search.spec.ts", "Search › suggests products while typing and closes the list on Escape", 4.9),
    ("e2e/account.spec.ts", "Account › signs out in all tabs", 6.1),
    ("e2e/visual.spec.ts", "Visual › product page looks as before at 360 × 800", 3.4),
    ("e2e/a11y.spec.ts", "Accessibility › axe finds nothing on the product page", 2.8),
)
_ALONE = (
    ("src/cart/total.test.ts", "total > sums prices in minor units", 0.004),
    ("src/cart/total.test.ts", "total > formats 1 234,50 € for de-AT", 0.011),
    ("src/cart/total.test.ts", "total > is zero for an empty cart", 0.002),
    ("src/cart/useCart.test.tsx", "useCart > merges the guest cart after sign-in", 0.083),
    ("src/cart/useCart.test.tsx", "useCart > drops products that are sold out", 0.064),
    ("src/search/highlight.test.ts", "highlight > marks umlauts: „größe“", 0.003),
    ("src/search/highlight.test.ts", "highlight > escapes <b> in a product name", 0.003),
    ("src/routing/locale.test.ts", "locale > 日本語 is chosen by Accept-Language", 0.006),
    ("src/routing/locale.test.ts", "locale > falls back to English", 0.005),
)
_PAY, _SUGGEST, _SIGN_OUT, _VISUAL = _IN_A_BROWSER[0][1], _IN_A_BROWSER[3][1], _IN_A_BROWSER[4][1], _IN_A_BROWSER[5][1]
_MERGE = _ALONE[3][1]

# How often, of a hundred builds, a test fails or passes only when it is tried again.
_FLAKY = {
    (_PAY, "webkit"): (8, 12),
    (_SUGGEST, "chromium"): (7, 12),
    (_SIGN_OUT, "chromium"): (3, 8),
    (_VISUAL, "chromium"): (4, 6),
}


def builds(now: datetime) -> list[Build]:
    return planned(
        PROJECT,
        now=now,
        latest=timedelta(hours=3),
        number=2216,
        pull_requests={"pr/2204-cart-merge": 12, "pr/2210-dark-checkout": 10, "renovate/playwright-1.x": 6},
        again={"main": {9, 17}, "pr/2204-cart-merge": {1, 5}, "pr/2210-dark-checkout": {4}},
        slow={11: 1.5},
    )


def upload(history: History, build: Build) -> None:
    """Three reports that end one after another, and what Playwright makes for people beside them."""
    started = build.at - timedelta(minutes=2)
    for nth, browser in enumerate(BROWSERS):
        report = playwright_report(_in_a_browser(build, browser), at=started, browser=browser)
        history.upload(
            report,
            key=f"{PROJECT}/{build.number}/{browser}.xml",
            at=build.at + timedelta(seconds=11 * nth),
            metadata=build.metadata(browser),
        )
    history.upload(
        vitest_report(_alone(build), at=started, hostname="runner-2"),
        key=f"{PROJECT}/{build.number}/vitest.xml",
        at=build.at + timedelta(seconds=31),
        metadata=build.metadata("vitest"),
    )
    if build.number % 9 == 0:
        history.upload(
            b"PK\x05\x06" + bytes(18),
            key=f"{PROJECT}/{build.number}/playwright-report.zip",
            at=build.at + timedelta(seconds=40),
            metadata=build.metadata("playwright-report"),
        )


def _in_a_browser(build: Build, browser: str) -> Iterator[Case]:
    for number, (file, name, usual) in enumerate(_IN_A_BROWSER):
        seconds = usual * build.slowness * build.chance(name, browser).lognormvariate(0, 0.1)
        seconds *= 1.25 if browser == "webkit" else 1
        case = Case(file=file, classname=file, name=name, line=12 + 23 * number, seconds=seconds)
        yield _fate(build, browser, case)


def _alone(build: Build) -> Iterator[Case]:
    for file, name, usual in _ALONE:
        seconds = usual * build.chance(name).lognormvariate(0, 0.3)
        case = Case(file=file, classname=file, name=name, seconds=seconds)
        broken = name == _MERGE and build.branch == "pr/2204-cart-merge" and 3 <= build.age <= 6
        yield replace(case, failures=[_merge(case)], passes=False) if broken else case


def _fate(build: Build, browser: str, case: Case) -> Case:
    if "Accessibility" in case.name:
        case = replace(case, properties={"browser version": "147.0.7727.15" if browser == "chromium" else "26.2"})
    fails, flaky = _FLAKY.get((case.name, browser), (0, 0))
    if build.on_main and build.age == 0:
        fails = 0
    drawn = build.chance(case.name, browser, "fate").randrange(100)
    if drawn < fails:
        attempts = [_failure(build, browser, case, nth) for nth in range(3)]
        return replace(case, failures=attempts, passes=False, seconds=case.seconds * 2.2)
    if drawn < fails + flaky or (build.on_main and build.age == 0 and case.name == _SUGGEST and browser == "chromium"):
        return replace(case, failures=[_failure(build, browser, case, 0)], system_out="signed in as customer-17\n")
    return case


def _failure(build: Build, browser: str, case: Case, retry: int) -> Failure:
    type_, message, source = {
        _PAY: (
            "TimeoutError",
            "locator.click: Timeout 15000ms exceeded.\nCall log:\n"
            "  - waiting for getByRole('button', { name: 'Pay now' })\n"
            '    - locator resolved to <button disabled class="pay">Pay now</button>\n  - element is not enabled',
            "await page.getByRole('button', { name: 'Pay now' }).click();",
        ),
        _SUGGEST: (
            "expect.toHaveCount",
            f"expect(locator).toHaveCount(expected) failed\n\nLocator:  getByRole('option')\nExpected: 5\n"
            f"Received: {4 - build.number % 2}\nTimeout:  5000ms",
            "await expect(page.getByRole('option')).toHaveCount(5);",
        ),
        _SIGN_OUT: (
            "expect.toHaveURL",
            "expect(page).toHaveURL(expected) failed\n\nExpected pattern: /\\/signed-out$/\n"
            'Received string:  "https://shop.example/account"\nTimeout: 5000ms',
            "await expect(otherTab).toHaveURL(/\\/signed-out$/);",
        ),
        _VISUAL: (
            "expect.toHaveScreenshot",
            f"expect(page).toHaveScreenshot(expected) failed\n\n  {1100 + build.number % 97} pixels"
            " (ratio 0.01 of all image pixels) are different.\n\n  Snapshot: product-360.png",
            "await expect(page).toHaveScreenshot('product-360.png');",
        ),
    }[case.name]
    title = case.name.rpartition(" › ")[2]
    spec = case.file.removeprefix("e2e/").removesuffix(".spec.ts")
    folder = f"test-results/{spec}-{title[:24].replace(' ', '-')}-{browser}"
    folder += f"-retry{retry}" if retry else ""
    line = case.line + 7
    details = f"""  [{browser}] › {case.file}:{case.line}:3 › {case.name} ─────────

    {"TimeoutError" if type_ == "TimeoutError" else "Error"}: {message.replace(chr(10), chr(10) + "    ")}

      {line - 2} |   await page.goto('/');
      {line - 1} |   await shop.fillTheCart(page);
    > {line} |   {source}
         |   {"^".rjust(len(source) // 2)}
      {line + 1} | }});
      {line + 2} |
        at /builds/shop-web/{case.file}:{line}:{len(source) // 2 + 3}
        at /builds/shop-web/node_modules/playwright/lib/worker/workerMain.js:339:9"""
    attachments = [f"{folder}/test-failed-1.png", f"{folder}/error-context.md"]
    if retry:
        attachments.append(f"{folder}/trace.zip")
    if type_ == "expect.toHaveScreenshot":
        attachments += [f"{folder}/product-360-{kind}.png" for kind in ("expected", "actual", "diff")]
    return Failure(
        type=type_,
        message=message,
        details=details,
        attachments=attachments,
        system_out=f"[browser] console.warn: hydration took {90 + build.number % 40} ms\n" if retry else "",
    )


def _merge(case: Case) -> Failure:
    message = "expected [ { id: 'A-1001', quantity: 2 } ] to deeply equal [ { id: 'A-1001', quantity: 3 } ]"
    return Failure(
        type="AssertionError",
        message=message,
        details=f"""AssertionError: {message}

- Expected
+ Received

  [
    {{
      "id": "A-1001",
-     "quantity": 3,
+     "quantity": 2,
    }},
  ]

 ❯ {case.file}:41:28
 ❯ processTicksAndRejections node:internal/process/task_queues:105:5""",
    )
