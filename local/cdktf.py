"""The cdktf command line tool, run against the emulator in a folder of its own."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from local import processes
from local.deployment import Deployment, without_colours
from local.emulator import Emulator, clean_environment
from stacks.settings import ENVIRONMENTS_FILE, VARIABLES

PROJECT = Path(__file__).parent.parent
_TOOLS = (Path(sys.executable).parent, PROJECT / "node_modules" / ".bin")  # node; cdktf
# By the release of the bindings, each of which goes with one release of the provider.
_PROVIDERS = PROJECT / ".terraform-providers" / version("cdktf-cdktf-provider-aws")
_INTERVAL = 0.2  # seconds between two looks at a command

Tables = Mapping[str, Mapping[str, Any]]
Report = Callable[[str], None]


class CommandFailedError(Exception):
    """A command ended with an error; the message quotes it and names the log."""


def _say_nothing(_: str) -> None:
    """Where nobody watches."""


class Cdktf:
    """Runs `cdktf`, `terraform` and `main.py` in `directory`, which gets `cdktf.out`, states and all else they write.

    The project's own `cdktf.out` and states, which may be about a real account, stay as they are, and so does its
    `environments.toml`. `variables`: the environment variables that `stacks.settings` reads, beside the emulator's;
    `tables`: what it reads of `environments.toml`. `log` gets the output of every command.
    """

    def __init__(
        self,
        *,
        directory: Path,
        emulator: Emulator,
        variables: Mapping[str, str],
        tables: Tables,
        log: Path,
    ) -> None:
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
            **variables,
        }
        if _PROVIDERS.is_dir():
            self.environment["TF_CLI_ARGS_init"] = shlex.quote(f"-plugin-dir={_PROVIDERS}")
        directory.mkdir(parents=True)
        configuration = json.loads((PROJECT / "cdktf.json").read_text())
        configuration["app"] = shlex.join([sys.executable, str(PROJECT / "main.py")])
        (directory / "cdktf.json").write_text(json.dumps(configuration))
        self.configure(tables)

    def configure(self, tables: Tables) -> None:
        """Write `environments.toml`: the next command follows it."""
        lines = [line for name, table in tables.items() for line in _toml(name, table)]
        (self.directory / ENVIRONMENTS_FILE).write_text("\n".join(lines))

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

    def deploy(self, *stacks: str, report: Report = _say_nothing) -> dict[str, dict[str, Any]]:
        """Deploy the stacks that match the patterns; answers their outputs, by stack and name."""
        outputs = self.directory / "outputs.json"
        self.run("deploy", *stacks, "--outputs-file", str(outputs), report=report)
        answer: dict[str, dict[str, Any]] = json.loads(outputs.read_text())
        return answer

    def run(self, command: str, *arguments: str, report: Report = _say_nothing) -> None:
        """Run `cdktf deploy` or `cdktf destroy`, without asking; raises CommandFailedError if it fails."""
        with self.running(command, *arguments) as run:
            run.wait(report)

    def running(self, command: str, *arguments: str) -> AbstractContextManager["Run"]:
        """The same, under way while the context lasts: it ends with the command, or ends the command if it fails."""
        # Without the provider lock: `terraform providers lock` asks the registry, whatever mirror there is.
        return self._start(["cdktf", command, *arguments, "--auto-approve", "--skip-provider-lock"], self.directory)

    def _run(self, command: Sequence[str | Path], directory: Path) -> None:
        with self._start(command, directory) as run:
            run.wait()

    @contextmanager
    def _start(self, command: Sequence[str | Path], directory: Path) -> Iterator["Run"]:
        offset = self.log.stat().st_size if self.log.exists() else 0
        process = processes.start(command, log=self.log, environment=self.environment, directory=directory)
        run = Run(process, name=f"{Path(command[0]).name} {Path(command[1]).name}", log=self.log, offset=offset)
        try:
            yield run
            run.wait()
        finally:
            processes.stop(process)


class Run:
    """A command under way. `deployment` follows what it writes to its log from `offset` on."""

    def __init__(self, process: subprocess.Popen[bytes], *, name: str, log: Path, offset: int) -> None:
        self._process = process
        self._name = name
        self._log = log
        self._output = ""
        self._offset = offset
        self.deployment = Deployment()

    def wait(self, report: Report = _say_nothing, until: Callable[[Deployment], bool] = lambda _: False) -> None:
        """Wait for the end, or for `until`, and `report` meanwhile. Raises CommandFailedError if the command fails."""
        while self._process.poll() is None:
            self._follow()
            report(str(self.deployment))
            if until(self.deployment):
                return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_INTERVAL)
        self._follow()
        if self._process.returncode:
            raise CommandFailedError(f"`{self._name}` failed{self._first_error()}: see {self._log}")

    def _follow(self) -> None:
        with self._log.open("rb") as log:
            log.seek(self._offset)
            output = log.read()
        self._offset += len(output)
        text = output.decode(errors="replace")
        self._output += text
        self.deployment.feed(text)

    def _first_error(self) -> str:
        lines = without_colours(self._output).splitlines()
        errors = [line.partition("Error: ")[2].strip() for line in lines if "Error: " in line]
        return f" ({errors[0]})" if errors else ""


def _toml(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{name}]"
    # JSON's scalars, and lists of them, are TOML's.
    yield from (f"{key} = {json.dumps(value)}" for key, value in table.items() if not isinstance(value, dict))
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _toml(f"{name}.{key}", value)


def _leads_elsewhere(variable: str) -> bool:
    """Whether a variable of the user's is about other deployments than the ones on this machine."""
    if variable in ("TF_CLI_ARGS_init", "TF_CLI_CONFIG_FILE"):  # where the provider comes from
        return False
    return variable in VARIABLES or variable.startswith(("TF_", "CDKTF_"))
