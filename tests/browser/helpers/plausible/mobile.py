"""mobile: an app for Android in Kotlin, tested by JUnit in two shards. Some of its reports were cut off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from tests.browser.helpers.history import History
from tests.browser.helpers.plausible.builds import Build, planned
from tests.browser.helpers.runners import Case, Failure, surefire_report

PROJECT = "mobile"
SHARDS = 2

_TESTS = (
    ("com.example.shop.cart.CartViewModelTest", "addingAProductRaisesTheBadge()", 0.41),
    ("com.example.shop.cart.CartViewModelTest", "removingTheLastProductShowsTheEmptyState()", 0.37),
    ("com.example.shop.cart.CartViewModelTest", "quantityIsLimitedByStock(int)[1]", 0.11),
    ("com.example.shop.cart.CartViewModelTest", "quantityIsLimitedByStock(int)[2]", 0.09),
    ("com.example.shop.money.MoneyFormatTest", "usesTheLocaleOfTheDevice(Locale)[de_AT]", 0.05),
    ("com.example.shop.money.MoneyFormatTest", "usesTheLocaleOfTheDevice(Locale)[hi_IN]", 0.05),
    ("com.example.shop.sync.OfflineQueueTest", "ordersAreSentOnceAfterReconnecting()", 2.6),
    ("com.example.shop.sync.OfflineQueueTest", "conflictingAddressIsAskedFor()", 1.9),
    ("com.example.shop.ui.checkout.CheckoutFlowInstrumentedTest", "payingWithASavedCardTakesTwoTaps()", 13.1),
    (
        "com.example.shop.ui.checkout.CheckoutFlowInstrumentedTest",
        "rotationDuringPaymentKeepsTheEnteredAddress()",
        17.8,
    ),
    ("com.example.shop.ui.checkout.CheckoutFlowInstrumentedTest", "googlePaySheetOpens()", 9.7),
    ("com.example.shop.ui.search.SearchScreenInstrumentedTest", "scrollingToTheEndLoadsTheNextPage()", 12.2),
    ("com.example.shop.ui.search.SearchScreenInstrumentedTest", "voiceSearchFillsTheField()", 7.5),
    ("com.example.shop.ui.account.AccountInstrumentedTest", "biometricPromptIsShownOnce()", 6.8),
    ("com.example.shop.ui.account.AccountInstrumentedTest", "deletingTheAccountAsksTwice()", 5.3),
)
_ROTATION, _GOOGLE_PAY, _SCROLLING, _VOICE = (_TESTS[nth][1] for nth in (9, 10, 11, 12))
_SHARD_OF_A_CLASS = {
    classname: nth % SHARDS + 1 for nth, classname in enumerate(dict.fromkeys(test[0] for test in _TESTS))
}

# Builds of which a shard was killed: its report ends in the middle of a tag.
_CUT_OFF = {("feature/google-pay", 0), ("feature/google-pay", 2), ("release/8.4", 1)}


def builds(now: datetime) -> list[Build]:
    return planned(
        PROJECT,
        now=now,
        latest=timedelta(hours=3, minutes=4),
        number=1188,
        pull_requests={"feature/google-pay": 13, "feature/offline-queue": 9, "release/8.4": 6},
        again={"main": {4, 19}, "feature/google-pay": {5, 8}, "feature/offline-queue": {3}},
        slow={20: 1.6},
    )


def upload(history: History, build: Build) -> None:
    properties = {"java.specification.version": "21", "os.name": "Linux", "device": "Pixel 9, API 36"}
    for shard in range(1, SHARDS + 1):
        report = surefire_report(
            (case for case in _cases(build) if _SHARD_OF_A_CLASS[case.classname] == shard), properties=properties
        )
        at = build.at + timedelta(seconds=17 * shard)
        cut_off = shard == 1 and (build.branch, build.age) in _CUT_OFF
        # A killed job leaves what was written by then.
        history.upload(
            report[: len(report) * 2 // 3] if cut_off else report,
            key=f"{PROJECT}/builds/{build.number}/shard-{shard}.xml",
            at=at,
            metadata=build.metadata(f"shard-{shard}"),
        )
    if build.number % 11 == 0:
        history.upload(
            "--------- beginning of main\nI ActivityManager: Start proc com.example.shop\n",
            key=f"{PROJECT}/builds/{build.number}/logcat.txt",
            at=build.at + timedelta(seconds=40),
            metadata=build.metadata("logcat"),
        )


def _cases(build: Build) -> Iterator[Case]:
    for number, (classname, name, usual) in enumerate(_TESTS):
        seconds = usual * build.slowness * build.chance(name).lognormvariate(0, 0.1)
        case = Case(file="", classname=classname, name=name, line=31 + 12 * number, seconds=seconds)
        yield _fate(build, case)


def _fate(build: Build, case: Case) -> Case:  # noqa: PLR0911 - a list of what happened
    name = case.name
    if name == _VOICE and build.number < 1140:
        return replace(case, skipped="the emulator has no microphone", seconds=0.0)
    if name == _GOOGLE_PAY and (
        (build.on_main and build.age < 2) or (build.branch == "feature/google-pay" and build.age > 7)
    ):
        return replace(case, failures=[_google_pay(case)] * 2, passes=False)
    drawn = build.chance(name, "fate").randrange(100)
    latest = build.on_main and build.age == 0
    if name == _ROTATION and not latest:
        if drawn < 10:
            return replace(case, failures=[_no_view(case)] * 3, passes=False, seconds=case.seconds * 1.6)
        if drawn < 26:
            return replace(case, failures=[_no_view(case)])
    if name == _SCROLLING and build.age < 4 and not build.on_main and drawn < 45:
        return replace(case, failures=[_perform(case)], passes=drawn > 12)
    if name.startswith("ordersAreSentOnce"):
        return replace(case, system_out="queue: 3 orders waiting\nqueue: reconnected after 1.4 s\nqueue: empty\n")
    return case


def _method(case: Case) -> str:
    return f"{case.classname}.{case.name.partition('(')[0]}({case.classname.rpartition('.')[2]}.kt:{case.line})"


def _no_view(case: Case) -> Failure:
    message = "No views in hierarchy found matching: view.getId() is <com.example.shop:id/address_street>"
    type_ = "androidx.test.espresso.NoMatchingViewException"
    return Failure(
        type=type_,
        message=message,
        details=f"""{type_}: {message}

