"""The cdktf command line tool, run against the emulator in a folder of its own."""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local import processes
from local.emulator import Emulator, clean_environment

PROJECT = Path(__file__).parent.parent
_TOOLS = (Path(sys.executable).parent, PROJECT / "node_modules" / ".bin")  # node; cdktf
_PROVIDER_CACHE = PROJECT / ".terraform-providers"
_COLOURS = re.compile(rb"\x1b\[[0-9;]*m")


class CommandFailedError(Exception):
    """A command ended with an error; the message quotes it and names the log."""


class Cdktf:
    """Runs `cdktf`, `terraform` and `main.py` in `directory`, which gets `cdktf.out`, states and all else they write.

    The project's own `cdktf.out` and states, which may be about a real account, stay as they are. `settings`: what
    `stacks.settings` reads, beside the emulator. `log` gets the output of every command.
    """

    def __init__(self, *, directory: Path, emulator: Emulator, settings: Mapping[str, str], log: Path) -> None:
        self.directory = directory
        self.log = log
        self.environment = {
            **clean_environment(),
            **emulator.environment(),
            **_provider_source(),
            "PATH": os.pathsep.join([*map(str, _TOOLS), os.environ["PATH"]]),
            # No questions, no colours, no calls home.
            "CI": "1",
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            **settings,
        }
        directory.mkdir(parents=True)
        configuration = json.loads((PROJECT / "cdktf.json").read_text())
        configuration["app"] = f"'{sys.executable}' '{PROJECT / 'main.py'}'"
        (directory / "cdktf.json").write_text(json.dumps(configuration))

    def deploy(self, *stacks: str) -> dict[str, dict[str, Any]]:
        """Deploy the stacks that match the patterns; answers their outputs, by stack and name."""
        outputs = self.directory / "outputs.json"
        self.run("deploy", *stacks, "--outputs-file", str(outputs))
        answer: dict[str, dict[str, Any]] = json.loads(outputs.read_text())
        return answer

    def run(self, command: str, *arguments: str) -> None:
        """Run `cdktf deploy` or `cdktf destroy`, without asking; raises CommandFailedError if it fails."""
        start = self.log.stat().st_size if self.log.exists() else 0
        process = processes.start(
            # Without the provider lock: `terraform providers lock` asks the registry, whatever mirror there is.
            ["cdktf", command, *arguments, "--auto-approve", "--skip-provider-lock"],
            log=self.log,
            environment=self.environment,
            directory=self.directory,
        )
        try:
            exit_code = process.wait()
        finally:
            processes.stop(process)
        if exit_code:
            raise CommandFailedError(f"`cdktf {command}` failed{self._first_error(start)}: see {self.log}")

    def _first_error(self, start: int) -> str:
        lines = _COLOURS.sub(b"", self.log.read_bytes()[start:]).decode(errors="replace").splitlines()
        errors = [line.partition("Error: ")[2].strip() for line in lines if "Error: " in line]
        return f" ({errors[0]})" if errors else ""


def _provider_source() -> dict[str, str]:
    """Where `terraform init` gets the AWS provider: from the mirror that the user names, or once from the registry."""
    if "-plugin-dir" in os.environ.get("TF_CLI_ARGS_init", ""):
        return {}
    _PROVIDER_CACHE.mkdir(exist_ok=True)
    if any(_PROVIDER_CACHE.glob("*/hashicorp/aws/*/*/terraform-provider-aws*")):
        return {"TF_CLI_ARGS_init": f"-plugin-dir={_PROVIDER_CACHE}"}
    # Without a lock file, which providers mirrored for one platform cannot make, Terraform would pass the cache by.
    return {"TF_PLUGIN_CACHE_DIR": str(_PROVIDER_CACHE), "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "true"}
