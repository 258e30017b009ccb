"""The worked examples of CONTRIBUTING.md, done as they say in a copy of the project."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()

# What is copied, but for reports of others and pictures.
_FOLDERS = ("constructs", "docs", "handler", "local", "stacks", "tests")
_FILES = ("main.py", "pyproject.toml")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "reports", "pictures")
# A block of code, of a language.
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The first line of a new file, a comment with its path.
_NEW_FILE = re.compile(r"(?:# |-- |\{# )([\w/.]+)(?: #\})?\n")
_COMMAND = re.compile(r"^    \.venv/bin/python -m (pytest .+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Example:
    """`files`: the new ones, by their paths. `changes`: of a path, each with the lines before and after it.

    `paths`: of both, in the order in which one comes to them. `command`: what shows that it works, for `python -m`.
    """

    files: dict[str, str]
    changes: list[tuple[str, str, str]]
    paths: list[str]
    command: list[str]


def read_examples(text: str = TEXT) -> dict[str, Example]:
    """By what is new: `construct`, `stack` and so on."""
    [_, *sections] = re.split(r"^### A new (?:\w+ )*(\w+)$", text, flags=re.MULTILINE)
    return {name: _read(section) for name, section in zip(sections[::2], sections[1::2], strict=True)}


def _read(section: str) -> Example:
    files: dict[str, str] = {}
    changes: list[tuple[str, str, str]] = []
    paths: list[str] = []
    for language, block in _BLOCK.findall(section):
        if language == "diff":
            changed = _changes(block)
            changes += changed
            paths += [path for path, *_ in changed]
        else:
            path = _NEW_FILE.match(block)
            assert path, f"the block does not begin with the path of its file: {block[:80]}"
            files[path[1]] = block[path.end() :]
            paths.append(path[1])
    [command] = _COMMAND.findall(section)
    return Example(files=files, changes=changes, paths=list(dict.fromkeys(paths)), command=shlex.split(command))


def _changes(diff: str) -> list[tuple[str, str, str]]:
    [_, *of_files] = re.split(r"^\+\+\+ (.+)\n", diff, flags=re.MULTILINE)
    changes = []
    for path, hunks in zip(of_files[::2], of_files[1::2], strict=True):
        for hunk in re.split(r"^@@\n", hunks, flags=re.MULTILINE)[1:]:
            lines = hunk.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if not line.startswith("+"))
            after = "".join(line[1:] for line in lines if not line.startswith("-"))
            changes.append((path, before, after))
    return changes


class Copy:
    """The project in a folder of its own, with links to what is installed beside it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for folder in _FOLDERS:
            shutil.copytree(ROOT / folder, directory / folder, ignore=_LEFT_OUT)
        for file in _FILES:
            shutil.copy(ROOT / file, directory)
        for installed in (".venv", "node_modules"):
            (directory / installed).symlink_to(ROOT / installed)

    def follow(self, example: Example) -> None:
        """Makes the new files and the changes. A file must not be there yet; what is changed, exactly once."""
        for path, text in example.files.items():
            file = self.directory / path
            assert file.parent.is_dir(), f"{path} has no folder"
            assert not file.exists(), f"{path} is there already: let the example make another one"
            file.write_text(text)
        for path, before, after in example.changes:
            file = self.directory / path
            text = f"\n{file.read_text()}"
            assert text.count(f"\n{before}") == 1, f"{path} does not have these lines, or has them twice:\n{before}"
            file.write_text(text.replace(f"\n{before}", f"\n{after}")[1:])

    def run(self, *arguments: str) -> str:
        """What Python says when it runs this here; fails if it does."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))
        }
        ran = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout
        return ran.stdout
