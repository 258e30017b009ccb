"""The function finds the database in Parameter Store."""

import pytest

from tests.unit.synthesized import Platform


def test_holds_three_parameters(platform: Platform) -> None:
    """The fourth, the password, is born with the database in RdsStack."""
    assert platform["tap-parameter-dev"].inventory == {"aws_ssm_parameter": 3, "terraform_data": 1}


@pytest.mark.parametrize(
    ("name", "attribute"), [("endpoint", "endpoint"), ("username", "username"), ("name", "db_name")]
)
def test_parameter(platform: Platform, name: str, attribute: str) -> None:
    """Each holds what RDS says of the instance (`endpoint` is host:port), encrypted as the password is."""
    assert platform["tap-parameter-dev"].resource("aws_ssm_parameter", name=f"/tap/dev/database/{name}") == {
        "name": f"/tap/dev/database/{name}",
        "type": "SecureString",
        "key_id": "alias/aws/ssm",
        "value": f"${{aws_db_instance[tap-rds-dev].{attribute}}}",
        "tags": {"Component": "database"},
    }