View Hierarchy:
+>DecorView{{id=-1, visibility=VISIBLE, width=1080, height=2424, has-focus=true}}
|
+->LinearLayout{{id=-1, visibility=VISIBLE, width=1080, height=2361, child-count=2}}
|
+-->FrameLayout{{id=16908290, res-name=content, visibility=VISIBLE, width=1080, height=2361}}

	at dalvik.system.VMStack.getThreadStackTrace(Native Method)
	at java.lang.Thread.getStackTrace(Thread.java:2841)
	at androidx.test.espresso.base.EspressoExceptionFactory.handle(DefaultFailureHandler.java:184)
	at androidx.test.espresso.ViewInteraction.check(ViewInteraction.java:355)
	at {_method(case)}
	at org.junit.runners.model.FrameworkMethod.invokeExplosively(FrameworkMethod.java:59)
	at androidx.test.runner.AndroidJUnitRunner.onStart(AndroidJUnitRunner.java:468)
	... 14 more
""",
        system_out="D CheckoutActivity: onSaveInstanceState\nD CheckoutActivity: onCreate, restored=false\n",
    )


def _perform(case: Case) -> Failure:
    type_ = "androidx.test.espresso.PerformException"
    message = "Error performing 'scroll to last position' on view 'view.getId() is <com.example.shop:id/results>'."
    return Failure(
        type=type_,
        message=message,
        element="error",
        details=f"""{type_}: {message}
	at androidx.test.espresso.PerformException$Builder.build(PerformException.java:86)
	at androidx.test.espresso.contrib.RecyclerViewActions$ScrollToLast.perform(RecyclerViewActions.java:291)
	at {_method(case)}
Caused by: java.lang.IllegalStateException: Attempted to scroll a view that holds no adapter
	at androidx.recyclerview.widget.RecyclerView.smoothScrollToPosition(RecyclerView.java:1894)
	... 31 more
""",
    )


def _google_pay(case: Case) -> Failure:
    type_ = "org.opentest4j.AssertionFailedError"
    message = "expected: <READY> but was: <DEVELOPER_ERROR>"
    return Failure(
        type=type_,
        message=message,
        details=f"""{type_}: {message}
	at org.junit.jupiter.api.AssertionFailureBuilder.build(AssertionFailureBuilder.java:158)
	at org.junit.jupiter.api.AssertEquals.failNotEqual(AssertEquals.java:200)
	at {_method(case)}
	at java.base/java.util.ArrayList.forEach(ArrayList.java:1597)
""",
    )
