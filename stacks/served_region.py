"""The regions whose databases the function can trust, by the certificate authorities that it brings along."""

import re
import ssl
from pathlib import Path
from typing import Any

from cdktf import Fn, TerraformSelf
from cdktf_cdktf_provider_aws.data_aws_region import DataAwsRegion

from constructs import Construct
from constructs.validation import required
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


def require_served_region(scope: Construct) -> None:
    """Let the plan fail, with the remedy, in a region where the function would refuse every database."""
    DataAwsRegion(
        scope,
        "ServedRegion",
        lifecycle=required(
            Fn.contains(served_regions(), TerraformSelf.get_string("name")),
            "The certificate authorities in handler/rds-ca-bundle.pem serve no database of this region, and the"
            " function would refuse it: fetch AWS's current ones with `make rds-ca-bundle`, and commit them.",
        ),
    )
