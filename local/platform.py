"""The whole platform on this machine: emulated AWS, deployed stacks, PostgreSQL, and the worker that is Lambda."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Self

import psycopg

from local import processes
from local.cdktf import Cdktf
from local.emulator import Emulator
from local.postgres import PostgresServer, find_package
from local.worker import Worker

_THIS_MACHINE = "127.0.0.1"

Step = Callable[[str], AbstractContextManager[None]]


class Platform:
    """One environment, deployed as it would be to AWS, from the entry of a context to its end.

    `directory`: gets all that is written, logs included; whoever made it removes it. `step` wraps each part of the
    work, to show progress.
    """

    emulator: Emulator
    account: Cdktf
    """Deploys the account stack, with local state."""
    environment: Cdktf
    """Deploys the environment, with its state in the bucket of the account stack."""
    state_bucket: str
    outputs: dict[str, Any]
    """The platform's outputs, by name."""
    postgres: PostgresServer

    def __init__(self, suffix: str, directory: Path, step: Step) -> None:
        self.suffix = suffix
        self.directory = directory
        self._step = step
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        find_package()  # before the minutes of deploying
        with self._resources:
            self._start_emulator()
            self._fetch_provider()
            self._deploy_account()
            self._deploy_environment()
            self._start_postgres()
            self._start_worker()
            self._resources = self._resources.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with self._step("Stop everything"):
            self._resources.close()

    def password(self) -> str:
        """The database's password, as Parameter Store holds it."""
        name = f"{self.outputs['parameter_store_prefix']}database/password"
        parameter = self.emulator.client("ssm").get_parameter(Name=name, WithDecryption=True)
        value: str = parameter["Parameter"]["Value"]
        return value

    def connect(self) -> psycopg.Connection[Any]:
        """A connection to the database, with TLS and credentials as the function has them."""
        return psycopg.connect(
            host=self.postgres.hostname,
            hostaddr=_THIS_MACHINE,
            port=self.postgres.port,
            user=self._instance["MasterUsername"],
            password=self.password(),
            dbname=self._instance["DBName"],
            sslmode="verify-full",
            sslrootcert=str(self.postgres.ca_file),
        )

    def _start_emulator(self) -> None:
        with self._step("Start the AWS emulator (moto)"):
            self.emulator = self._resources.enter_context(Emulator(log=self.directory / "emulator.log"))

    def _fetch_provider(self) -> None:
        cdktf = self._cdktf("provider")
        if cdktf.lacks_provider:
            with self._step("Fetch the AWS provider of Terraform, once"):
                cdktf.fetch_provider()

    def _deploy_account(self) -> None:
        self.account = self._cdktf("account")
        with self._step("Deploy tap-account (state bucket, VPC endpoints)"):
            self.state_bucket = self.account.deploy("tap-account")["tap-account"]["state_bucket"]

    def _deploy_environment(self) -> None:
        self.environment = self._cdktf(
            "environment",
            ENVIRONMENT_SUFFIX=self.suffix,
            TF_STATE_BUCKET=self.state_bucket,
            # The port at which PostgreSQL will listen is part of the instance's endpoint.
            DB_PORT=str(processes.free_port()),
        )
        with self._step(f"Deploy the eight stacks tap-*-{self.suffix}"):
            outputs = self.environment.deploy(f"tap-*-{self.suffix}")
        self.outputs = outputs[f"tap-outputs-{self.suffix}"]

    def _cdktf(self, name: str, **settings: str) -> Cdktf:
        return Cdktf(
            directory=self.directory / name,
            emulator=self.emulator,
            settings=settings,
            log=self.directory / "cdktf.log",
        )

    def _start_postgres(self) -> None:
        with self._step("Start PostgreSQL in the place of RDS"):
            self._instance = self.emulator.client("rds").describe_db_instances(
                DBInstanceIdentifier=self.outputs["db_instance_id"]
            )["DBInstances"][0]
            self.postgres = self._resources.enter_context(
                PostgresServer(
                    hostname=self._instance["Endpoint"]["Address"],
                    port=self._instance["Endpoint"]["Port"],
                    user=self._instance["MasterUsername"],
                    password=self.password(),
                    database=self._instance["DBName"],
                    directory=self.directory / "postgres",
                    log=self.directory / "postgres.log",
                )
            )

    def _start_worker(self) -> None:
        with self._step("Start the deployed function"):
            self._resources.enter_context(
                Worker(
                    emulator=self.emulator,
                    function_name=self.outputs["lambda_function_name"],
                    database_host_address=_THIS_MACHINE,
                    ca_file=self.postgres.ca_file,
                    directory=self.directory,
                    log=self.directory / "function.log",
                )
            )
