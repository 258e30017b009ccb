"""The identity of a test, on which its history hangs."""

from typing import TypedDict
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.reading.identity import Identities, suite_name


class Names(TypedDict, total=False):
    """What identity is made of."""

    project: str
    file: str | None
    suite: str | None
    classname: str | None
    name: str


def id_of(names: Names) -> UUID:
    complete: Names = {"project": "shop", "file": None, "suite": "cart", "classname": "Cart", "name": "adds"}
    complete.update(names)
    test_id = Identities(complete["project"]).test_id(
        complete["file"], complete["suite"], complete["classname"], complete["name"]
    )
    return UUID(bytes=test_id)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({}, "ad172dc9-7c93-5707-bb15-e618dbd1441a"),
        ({"file": "tests/test_cart.py"}, "a7739bed-8292-5c96-9b52-77d51fb8bcb3"),
        ({"suite": None, "classname": None, "name": "\u00e4 > \U0001f600"}, "b1bfc24a-f267-5428-a453-43e8bd92b6ec"),
    ],
)
def test_an_identity_never_changes(names: Names, expected: str) -> None:
    """From one release to the next, or every test would lose its history."""
    assert id_of(names) == UUID(expected)
    assert UUID(expected).version == 5


@pytest.mark.parametrize(
    "other",
    [
        {"project": "blog"},
        {"suite": "basket"},
        {"suite": None},
        {"classname": "Basket"},
        {"classname": None},
        {"name": "removes"},
        {"file": "tests/test_cart.py"},
        {"suite": "Cart", "classname": "cart"},
    ],
)
def test_tests_that_differ_in_one_name_are_different(other: Names) -> None:
    """So are those that only swap them."""
    assert id_of(other) != id_of({})


@given(st.text(), st.text(min_size=1), st.text(), st.text())
def test_no_name_runs_into_the_next(a: str, b: str, c: str, d: str) -> None:
    """Whatever characters it has."""
    assert id_of({"suite": a + b, "classname": c, "name": d}) != id_of({"suite": a, "classname": b + c, "name": d})


def test_a_test_in_a_file_keeps_its_identity_in_any_suite() -> None:
    """pytest calls the suite by an option, others by the machine."""
    assert id_of({"file": "tests/test_cart.py", "suite": "pytest"}) == id_of({"file": "tests/test_cart.py"})


@pytest.mark.parametrize("same", ["./tests/test_cart.py", r"tests\test_cart.py", r".\tests\test_cart.py"])
def test_a_relative_file_is_the_same_however_it_is_written(same: str) -> None:
    """One job runs on Windows, another on Linux."""
    assert id_of({"file": same}) == id_of({"file": "tests/test_cart.py"})


@pytest.mark.parametrize("other", ["test_cart.py", "e2e/test_cart.py", "../tests/test_cart.py", "Tests/test_cart.py"])
def test_files_in_different_folders_are_different(other: str) -> None:
    """A relative path counts as a whole."""
    assert id_of({"file": other}) != id_of({"file": "tests/test_cart.py"})


@pytest.mark.parametrize(
    "absolute",
    [
        "/home/ci/build/7/tests/test_cart.py",
        "C:\\build\\7\\tests\\test_cart.py",
        "d:/build/7/test_cart.py",
        r"\\server\share\test_cart.py",
        "file:///home/ci/test_cart.py",
        "https://ci.example/7/test_cart.py",
    ],
)
def test_the_folder_of_an_absolute_file_does_not_count(absolute: str) -> None:
    """It is the machine's."""
    assert id_of({"file": absolute}) == id_of({"file": "/other/test_cart.py"})


@pytest.mark.parametrize(
    "names", [{"file": "/build/test_cart.py", "suite": "basket"}, {"file": "/build/test_basket.py"}]
)
def test_the_suite_and_the_name_of_an_absolute_file_count(names: Names) -> None:
    """Without its folder, the file alone says too little."""
    assert id_of(names) != id_of({"file": "/build/test_cart.py", "suite": "cart"})


def test_the_folder_of_a_class_does_not_count() -> None:
    """Linters and others call it by the path of a file; its name in another folder is another test all the same."""
    one, two, other = (id_of({"classname": name}) for name in ("/ci/1/a.js", "/ci/2/a.js", "/ci/1/b.js"))
    assert one == two
    assert one != other


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cart", "cart"),
        ("tests/cart.test.ts", "tests/cart.test.ts"),
        ("com.example.Cart", "com.example.Cart"),
        ("/home/ci/build/7/phpunit.xml", "phpunit.xml"),
        (r"C:\build\7\Cart.Tests.dll", "Cart.Tests.dll"),
        ("file:///home/ci/cart.test.js", "cart.test.js"),
        ("/home/j/ws@2/tests", "tests"),
        ("/builds/group/shop/tests", "tests"),
        (r"D:\a\shop\tests", "tests"),
        ("/home/j/tests/", "/home/j/tests/"),
        ("/homes/7", "/homes/7"),
        ("/users", "/users"),
        ("/users/{id}/orders", "/users/{id}/orders"),
        (r"\d+ matches", r"\d+ matches"),
        ("", ""),
    ],
)
def test_a_suite_that_is_called_by_an_absolute_file_loses_its_folder(name: str, expected: str) -> None:
    """A route of a web service is none, nor is a relative file."""
    assert suite_name(name) == expected
