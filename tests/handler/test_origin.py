"""Where an upload comes from: the object's metadata, or else its key."""

import pytest

from handler.origin import Origin


def test_metadata_name_the_build() -> None:
    """As `aws s3 cp --metadata` writes them; the key counts for nothing then."""
    metadata = {
        "tap-project": "web shop",
        "tap-job": "unit",
        "tap-branch": "feature/cart",
        "tap-commit": "0ddba11",
        "tap-build-url": "https://ci.example/7",
        "tap-main-branch": "trunk",
    }
    assert Origin.of("somewhere/report.xml", metadata) == Origin(
        project="web shop",
        series="unit",
        branch="feature/cart",
        commit="0ddba11",
        build_url="https://ci.example/7",
        main_branch="trunk",
    )


@pytest.mark.parametrize("metadata", [{}, {"project": "other"}, {"tap-project": ""}])
def test_without_such_metadata_the_project_is_the_first_folder(metadata: dict[str, str]) -> None:
    """And nothing is known of the build."""
    assert Origin.of("shop/main/report.xml", metadata) == Origin(
        project="shop", series="report.xml", branch=None, commit=None, build_url=None
    )


@pytest.mark.parametrize("name", ["tap-job", "tap-branch", "tap-commit", "tap-build-url", "tap-main-branch"])
def test_an_empty_value_is_none(name: str) -> None:
    """A CI job sets variables that it may not have."""
    assert Origin.of("shop/report.xml", {name: ""}) == Origin(project="shop", series="report.xml")


@pytest.mark.parametrize("key", ["report.xml", "/report.xml", "/shop/report.xml", ""])
def test_an_upload_in_no_folder_belongs_to_the_unknown_project(key: str) -> None:
    """It is recorded all the same."""
    assert Origin.of(key, {}).project == "unknown"


@pytest.mark.parametrize(
    ("key", "series"),
    [
        ("shop/417/unit.xml", "unit.xml"),
        ("shop/417/unit.xml.gz", "unit.xml"),
        ("unit.xml", "unit.xml"),
        ("shop/", "unknown"),
        ("shop/.gz", "unknown"),
    ],
)
def test_without_a_job_the_series_is_the_last_name_of_the_key(key: str, series: str) -> None:
    """Whether it is packed makes no difference."""
    assert Origin.of(key, {}).series == series
