"""A migration stays as it was released: a database that has it would never get what is changed in it."""

import subprocess
from pathlib import Path

import pytest

from handler.recording.schema import MIGRATIONS

ROOT = Path(__file__).parents[3]


def changed_since_release(root: Path, migrations: str) -> list[str]:
    """The migrations that differ from those of the latest release, a tag `v...`, or are gone; none before the first."""
    tags = _git(root, "tag", "--list", "v*", "--sort=-version:refname", "--merged").split()
    if not tags:
        return []
    released = _git(root, "ls-tree", "--name-only", tags[0], f"{migrations}/").split()
    return [
        path
        for path in released
        if not (root / path).is_file() or (root / path).read_text() != _git(root, "show", f"{tags[0]}:{path}")
    ]


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def test_no_released_migration_was_changed() -> None:
    """Whatever it is that has to change, a new one does it."""
    assert changed_since_release(ROOT, str(MIGRATIONS.relative_to(ROOT))) == []


@pytest.mark.parametrize(
    ("name", "text", "changed"), [("1.sql", "b", ["m/1.sql"]), ("1.sql", None, ["m/1.sql"]), ("2.sql", "b", [])]
)
def test_a_change_would_be_noticed(tmp_path: Path, name: str, text: str | None, changed: list[str]) -> None:
    """Of a file, or its end; a new one is none."""
    migrations = tmp_path / "m"
    migrations.mkdir()
    (migrations / "1.sql").write_text("a")
    for command in ("init -q", "add .", "-c user.name=a -c user.email=b commit -qm c", "tag v9.0", "tag v10.0"):
        _git(tmp_path, *command.split())
    assert changed_since_release(tmp_path, "m") == []
    if text is None:
        (migrations / name).unlink()
    else:
        (migrations / name).write_text(text)
    assert changed_since_release(tmp_path, "m") == changed
