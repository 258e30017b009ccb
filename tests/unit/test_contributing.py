"""Whoever follows CONTRIBUTING.md gets what it promises. Those of its examples that need a database: tests/handler."""

import re
import shlex
from pathlib import Path

import pytest

from tests.worked_examples import ROOT, TEXT, Copy, Example, read_examples

EXAMPLES = read_examples()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """With all examples, one after the other: each fits to the code as it is."""
    copy = Copy(tmp_path_factory.mktemp("project"))
    for example in EXAMPLES.values():
        copy.follow(example)
    return copy


def test_there_is_an_example_for_each_thing_that_people_add() -> None:
    assert list(EXAMPLES) == ["construct", "stack", "alarm", "format", "page"]


def test_the_table_names_the_files_of_each_in_their_order() -> None:
    """It is what people look at before they read an example."""
    rows = re.findall(r"^\| \[[\w ]+\]\(#a-new-(?:\w+-)*(\w+)\) \| (.+) \|$", TEXT, re.MULTILINE)
    told = {name: re.findall(r"`(.+?)`", paths) for name, paths in rows}
    assert told == {name: example.paths for name, example in EXAMPLES.items()}


def test_examples_are_formatted_and_linted_like_the_code(copy: Copy) -> None:
    python = sorted({path for example in EXAMPLES.values() for path in example.paths if path.endswith(".py")})
    copy.run("ruff", "check", "--no-cache", *python)
    copy.run("ruff", "format", "--no-cache", "--check", *python)


def test_construct_stack_and_alarm_work(copy: Copy) -> None:
    """The tests that the examples end with, in one run: each of them would synthesize the platform."""
    commands = [EXAMPLES[name].command for name in ("construct", "stack", "alarm")]
    files = [word for command in commands for word in command if word.endswith(".py")]
    copy.run("pytest", "-p", "no:cacheprovider", "-q", *files, "-k", "not costs")


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_ends_with_its_own_tests(example: Example) -> None:
    """Those that it makes or changes, and no others."""
    # The platform is not deployed for an example.
    tests = {path for path in example.paths if "/test_" in path and not path.startswith("tests/e2e/")}
    assert tests == {word for word in example.command if word.endswith(".py")}


def test_every_path_exists() -> None:
    """Or an example makes it."""
    made = {path for example in EXAMPLES.values() for path in example.files}
    named = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", TEXT)) | set(re.findall(r"\]\(([\w./-]+)\)", TEXT))
    assert named
    assert {path for path in named - made if not (ROOT / path).exists()} == set()


def test_every_search_finds_something() -> None:
    """What people are told to look for with `git grep`."""
    texts = [path.read_text() for folder in ("local", "stacks", "tests") for path in (ROOT / folder).rglob("*.py")]
    searches = [shlex.split(search)[-1] for search in re.findall(r"`git grep (.+?)`", TEXT)]
    assert len(searches) == 2
    assert [search for search in searches if not any(search in text for text in texts)] == []


def test_every_target_exists() -> None:
    """Of make."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)(?= {2,}#|`)", TEXT))
    assert "check" in named
    assert named - targets == set()


def test_a_change_of_the_code_that_an_example_builds_upon_is_noticed(tmp_path: Path) -> None:
    """And a name that has been taken since."""
    copy = Copy(tmp_path)
    stack = copy.directory / "stacks" / "s3_stack.py"
    stack.write_text(stack.read_text().replace("seconds=3 *", "seconds=4 *"))
    with pytest.raises(AssertionError, match=r"stacks/s3_stack\.py does not have these lines"):
        copy.follow(EXAMPLES["alarm"])
    copy.follow(EXAMPLES["construct"])
    with pytest.raises(AssertionError, match=r"constructs/encrypted_log_group\.py is there already"):
        copy.follow(EXAMPLES["construct"])
