"""Through `make open` a real browser reads the results, and the pages of other sites do not."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.credentials import Credentials
from playwright.sync_api import Browser, Page

from local.pages import Pages
from local.signing import ResultsFunction, Viewer
from tests.local.helpers.small_aws import HOST, NAME, REGION, Reply, SmallAws, small_aws

CSP = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'"
PAGE = """<!doctype html><link rel="stylesheet" href="/static/1/site.css"><h1>Results</h1>
<form action="/search"><input name="q"></form>"""


@pytest.fixture
def aws() -> Iterator[SmallAws]:
    with small_aws() as server:
        html, css = (
            {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": CSP},
            {"Content-Type": "text/css"},
        )
        server.replies = [Reply(headers=html, body=PAGE.encode()), Reply(headers=css, body=b"h1 { color: #010203 }")]
        yield server


@pytest.fixture
def pages(aws: SmallAws) -> Iterator[Pages]:
    viewer = Viewer(lambda: Credentials("AKIDEXAMPLE", "secret"))
    with Pages(0) as server:
        server.function = ResultsFunction(
            name=NAME, url=f"https://{HOST}", region=REGION, place="", viewer=viewer, address=aws.url
        )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


class _Stranger(BaseHTTPRequestHandler):
    """A page of somebody else's, on another port of this machine."""

    body = b""

    def do_GET(self) -> None:
        self.send_response_only(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.body if self.path == "/" else b"")

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def stranger() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_page_with_its_stylesheet_and_a_search(aws: SmallAws, pages: Pages, tab: Page, name: str) -> None:
    tab.goto(f"http://{name}:{pages.server_address[1]}/")
    assert tab.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(1, 2, 3)"
    tab.fill("input", "it's 1+1 größer")
    tab.press("input", "Enter")
    tab.wait_for_url("**/search?*")
    asked = [request.target for request in aws.requests if request.target != "/favicon.ico"]
    assert asked == ["/", "/static/1/site.css", "/search?q=it%27s%201%2B1%20gr%C3%B6%C3%9Fer"]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_other_pages_of_the_browser(
    aws: SmallAws, pages: Pages, stranger: ThreadingHTTPServer, tab: Page, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """They embed, frame and fetch in vain: the function is not even asked. A link leads there."""
    results = f"http://127.0.0.1:{pages.server_address[1]}"
    monkeypatch.setattr(
        _Stranger,
        "body",
        f"""<!doctype html><img src="{results}/badge.svg"><iframe src="{results}/"></iframe>
        <script src="{results}/api/runs"></script><link rel="stylesheet" href="{results}/static/1/site.css">
        <object data="{results}/"></object><form method="post" action="{results}/"><button>go</button></form>
        <a href="{results}/">the run</a>
        <script>for (const mode of ["cors", "no-cors"]) fetch("{results}/", {{mode}}).catch(() => {{}});
        new WebSocket("{results}/".replace("http", "ws"));</script>""".encode(),
    )
    refused: list[int] = []
    tab.on("response", lambda response: refused.append(response.status) if results in response.url else None)
    tab.goto(f"http://{name}:{stranger.server_port}/", wait_until="networkidle")
    assert aws.requests == []
    assert set(refused) == {403}
    tab.click("button")
    tab.wait_for_load_state("networkidle")
    assert "the pages are for reading" in tab.content()
    assert aws.requests == []
    tab.go_back(wait_until="networkidle")
    tab.click("a")
    tab.wait_for_url(f"{results}/")
    assert tab.inner_text("h1") == "Results"
    assert aws.requests[0].headers["Referer"] is None


def test_name_that_leads_to_this_machine(aws: SmallAws, pages: Pages, tab: Page) -> None:
    """As that of a stranger may (DNS rebinding); a browser asks nobody for names of this kind."""
    tab.goto(f"http://evil.localhost:{pages.server_address[1]}/")
    assert f"the pages are at {pages.address}" in tab.content()
    assert aws.requests == []
