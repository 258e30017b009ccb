"""The provider's bindings are imported one by one, and nobody notices but the clock."""

import importlib
import sys
from pathlib import Path

import pytest

from stacks import lazy_bindings

PACKAGE = "made_up_bindings"


@pytest.fixture
def bindings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that looks like the provider's, whose own module must not run."""
    package = tmp_path / PACKAGE
    for name in ("_jsii", "provider"):
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").write_text("")
    (package / "__init__.py").write_text("imported_all_submodules = True")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(lazy_bindings, "PACKAGE", PACKAGE)
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    return package


def test_submodules_are_imported_without_their_parents_module(bindings: Path) -> None:
    """The package's own module, which imports all 2,100, does not run."""
    assert lazy_bindings.install()
    assert importlib.import_module(f"{PACKAGE}.provider").__file__ == str(bindings / "provider" / "__init__.py")
    assert not hasattr(sys.modules[PACKAGE], "imported_all_submodules")


def test_a_submodule_that_does_not_exist_is_an_import_error(bindings: Path) -> None:
    """The empty parent hides no mistake."""
    lazy_bindings.install()
    with pytest.raises(ModuleNotFoundError, match=f"{PACKAGE}.no_such_resource"):
        importlib.import_module(f"{PACKAGE}.no_such_resource")


@pytest.mark.parametrize("missing", ["_jsii", "provider"])
def test_a_package_that_looks_different_is_imported_plainly(bindings: Path, missing: str) -> None:
    """The plain import still works, slowly."""
    (bindings / missing / "__init__.py").unlink()
    assert not lazy_bindings.install()
    assert importlib.import_module(PACKAGE).imported_all_submodules


def test_a_single_module_is_imported_plainly(bindings: Path) -> None:
    """A package that became one file has no submodules to import one by one."""
    for path in sorted(bindings.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    bindings.rmdir()
    bindings.with_suffix(".py").write_text("imported_all_submodules = True")
    importlib.invalidate_caches()
    assert not lazy_bindings.install()
    assert importlib.import_module(PACKAGE).imported_all_submodules


def test_a_package_that_is_imported_already_is_left_alone(bindings: Path) -> None:
    """What somebody holds must not be replaced."""
    plain = importlib.import_module(PACKAGE)
    assert not lazy_bindings.install()
    assert sys.modules[PACKAGE] is plain


def test_without_the_package_nothing_is_installed(bindings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The import itself then says what is missing."""
    monkeypatch.setattr(lazy_bindings, "PACKAGE", "bindings_that_nobody_installed")
    assert not lazy_bindings.install()
    assert "bindings_that_nobody_installed" not in sys.modules


def test_the_providers_package_looks_as_expected() -> None:
    """Of its 2,100 submodules those alone are imported that somebody asked for."""
    assert 0 < len([name for name in sys.modules if name.startswith("cdktf_cdktf_provider_aws.")]) < 120
