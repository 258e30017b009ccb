"""The search for credentials finds what it is there for."""

from pathlib import Path

import pytest

from tests.security.credentials import credentials_in

# In pieces, or whoever scans this repository finds them.
KEY_ID = "AKIA" + "QWERTYUIOPASDFGH"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f'{{"user_id": "{KEY_ID}"}}', "AWS Access Key"),
        ('{"pass' + 'word": "hunter2-is-mine"}', "Secret Keyword"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----\\nMIIEpAIBAAKCAQEA", "Private Key"),
        ("postgres://tap:hunter2" + "@db.example/tap", "Basic Auth Credentials"),
    ],
)
def test_a_credential_is_found(tmp_path: Path, text: str, kind: str) -> None:
    """With the name of what it stands in, and its line."""
    texts = {"harmless": b"{}", "state of rds": b"{}\n" + text.encode()}
    assert credentials_in(texts, tmp_path) == [f"state of rds: {kind} in line 2"]


def test_what_the_platform_writes_down_is_no_credential(tmp_path: Path) -> None:
    """Names and types of parameters, and the example that stands for every caller of the emulator."""
    text = b"""{
        "DB_PASSWORD_PARAM": "/tap/dev/database/password",
        "cross-stack-output-aws_ssm_parameterCredential_Password_81B85B1Ename": "string",
        "user_id": "AKIAIOSFODNN7EXAMPLE"
    }"""
    assert credentials_in({"function": text}, tmp_path) == []
