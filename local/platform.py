"""The whole platform on this machine: emulated AWS, and the stacks that are deployed to it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Self

from handler.addresses import OPEN_ADDRESS
from local import processes
from local.access import Access
from local.cdktf import Cdktf, Report, Tables
from local.emulator import REGION, Emulator
from local.postgres import find_package
from stacks.names import state_bucket_name

Step = Callable[[str], AbstractContextManager[Report]]

_LIFECYCLE = "aws_s3_bucket_lifecycle_configuration"


class Platform:
    """One environment, deployed as it would be to AWS, from the entry of a context to its end.

    `directory`: gets all that is written, logs included; whoever made it removes it. `step` wraps each part of the
    work, to show progress: it gives a function to which the part says what it waits for. `results_address`: where
    somebody will serve its pages. `speed`: see Emulator.
    """

    settings: dict[str, Any]
    """What `environments.toml` says of the environment."""
    emulator: Emulator
    account: Cdktf
    """Deploys the account stack, with local state."""
    environment: Cdktf
    """Deploys the environment, with its state in the bucket of the account stack."""
    state_bucket: str
    access: Access
    """What others need in order to use the platform."""

    def __init__(
        self,
        suffix: str,
        directory: Path,
        step: Step,
        *,
        results_address: str = OPEN_ADDRESS,
        speed: int = 1,
    ) -> None:
        self.suffix = suffix
        self.directory = directory
        # The port at which PostgreSQL will listen is part of the instance's endpoint.
        self.settings = {
            "database_port": processes.free_port(),
            "results_address": results_address,
            # Nobody listens, and nobody has such a token, but both are there.
            "notifications": True,
            "uploaders": {"shop": {"github": ["acme/shop"]}},
        }
        self._results_address = results_address
        self._speed = speed
        self._step = step
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        find_package()  # before the minutes of deploying
        with self._resources:
            self._start_emulator()
            self._fetch_provider()
            self._deploy()
            self._resources = self._resources.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with self._step("Stop everything"):
            self._resources.close()

    def _start_emulator(self) -> None:
        with self._step("Start the AWS emulator (moto)"):
            self.emulator = self._resources.enter_context(
                Emulator(log=self.directory / "emulator.log", directory=self.directory, speed=self._speed)
            )

    def _fetch_provider(self) -> None:
        cdktf = self._cdktf("provider")
        if cdktf.lacks_provider:
            with self._step("Fetch the AWS provider of Terraform, once"):
                cdktf.fetch_provider()

    def _deploy(self) -> None:
        self.account = self._cdktf("account", tables={self.suffix: self.settings})
        with self.account.running("deploy", "tap-account") as account:
            with self._step("Deploy tap-account (state bucket, VPC endpoints)") as say:
                # What comes then is the provider's wait of a minute, in which the environment finds all it looks up.
                account.wait(say, until=lambda deployment: deployment.waits_only_for(_LIFECYCLE))
            self._deploy_environment()

    def _deploy_environment(self) -> None:
        account_id = self.emulator.client("sts").get_caller_identity()["Account"]
        self.state_bucket = state_bucket_name(REGION, account_id)
        self.environment = self._cdktf(
            "environment",
            variables={"ENVIRONMENT_SUFFIX": self.suffix, "TF_STATE_BUCKET": self.state_bucket},
            tables={self.suffix: self.settings},
        )
        with self._step(f"Deploy the eleven stacks tap-*-{self.suffix}") as say:
            outputs = self.environment.deploy(f"tap-*-{self.suffix}", report=say)
        self.access = Access(
            aws=self.emulator,
            directory=self.directory,
            outputs=outputs[f"tap-outputs-{self.suffix}"],
            results_address=self._results_address,
        )

    def _cdktf(self, name: str, *, variables: Mapping[str, str] | None = None, tables: Tables | None = None) -> Cdktf:
        return Cdktf(
            directory=self.directory / name,
            emulator=self.emulator,
            variables=variables or {},
            tables=tables or {},
            log=self.directory / f"cdktf-{name}.log",
        )
