"""The log says once that a camera is in trouble, and once that it is well."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rtaction.serve.house.views import CameraView
from rtaction.serve.watching.journal import Journal


def camera(state: Any, reason: str = "") -> CameraView:
    now = datetime.now(UTC)
    return CameraView(
        id="door", name="Door", is_enabled=True, state=state, reason=reason, since=now
    )


def test_trouble_and_its_end_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal()
    for state, reason in (
        *(("connecting", ""), ("down", "no frames"), ("down", "no frames")),
        *(("down", "nothing is listening there"), ("connecting", ""), ("warming_up", "")),
        *(("ok", ""), ("ok", ""), ("degraded", "too few frames"), ("ok", "")),
        *(("refused", "wrong password"), ("disabled", "")),
    ):
        journal.see(camera(state, reason))
    assert caplog.messages == [
        "Door: down: no frames",
        "Door: down: nothing is listening there",
        "Door: ok",
        "Door: refused: wrong password",
        "Door: disabled",
    ]
    journal.see(camera("ended"))
    journal.forget("door")
    journal.see(camera("ok"))
    assert caplog.messages[5:] == ["Door: ended"]
