"""`make rds-ca-bundle` takes AWS's current authorities, and nothing else."""

from __future__ import annotations

import runpy
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from handler import package, renew_rds_ca_bundle
from handler.recording import database
from handler.renew_rds_ca_bundle import BundleError, renew
from tests.handler.helpers.surroundings import answering, http_server

NOW = datetime.now(UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def authority(
    place: str,
    *,
    name: str = "Amazon RDS {} Root CA ECC384 G1",
    ca: bool = True,
    until: timedelta = timedelta(days=1),
    signer: ec.EllipticCurvePrivateKey = KEY,
) -> bytes:
    """A certificate as RDS's authorities have it."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name.format(place))])
    certificate = (
        x509.CertificateBuilder(subject, subject, KEY.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=2))
        .not_valid_after(NOW + until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


OLD, EXPIRED = authority("eu-central-1"), authority("us-west-1", until=-timedelta(days=1))
NEW = authority("il-central-1")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "rds-ca-bundle.pem"
    path.write_bytes(OLD + EXPIRED)
    return path


def test_new_authorities_are_taken(bundle: Path) -> None:
    """What has expired may go."""
    with http_server(answering(200, OLD + NEW)) as url:
        assert renew(bundle, url) == (
            "rds-ca-bundle.pem has 2 authorities; regions that it did not serve before: il-central-1"
        )
    assert bundle.read_bytes() == OLD + NEW


def test_nothing_new(bundle: Path) -> None:
    """The same bundle again."""
    with http_server(answering(200, OLD)) as url:
        assert renew(bundle, url).endswith("did not serve before: none")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(NEW, "lacks Amazon RDS eu-central-1 Root CA ECC384 G1: databases under it could not", id="lost"),
        pytest.param(b"<html>", "The answer is no bundle of certificates: ", id="no certificates"),
        pytest.param(b"", "The answer is no bundle of certificates: ", id="empty"),
        pytest.param(OLD + EXPIRED, "us-west-1 Root CA ECC384 G1 is not a valid authority", id="expired"),
        pytest.param(OLD + authority("x", ca=False), "x Root CA ECC384 G1 is not a valid authority", id="no authority"),
        pytest.param(OLD + authority("x", signer=OTHER_KEY), "is not a valid authority of Amazon RDS", id="forged"),
        pytest.param(OLD + authority("", name="Somebody"), "Somebody is not a valid authority", id="somebody else's"),
    ],
)
def test_what_is_refused(bundle: Path, content: bytes, sentence: str) -> None:
    """One sentence, and the file stays as it was."""
    before = bundle.read_bytes()
    with http_server(answering(200, content)) as url, pytest.raises(BundleError) as refused:
        renew(bundle, url)
    assert sentence in str(refused.value)
    assert bundle.read_bytes() == before


def test_no_answer(bundle: Path) -> None:
    """It says where it would have come from."""
    with pytest.raises(BundleError, match=r"^http://127.0.0.1:1 does not answer \(.*\): run this where AWS can"):
        renew(bundle, "http://127.0.0.1:1")


def test_address_is_awss_own() -> None:
    """By TLS, so that nobody else answers."""
    assert renew_rds_ca_bundle.URL == "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"


def test_it_is_the_functions_bundle() -> None:
    """The one that is renewed is the one that is deployed and read."""
    assert package.RDS_CA_BUNDLE == database.RDS_CA_BUNDLE


@pytest.mark.parametrize("succeeds", [True, False])
def test_command(
    bundle: Path, succeeds: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints what it did, or ends with a sentence."""

    def answer() -> str:
        if succeeds:
            return "done"
        raise BundleError("No.")

    monkeypatch.setattr(renew_rds_ca_bundle, "renew", answer)
    if succeeds:
        renew_rds_ca_bundle.main()
        assert capsys.readouterr().out == "done\n"
    else:
        with pytest.raises(SystemExit, match=r"^TAP: No\.$"):
            renew_rds_ca_bundle.main()


def test_command_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make` starts it: a sentence, and nothing is written."""
    before = package.RDS_CA_BUNDLE.read_bytes()

    def refuse(url: str, timeout: float) -> None:
        raise OSError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(
        SystemExit, match=r"^TAP: https://truststore.* does not answer \(no network\): run this where AWS"
    ):
        runpy.run_path(renew_rds_ca_bundle.__file__, run_name="__main__")
    assert package.RDS_CA_BUNDLE.read_bytes() == before
