"""A region whose databases the function would refuse is refused before anything is deployed."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from handler.package import RDS_CA_BUNDLE
from stacks.rds_authorities import served_regions
from tests.unit.synthesized import Platform


def test_regions_of_the_bundle() -> None:
    """Those that it names, and no other; AWS's own test authorities are no regions."""
    regions = served_regions()
    assert len(regions) == 27
    assert {"us-east-1", "eu-central-1", "ap-southeast-4"} < set(regions)
    assert not {"il-central-1", "ca-west-1", "Beta us-east-1"} & set(regions)


def test_a_region_is_served_by_the_authorities_of_its_name(tmp_path: Path) -> None:
    """Without them it is not."""
    authorities = x509.load_pem_x509_certificates(RDS_CA_BUNDLE.read_bytes())
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(
        b"".join(
            authority.public_bytes(Encoding.PEM)
            for authority in authorities
            if "eu-central-1" not in authority.subject.rfc4514_string()
        )
    )
    assert set(served_regions()) - set(served_regions(bundle)) == {"eu-central-1"}


@pytest.mark.parametrize("stack", ["tap-account", "tap-rds-dev", "tap-rds-prod"])
def test_the_plan_asks_for_the_region(platform: Platform, stack: str) -> None:
    """The account stack, which every region gets first, and the stack of the database."""
    [region] = [it for it in platform[stack].data_sources("aws_region") if "lifecycle" in it]
    [condition] = region["lifecycle"]["postcondition"]
    assert '"us-east-1"' in condition["condition"]
    assert condition["condition"].endswith("], self.name)}")
    assert "`make rds-ca-bundle`" in condition["error_message"]
