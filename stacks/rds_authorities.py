"""The regions whose databases the function can trust, by the certificate authorities that it brings along."""

import re
import ssl
from pathlib import Path
from typing import Any

from handler.package import RDS_CA_BUNDLE

_AUTHORITY = re.compile(r"Amazon RDS (?P<region>[a-z]{2}(?:-[a-z]+)+-\d) Root CA .*")


def served_regions(bundle: Path = RDS_CA_BUNDLE) -> list[str]:
    """The regions that the bundle has an authority of, sorted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    authorities: list[dict[str, Any]] = context.get_ca_certs()
    subjects = (dict(name for (name,) in authority["subject"]) for authority in authorities)
    names = (_AUTHORITY.fullmatch(subject["commonName"]) for subject in subjects)
    return sorted({name["region"] for name in names if name})
