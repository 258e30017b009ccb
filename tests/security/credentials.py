"""Looks for credentials in whatever the platform writes down, with detect-secrets, which checkov brings along."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from local.cdktf import PROJECT

_DETECT_SECRETS = PROJECT / ".venv-security" / "bin" / "detect-secrets"
# Any random text is a secret to these two, checksums and generated ids included.
_NOISY = ("Base64HighEntropyString", "HexHighEntropyString")
_HARMLESS = re.compile(
    # The user id that moto answers for every caller, which the account's state records: AWS's own example of a key id.
    rb"AKIAIOSFODNN7EXAMPLE"
    # The type of a reference between stacks: that of the name of the password's parameter has the word in it.
    rb'|"cross-stack-output-[^"]+": "string"'
)


def credentials_in(texts: Mapping[str, bytes], directory: Path) -> list[str]:
    """What is shaped like a credential, one line each: in which text, and what kind. `directory` is to be empty."""
    names = dict(zip(map(str, range(len(texts))), texts, strict=True))
    for number, name in names.items():
        (directory / number).with_suffix(".json").write_bytes(_HARMLESS.sub(b"", texts[name]))
    disabled = [argument for plugin in _NOISY for argument in ("--disable-plugin", plugin)]
    answer = subprocess.run(
        [_DETECT_SECRETS, "scan", "--all-files", "--no-verify", *disabled, "."],
        cwd=directory,
        check=True,
        capture_output=True,
        text=True,
    )
    return [
        f"{names[Path(file).stem]}: {finding['type']} in line {finding['line_number']}"
        for file, findings in json.loads(answer.stdout)["results"].items()
        for finding in findings
    ]
