"""In the place of GitHub's `gh`, which cannot be had without GitHub: `gh api`, on the answers in a file.

Run as a program: `gh.py FILE api ...`. FILE is JSON, answers by their paths, and what is changed is written back.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("file", type=Path)
    parser.add_argument("command", choices=["api"])
    parser.add_argument("path")
    parser.add_argument("--paginate", action="store_true")
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--method", choices=["GET", "PATCH", "POST"], default="GET")
    parser.add_argument("--field", type=lambda text: text.split("=@", 1))
    parser.add_argument("--jq")
    asked = parser.parse_args()
    answers = json.loads(asked.file.read_text())
    path, _, _ = asked.path.partition("?")
    if asked.method == "GET":
        if path not in answers:
            sys.exit("gh: Not Found (HTTP 404)")
        found = pages(answers[path])
        for page in found if asked.paginate else found[:1]:
            subprocess.run(["jq", "--raw-output", asked.jq], input=json.dumps(page), text=True, check=True)
        return
    name, file = asked.field
    change(answers, path, method=asked.method, field={name: Path(file).read_text()})
    asked.file.write_text(json.dumps(answers))


def pages(answer: Any) -> list[Any]:
    """A list in pages of two; anything else is one."""
    if not isinstance(answer, list):
        return [answer]
    return [answer[start : start + 2] for start in range(0, len(answer), 2)]


def change(answers: dict[str, Any], path: str, *, method: str, field: dict[str, str]) -> None:
    """Of comments: a new one in a list, or one by its id."""
    if method == "POST":
        answers[path].append({"id": len(answers[path]) + 1, "user": {"login": "github-actions[bot]"}, **field})
        return
    _, _, number = path.rpartition("/")
    [one] = [each for several in answers.values() for each in several if each["id"] == int(number)]
    one.update(field)


if __name__ == "__main__":
    main()
