"""The summary that a run with proofs of security ends with."""

import pytest

_SUMMARY = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def summary(pytestconfig: pytest.Config) -> list[str]:
    """The lines that the run ends with: what was proved, and how much of it. Every proof adds its own."""
    return pytestconfig.stash.setdefault(_SUMMARY, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash.get(_SUMMARY, []):
        terminalreporter.section("security")
        for line in lines:
            terminalreporter.line(line)
