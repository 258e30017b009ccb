"""How the tests are shared out among processes, and the summary that a run with proofs of security ends with."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

_SUMMARY = pytest.StashKey[list[str]]()
# Its tests look at one deployed platform, in their order.
_PLATFORM = "tests/e2e/"


class OneFileAtATime(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each file to one process, and the folder with the platform as if it were a file."""

    def _split_scope(self, nodeid: str) -> str:
        return _PLATFORM if nodeid.startswith(_PLATFORM) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OneFileAtATime:
    config.option.loadscopereorder = False
    return OneFileAtATime(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The platform comes first: it waits for minutes, while the others work."""
    items.sort(key=lambda item: not item.nodeid.startswith(_PLATFORM))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Where tests share the processors with the platform, they let it go first: it has far to go."""
    if hasattr(item.config, "workerinput") and not item.nodeid.startswith(_PLATFORM) and os.nice(0) == 0:
        os.nice(10)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder like `tmp_path`, for Terraform: its providers make sockets there, of 104 characters at most."""
    with tempfile.TemporaryDirectory(prefix="tap-") as directory:
        yield Path(directory).resolve()


@pytest.fixture(scope="session")
def summary(pytestconfig: pytest.Config) -> list[str]:
    """The lines that the run ends with: what was proved, and how much of it. Every proof adds its own."""
    return pytestconfig.stash.setdefault(_SUMMARY, [])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands the lines of a process to the one that started it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["summary"] = session.config.stash.get(_SUMMARY, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    """Takes them; a process that died has left none."""
    lines = getattr(node, "workeroutput", {}).get("summary", [])
    node.config.stash.setdefault(_SUMMARY, []).extend(lines)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash.get(_SUMMARY, []):
        terminalreporter.section("security")
        for line in lines:
            terminalreporter.line(line)
