"""What the proofs of security share: the platform that they look at."""

from pathlib import Path

import pytest

from tests import synthesis
from tests.unit.synthesized import Platform

UPLOADER = "shop"
"""Of `dev`: jobs of a repository at GitHub."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is what `make security` runs; of the other folders, what is marked there."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.security)


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Terraform JSON of the account, `dev` and `prod`: that for AWS, with its state in S3.

    With all that an environment may have.
    """
    directory = tmp_path_factory.mktemp("cdktf.out")
    package = synthesis.empty_package(tmp_path_factory.mktemp("package"))
    synthesis.synthesize(
        {"ENVIRONMENT_SUFFIX": "dev,prod", "TF_STATE_BUCKET": "tap-state"},
        package,
        directory,
        {
            "dev": {"notifications": True, "uploaders": {UPLOADER: {"github": ["acme/shop"]}}},
            "prod": {"notify_email": "team@example.com", "uploaders": {"core": {"gitlab": ["acme/core"]}}},
        },
    )
    return directory


@pytest.fixture(scope="session")
def platform(synthesized: Path) -> Platform:
    """The same, read as Terraform and AWS read it."""
    return Platform(synthesized)
