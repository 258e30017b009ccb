"""Where the page of a run leads to for its commit."""

import pytest

from handler.showing.rendering import commit_address


@pytest.mark.parametrize(
    ("build_url", "commit", "address"),
    [
        (
            "https://github.com/shop/api/actions/runs/417/attempts/2",
            "9d2c41ab",
            "https://github.com/shop/api/commit/9d2c41ab",
        ),
        ("https://git.example/a/b/c/-/jobs/77", "9d2c41a", "https://git.example/a/b/c/-/commit/9d2c41a"),
        ("https://git.example/a/b/-/pipelines/77", "9d2c41a", "https://git.example/a/b/-/commit/9d2c41a"),
        ("https://ci.example/shop/builds/417", "9d2c41ab", None),
        ("https://github.com/shop/api/actions/runs/417", "main", None),
        ("https://github.com/shop/api/actions/runs/417", None, None),
        ("javascript://github.com/shop/api/actions/runs/417", "9d2c41ab", None),
        (None, "9d2c41ab", None),
    ],
)
def test_the_address_of_a_commit(build_url: str | None, commit: str | None, address: str | None) -> None:
    """It is told by the build's, on GitHub and GitLab; a name that is no commit leads nowhere."""
    assert commit_address(build_url, commit) == address
