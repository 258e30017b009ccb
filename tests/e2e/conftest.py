"""The platform, deployed once per run: everything in this folder looks at the same environment."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from local.platform import Platform
from local.prerequisites import terraform_problem
from tests.e2e import ci_job
from tests.e2e.recorder import start_recording
from tests.e2e.stacks import SUFFIX
from tests.function_urls import assume

SPEED = 120
"""A minute takes half a second, to CloudWatch and to schedules: no test waits for minutes until an alarm is raised."""


@pytest.fixture(scope="session")
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if problem := terraform_problem():
        pytest.fail(problem)
    # Not below pytest's folder, which only its owner may enter: under root, PostgreSQL runs as another user.
    directory = Path(tempfile.mkdtemp(prefix="tap-e2e-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_RECORDER_FILEPATH", str(tmp_path_factory.mktemp("recorder") / "requests"))
        with Platform(SUFFIX, directory, lambda _: nullcontext(lambda _: None), speed=SPEED) as platform:
            start_recording(platform.emulator)
            yield platform
    # The logs that failures name stay.
    if not request.session.testsfailed:
        shutil.rmtree(directory)


@pytest.fixture
def job(platform: Platform, tmp_path: Path) -> ci_job.Job:
    """A CI job of the project `shop`, with the role that TAP made for it, in a build of its own."""
    role_arn = platform.access.outputs["upload_role_arns"]["shop"]
    home, directory = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    directory.mkdir()
    return ci_job.Job(
        platform=platform,
        directory=directory,
        environment={
            **ci_job.environment(platform, home, assume(platform.emulator, role_arn)),
            "TAP_PROJECT": "shop",
            "TAP_BUILD": f"build-{uuid.uuid4()}",
        },
        role_arn=role_arn,
    )
