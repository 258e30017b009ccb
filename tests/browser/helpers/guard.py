"""What must not happen on any page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Route

# Its own console is not told of what the policy keeps it from where scripts are off.
_REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", event =>
  console.error(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""


@dataclass
class Guard:
    """Watches all pages of a context; `seen` has what went wrong, in words.

    A request that leaves the site at `address` is not let through.
    """

    address: str
    seen: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.add_init_script(_REPORT_VIOLATIONS)
        # An expression, which the browser's driver understands: a function here would be asked about every request.
        context.route(re.compile(f"^(?!{re.escape(self.address)}/)"), self._stop)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.seen.append(f"error of a page: {error.error}"))
        context.on("dialog", self._dialog)
        context.on("page", self._page)

    def _page(self, page: Page) -> None:
        page.on("download", lambda download: self.seen.append(f"download: {download.url}"))
        page.on("popup", lambda popup: self.seen.append(f"window: {popup.url}"))

    def _stop(self, route: Route) -> None:
        self.seen.append(f"request that leaves: {route.request.url}")
        route.abort()

    def _dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, message: ConsoleMessage) -> None:
        # That a page answers 404 is for its test to say.
        is_the_page = message.page is not None and message.location["url"] == message.page.url
        if message.type in {"error", "warning"} and not (
            is_the_page and message.text.startswith("Failed to load resource")
        ):
            self.seen.append(f"console: {message.text}")
