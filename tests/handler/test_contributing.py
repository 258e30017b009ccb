"""The worked examples of CONTRIBUTING.md that need a database: a new format, and a new page."""

from pathlib import Path

from tests.worked_examples import Copy, read_examples


def test_format_and_page_work(tmp_path: Path) -> None:
    """The tests that they end with, with a database of their own."""
    copy, examples = Copy(tmp_path), read_examples()
    files = []
    for name in ("format", "page"):
        copy.follow(examples[name])
        files += examples[name].command[1:]
    copy.run("pytest", "-p", "no:cacheprovider", "-q", *files)
