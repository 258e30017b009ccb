"""The cdktf command line tool, run against the emulator in a folder of its own."""

import json
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from local import processes
from local.emulator import Emulator, clean_environment
from stacks.settings import VARIABLES

PROJECT = Path(__file__).parent.parent
_TOOLS = (Path(sys.executable).parent, PROJECT / "node_modules" / ".bin")  # node; cdktf
# By the release of the bindings, each of which goes with one release of the provider.
_PROVIDERS = PROJECT / ".terraform-providers" / version("cdktf-cdktf-provider-aws")
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
            **{name: value for name, value in clean_environment().items() if not _leads_elsewhere(name)},
            **emulator.environment(),
            "PATH": os.pathsep.join([*map(str, _TOOLS), os.environ["PATH"]]),
            # Terraform's providers leave their sockets there when they are interrupted.
            "TMPDIR": str(directory),
            # No questions, no colours, no calls home.
            "CI": "1",
            "CHECKPOINT_DISABLE": "1",
            # Else cdktf would link this project's provider into the plugin cache of the user's home.
            "CDKTF_DISABLE_PLUGIN_CACHE_ENV": "1",
            "TF_IN_AUTOMATION": "1",
            **settings,
        }
        if _PROVIDERS.is_dir():
            self.environment["TF_CLI_ARGS_init"] = shlex.quote(f"-plugin-dir={_PROVIDERS}")
        directory.mkdir(parents=True)
        configuration = json.loads((PROJECT / "cdktf.json").read_text())
        configuration["app"] = shlex.join([sys.executable, str(PROJECT / "main.py")])
        (directory / "cdktf.json").write_text(json.dumps(configuration))

    @property
    def lacks_provider(self) -> bool:
        """Whether the AWS provider is neither here nor in a folder that the user names to `terraform init`."""
        return "-plugin-dir" not in self.environment.get("TF_CLI_ARGS_init", "")

    def synth(self) -> None:
        """Run `main.py`, as cdktf does by itself before it deploys."""
        self._run([sys.executable, PROJECT / "main.py"], self.directory)

    def fetch_provider(self) -> None:
        """Fetch the AWS provider from Terraform's registry (150 MiB), once for all stacks and runs."""
        _PROVIDERS.parent.mkdir(exist_ok=True)
        data_directory = Path(tempfile.mkdtemp(dir=_PROVIDERS.parent))
        try:
            self.synth()
            self.environment["TF_DATA_DIR"] = str(data_directory)
            self._run(["terraform", "init", "-input=false"], self.directory / "cdktf.out" / "stacks" / "tap-account")
            # At once and whole, so that an interrupted download is never taken for the provider.
            (data_directory / "providers").rename(_PROVIDERS)
        except CommandFailedError as error:
            raise CommandFailedError(
                f"{error}; where Terraform's registry is out of reach, name a folder that holds the AWS provider:"
                " export TF_CLI_ARGS_init=-plugin-dir=FOLDER"
            ) from error
        finally:
            shutil.rmtree(data_directory)

    def deploy(self, *stacks: str) -> dict[str, dict[str, Any]]:
        """Deploy the stacks that match the patterns; answers their outputs, by stack and name."""
        outputs = self.directory / "outputs.json"
        self.run("deploy", *stacks, "--outputs-file", str(outputs))
        answer: dict[str, dict[str, Any]] = json.loads(outputs.read_text())
        return answer

    def run(self, command: str, *arguments: str) -> None:
        """Run `cdktf deploy` or `cdktf destroy`, without asking; raises CommandFailedError if it fails."""
        # Without the provider lock: `terraform providers lock` asks the registry, whatever mirror there is.
        self._run(["cdktf", command, *arguments, "--auto-approve", "--skip-provider-lock"], self.directory)

    def _run(self, command: Sequence[str | Path], directory: Path) -> None:
        start = self.log.stat().st_size if self.log.exists() else 0
        process = processes.start(command, log=self.log, environment=self.environment, directory=directory)
        try:
            exit_code = process.wait()
        finally:
            processes.stop(process)
        if exit_code:
            name = f"{Path(command[0]).name} {Path(command[1]).name}"
            raise CommandFailedError(f"`{name}` failed{self._first_error(start)}: see {self.log}")

    def _first_error(self, start: int) -> str:
        lines = _COLOURS.sub(b"", self.log.read_bytes()[start:]).decode(errors="replace").splitlines()
        errors = [line.partition("Error: ")[2].strip() for line in lines if "Error: " in line]
        return f" ({errors[0]})" if errors else ""


def _leads_elsewhere(variable: str) -> bool:
    """Whether a variable of the user's is about other deployments than the ones on this machine."""
    if variable in ("TF_CLI_ARGS_init", "TF_CLI_CONFIG_FILE"):  # where the provider comes from
        return False
    return variable in VARIABLES or variable.startswith(("TF_", "CDKTF_"))
