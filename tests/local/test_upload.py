"""Waiting for an upload ends, with or without it."""

from pathlib import Path

import pytest

from local import upload
from local.upload import NotProcessedError, wait_for


def test_what_was_found_is_answered() -> None:
    looks = iter([None, None, "row"])
    assert wait_for(lambda: next(looks), Path("function.log")) == "row"


def test_patience_ends_with_the_name_of_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "_PATIENCE", 0.1)
    with pytest.raises(NotProcessedError, match=r"was not processed within 0\.1 seconds: see /x/function\.log$"):
        wait_for(lambda: None, Path("/x/function.log"))
