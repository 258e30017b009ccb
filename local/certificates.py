"""TLS for local databases: a throw-away certificate authority, and the certificates of servers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_AUTHORITY = "TAP local authority"


class Authority:
    """Signs the certificates of servers on this machine. Its key is never written."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = (
            _certificate(_AUTHORITY, self._key, timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def write_certificate(self, file: Path) -> None:
        """Write what those need who are to trust it."""
        file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def write_server_certificate(
        self, hostname: str, directory: Path, *, valid_for: timedelta = timedelta(days=1)
    ) -> None:
        """Write `server.pem` and `server.key` for `hostname` into `directory`.

        `valid_for` may be negative, of a server whose certificate has expired.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _certificate("TAP local database", key, valid_for)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        (directory / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file = directory / "server.key"
        key_file.touch(mode=0o600)
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def _certificate(subject: str, key: ec.EllipticCurvePrivateKey, valid_for: timedelta) -> x509.CertificateBuilder:
    end = datetime.now(UTC) + valid_for
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _AUTHORITY)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Begun a little earlier, since clocks differ.
        .not_valid_before(end - timedelta(days=1, minutes=5))
        .not_valid_after(end)
    )
