"""The reader of the deployed database."""

from typing import Any

import psycopg

from handler.recording.reader import READER
from local.platform import Platform


def reader_password(platform: Platform) -> str:
    """What Parameter Store holds at this moment."""
    name = f"{platform.access.outputs['parameter_store_prefix']}database/reader-password"
    parameter = platform.emulator.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    return str(parameter["Value"])


def reader(platform: Platform) -> psycopg.Connection[Any]:
    """A connection with this password."""
    host, _, port = platform.access.outputs["db_endpoint"].rpartition(":")
    return psycopg.connect(
        host=host,
        hostaddr="127.0.0.1",
        port=port,
        user=READER,
        password=reader_password(platform),
        dbname="tap",
        sslmode="verify-full",
        sslrootcert=str(platform.access.ca_file),
        autocommit=True,
    )
