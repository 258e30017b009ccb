"""What Terraform makes of the synthesized stacks, without deploying any."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest

from tests.plans.conftest import Synthesize
from tests.terraform import terraform


def test_production_is_valid(synthesize: Synthesize) -> None:
    """Terraform and the provider accept the values that `prod` alone has."""
    cdktf = synthesize(ENVIRONMENT_SUFFIX="prod", TF_STATE_BUCKET="tap-state")
    for service in ("s3", "rds", "eventbridge", "lambda", "results"):
        stack = f"tap-{service}-prod"
        answer = terraform(cdktf, stack, "init", "-backend=false", "-input=false", "-no-color")
        assert answer.returncode == 0, answer.stderr
        assert json.loads(terraform(cdktf, stack, "validate", "-json").stdout)["diagnostics"] == []


def test_provider_is_fetched_once(synthesize: Synthesize, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody names a folder with the provider, Terraform fetches it as it is configured to, and keeps it."""
    folder = re.search("-plugin-dir=(.*)", " ".join(shlex.split(os.environ.get("TF_CLI_ARGS_init", ""))))
    if folder:  # without a network; else Terraform asks its registry
        configuration = tmp_path / "terraformrc"
        configuration.write_text(f'provider_installation {{ filesystem_mirror {{ path = "{folder[1]}" }} }}')
        monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(configuration))
        monkeypatch.delenv("TF_CLI_ARGS_init")
    providers = tmp_path / "a folder" / "providers"
    monkeypatch.setattr("local.cdktf._PROVIDERS", providers)
    first = synthesize()
    assert first.lacks_provider
    first.fetch_provider()
    assert len(list(providers.glob("*/hashicorp/aws/*/*/terraform-provider-aws*"))) == 1
    assert list(providers.parent.iterdir()) == [providers]
    second = synthesize()
    assert not second.lacks_provider
    assert terraform(second, "tap-account", "init", "-input=false").returncode == 0
