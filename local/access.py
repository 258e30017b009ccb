"""What it takes to use the platform on this machine, from the process that started it or from another one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from botocore.credentials import Credentials

from handler.addresses import OPEN_ADDRESS
from local.emulator import REGION, EmulatedAws
from local.signing import ResultsFunction, Viewer

THIS_MACHINE = "127.0.0.1"
# The authority of all databases, in the folder of the emulator.
CA_FILE = Path("databases", "ca.pem")


@dataclass(frozen=True, kw_only=True)
class Access:
    """The way to a deployed platform. `outputs`: those of the platform, by name. It holds no secret.

    `results_address`: where its pages are for a browser, if somebody serves them there.
    """

    aws: EmulatedAws
    directory: Path
    outputs: dict[str, Any]
    results_address: str = OPEN_ADDRESS

    @property
    def suffix(self) -> str:
        """The environment's."""
        prefix: str = self.outputs["parameter_store_prefix"]
        return prefix.split("/")[2]

    @property
    def ca_file(self) -> Path:
        """The authority that signed the certificate of the database."""
        return self.directory / CA_FILE

    @property
    def function_log(self) -> Path:
        """What the ingest function prints."""
        return self.log_of(self.outputs["lambda_function_name"])

    def log_of(self, function: str) -> Path:
        """What this function prints."""
        return self.directory / f"{function}.log"

    def results_function(self) -> ResultsFunction:
        """Who is asked for pages, with credentials of the emulated AWS."""
        environment = self.aws.environment()
        credentials = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
        return ResultsFunction(
            name=self.outputs["results_function_name"],
            url=self.outputs["results_url"],
            region=REGION,
            place="this machine",
            viewer=Viewer(lambda: credentials),
            address=self.aws.url,
        )

    def database_instance(self) -> dict[str, Any]:
        """What RDS says about the instance."""
        answer = self.aws.client("rds").describe_db_instances(DBInstanceIdentifier=self.outputs["db_instance_id"])
        instance: dict[str, Any] = answer["DBInstances"][0]
        return instance

    def password(self, parameter: str = "password") -> str:
        """A password of the database, the owner's or another, as Parameter Store holds it at this moment."""
        name = f"{self.outputs['parameter_store_prefix']}database/{parameter}"
        answer = self.aws.client("ssm").get_parameter(Name=name, WithDecryption=True)
        value: str = answer["Parameter"]["Value"]
        return value

    def connect(self, *, user: str | None = None, password: str | None = None) -> psycopg.Connection[Any]:
        """A connection to the database, with TLS as the functions have it; by default as its owner."""
        instance = self.database_instance()
        return psycopg.connect(
            host=instance["Endpoint"]["Address"],
            hostaddr=THIS_MACHINE,
            port=instance["Endpoint"]["Port"],
            user=user or instance["MasterUsername"],
            password=password or self.password(),
            dbname=instance["DBName"],
            sslmode="verify-full",
            sslrootcert=str(self.ca_file),
            autocommit=True,
        )
