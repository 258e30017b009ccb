"""The project's `constructs/` is merged into the installed package of that name."""

from pathlib import Path

import constructs
import constructs.secure_bucket

ROOT = Path(__file__).parents[2]


def test_constructs_has_no_init() -> None:
    """With one, it would shadow the installed package, and nothing could be imported from that."""
    assert not (ROOT / "constructs" / "__init__.py").exists()


def test_constructs_is_the_installed_package() -> None:
    """`Construct` comes from outside the repository's own sources."""
    assert constructs.__file__ is not None
    assert Path(constructs.__file__).parent != ROOT / "constructs"
    assert Path(constructs.__file__).match("site-packages/constructs/__init__.py")


def test_the_projects_constructs_are_found_through_it() -> None:
    """One import path serves both."""
    assert constructs.secure_bucket.__file__ == str(ROOT / "constructs" / "secure_bucket.py")
