"""Takes AWS's current bundle of the certificate authorities of RDS: `make rds-ca-bundle`."""

from __future__ import annotations

import re
import sys
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from handler.package import RDS_CA_BUNDLE

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html; GovCloud and China have others.
URL = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"

_TIMEOUT = 30  # seconds
_NAME = re.compile(r"Amazon RDS (?P<place>[\w -]+) Root CA \w+ G\d")


class BundleError(Exception):
    """The bundle cannot be taken; the message is one sentence for the user."""


def renew(path: Path = RDS_CA_BUNDLE, url: str = URL) -> str:
    """Takes AWS's current bundle in the place of the one at `path`; returns what became of it, in a sentence.

    Raises BundleError, and leaves the file as it is, if there is no answer, if anything in the answer is not a valid
    authority of Amazon RDS, or if it lacks one that is valid and was there.
    """
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310 - https, above
            content: bytes = answer.read()
    except OSError as error:
        raise BundleError(f"{url} does not answer ({error}): run this where AWS can be reached.") from error
    new = _authorities(content)
    old = x509.load_pem_x509_certificates(path.read_bytes())
    lost = [_name(authority) for authority in old if authority not in new and _is_valid(authority)]
    if lost:
        raise BundleError(f"The bundle at {url} lacks {', '.join(lost)}: databases under it could not be reached.")
    renewed = path.with_suffix(".new")
    renewed.write_bytes(content)
    renewed.replace(path)
    added = sorted(_places(new) - _places(old)) or ["none"]
    return f"{path.name} has {len(new)} authorities; regions that it did not serve before: {', '.join(added)}"


def _authorities(content: bytes) -> Sequence[x509.Certificate]:
    try:
        authorities = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise BundleError(f"The answer is no bundle of certificates: {error}.") from error
    for authority in authorities:
        if not _is_valid(authority):
            raise BundleError(f"{_name(authority)} is not a valid authority of Amazon RDS: the bundle is not taken.")
    return authorities


def _is_valid(authority: x509.Certificate) -> bool:
    try:
        authority.verify_directly_issued_by(authority)
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    in_time = authority.not_valid_before_utc < datetime.now(UTC) < authority.not_valid_after_utc
    return constraints.ca and in_time and _NAME.fullmatch(_name(authority)) is not None


def _places(authorities: Sequence[x509.Certificate]) -> set[str]:
    names = (_NAME.fullmatch(_name(authority)) for authority in authorities)
    return {name["place"] for name in names if name}


def _name(authority: x509.Certificate) -> str:
    [name] = authority.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(name.value)


def main() -> None:
    """The command line."""
    try:
        print(renew())
    except BundleError as error:
        sys.exit(f"TAP: {error}")


if __name__ == "__main__":
    main()
