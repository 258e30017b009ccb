"""Uploads of an attacker: all that the tests of the function have, and what is aimed at whoever looks at it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import unquote_plus
from xml.sax.saxutils import escape

from tests.browser.helpers.history import History
from tests.handler.helpers.hostile_uploads import HOSTILE, MIB

# A browser that follows one of these shows it: by a dialog, a request or another page.
_ELSEWHERE = "https://attacker.example"

# Each is written into every place that a report and its metadata have.
PAYLOADS = {
    "script": "<script>alert(1)</script>",
    "image": "\"'><img src=x onerror=alert(1)>",
    "SVG": "\"'><svg onload=alert(1)><animate onbegin=alert(1) attributeName=x dur=1s>",
    "end of everything": "</title></style></textarea></pre></details></svg></main><script>alert(1)</script>",
    "comment": "--><script>alert(1)</script><!--",
    "attribute": '" autofocus tabindex=0 onfocus=alert(1) style=position:fixed;inset:0 x="',
    "attribute without quotes": "x onmouseover=alert(1) onload=alert(1)",
    "frame": f"<iframe src={_ELSEWHERE}></iframe><object data={_ELSEWHERE}></object><embed src={_ELSEWHERE}>",
    "base": f"<base href={_ELSEWHERE}/><meta http-equiv=refresh content=0;url={_ELSEWHERE}>",
    "style": f"<link rel=stylesheet href={_ELSEWHERE}/x.css><style>*{{background:url({_ELSEWHERE})}}</style>",
    "form": f"<form action={_ELSEWHERE}><button autofocus>Sign in</button></form>",
    "script address": "javascript:alert(1)",
    "script address, hidden": " \tjava\nscript:alert(1)",
    "data address": "data:text/html,<script>alert(1)</script>",
    "another site": "//attacker.example/\\attacker.example",
    "Markdown": f"![x]({_ELSEWHERE}/x.png) [x](javascript:alert(1)) <{_ELSEWHERE}>",
    "template": "{{ 7 * 7 }}{% include '/etc/passwd' %}{{ ''.__class__.__mro__ }}${7*7}<%= 7*7 %>",
    "entities": "&lt;script&gt;&#60;script&#62;&amp;lt;&colon;&NewLine;",
    "path": "../../../../api/runs?x=1#x%2f%00;a=b&c",
    "from right to left": "\u202e\u2067evil\u202dreversed\u2066 never ended",
    "Arabic": "اختبار الدفع 123 (فشل)",
    "zalgo": "Z" + "\u0300\u0301\u0315\u035d\u0361\u0489" * 60 + "algo",
    "zero width": "\u200b\u200c\u200d\u2060\ufeff",
    "widest characters": "\ufdfd" * 30 + "𒐫" * 30,
    "without a break": "W" * 1900,
    "100,000 characters": "q" * 100_000,
    "lines": "first\nsecond\r\nthird\u2028fourth\x0bfifth" + "\n" * 50,
    "NUL": "a\0b\0<script>alert(1)</script>",
    "half a character": "a\ud800b\udfffc",
    "escapes": "\x1b[31mred\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07",
}

_BUILD_URLS = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "\x01javascript:alert(1)",
    "https:javascript:alert(1)",
    'https://attacker.example/" onmouseover=alert(1) x="',
    "https://ci.example@attacker.example/",
    "https://ci.example:443:80/",
    "https://[::1/",
    "https://" + "a" * 1900,
    "//attacker.example",
    "/static/x",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "ftp://attacker.example",
    "http://ci.example/\u202egpj.exe",
)

# S3 takes 2 KB of metadata in all.
_METADATA = 400
# What is larger says nothing to a browser that the others do not: it is refused, or cut.
_LARGEST = MIB


def record(history: History, now: datetime) -> None:
    at = (now - timedelta(seconds=nth) for nth in itertools.count(5000, -1))
    for kind in HOSTILE:
        content = kind.content()
        if len(content) > _LARGEST:
            continue
        history.upload(
            None if kind.announced_key else content,
            key=unquote_plus(kind.announced_key) if kind.announced_key else kind.key,
            metadata=kind.metadata,
            at=next(at),
        )
    for text in PAYLOADS.values():
        _record_everywhere(history, text, at)
    for nth, url in enumerate(_BUILD_URLS):
        history.upload(
            '<testsuite><testcase name="adds"><failure/></testcase></testsuite>',
            key="build-urls/report.xml",
            metadata={"tap-build-url": url, "tap-commit": f"{nth:040}", "tap-branch": "main"},
            at=next(at),
        )


def _record_everywhere(history: History, text: str, at: Iterator[datetime]) -> None:
    """Three runs on one commit: it passes, it fails, it passes only when it is tried again; and what is refused."""
    short = text[:_METADATA]
    metadata = {f"tap-{name}": short for name in ("project", "branch", "commit", "job", "build-url", "main-branch")}
    for outcome in ("", "<failure {0}>{1}</failure>", "<flakyError {0}><stackTrace>{1}</stackTrace>{2}</flakyError>"):
        history.upload(_report(text, outcome), key=f"{short}/{short}.xml", metadata=metadata, at=next(at))
    history.upload(b"<", key=f"{short}/{short}.xml", metadata=metadata, at=next(at))
    history.upload(b"", key=f"{short}/{short}.png", metadata=metadata, at=next(at))


def _report(text: str, outcome: str) -> bytes:
    inner = escape(text)
    attribute = escape(text, {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
    properties = f'<properties><property name="{attribute}" value="{attribute}"/></properties>'
    output = f"<system-out>{inner} [[ATTACHMENT|{inner}]] [[ATTACHMENT|javascript:alert(1)]]</system-out>"
    output += f"<system-err>{inner}</system-err>"
    says = outcome.format(f'type="{attribute}" message="{attribute}"', inner, output)
    cases = "".join(
        f'<testcase classname="{attribute}" name="{attribute}{nth or ""}" file="{attribute}" line="1" time="1">'
        f"{properties}{says}{output}</testcase>"
        for nth in range(3)
    )
    suite = f'<testsuite name="{attribute}" file="{attribute}" hostname="{attribute}">'
    return f"{suite}{properties}{cases}{output}</testsuite>".encode(errors="surrogatepass")
