"""The certificate authorities that the function trusts."""

from datetime import UTC, datetime

import pytest
from cryptography import x509

from handler.recording.database import RDS_CA_BUNDLE

CERTIFICATES = x509.load_pem_x509_certificates(RDS_CA_BUNDLE.read_bytes())


def test_no_certificate_is_damaged_or_duplicated() -> None:
    """Each one of the file was parsed, and is there once."""
    assert len(set(CERTIFICATES)) == RDS_CA_BUNDLE.read_text().count("BEGIN CERTIFICATE")


@pytest.mark.parametrize("certificate", CERTIFICATES, ids=lambda certificate: certificate.subject.rfc4514_string())
def test_every_certificate_is_a_valid_authority_of_rds(certificate: x509.Certificate) -> None:
    """None has expired, and each may sign the certificates of instances."""
    [unit] = certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATIONAL_UNIT_NAME)
    assert unit.value == "Amazon RDS"
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.not_valid_before_utc < datetime.now(UTC) < certificate.not_valid_after_utc
    certificate.verify_directly_issued_by(certificate)


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-northeast-1", "sa-east-1", "af-south-1"])
@pytest.mark.parametrize("algorithm", ["RSA2048", "RSA4096", "ECC384"])
def test_the_three_authorities_of_a_region_are_trusted(region: str, algorithm: str) -> None:
    """An instance may be under any of rds-ca-rsa2048-g1, rds-ca-rsa4096-g1 and rds-ca-ecc384-g1."""
    common_names = [
        certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value for certificate in CERTIFICATES
    ]
    assert common_names.count(f"Amazon RDS {region} Root CA {algorithm} G1") == 1
