from __future__ import annotations

import re
import time
import tomllib
from pathlib import Path

import pytest

from rtaction.serve.sinks.metrics import Metrics
from rtaction.serve.sinks.open import open_sinks
from rtaction.serve.sinks.webhooks.message import signature
from tests.project import ROOT
from tests.serve.sinks.doubles import Room, view

PAGE = (ROOT / "docs" / "sinks.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_tables_are_taken_as_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in re.findall(r'_env = "(\w+)"', PAGE):
        monkeypatch.setenv(name, "ntfys://ntfy.sh/t" if "PHONE" in name else "https://example.org")
    tables = tomllib.loads("\n".join(blocks("toml")))
    sinks = open_sinks(tables, where="docs/sinks.md", folder=tmp_path)
    assert len(sinks) == len(blocks("toml")) == 3


def test_the_receiver_s_check_works() -> None:
    (code,) = blocks("python")
    names: dict[str, object] = {}
    exec(compile(code, "docs/sinks.md", "exec"), names)
    is_genuine = names["is_genuine"]
    assert callable(is_genuine)
    now = int(time.time())
    assert is_genuine(b"key", signature(b"key", now, b"{}"), b"{}")
    assert not is_genuine(b"key", signature(b"key", now, b"{}"), b"{ }")
    assert not is_genuine(b"other", signature(b"key", now, b"{}"), b"{}")
    assert not is_genuine(b"key", signature(b"key", now - 3600, b"{}"), b"{}")


def test_all_metrics_are_listed() -> None:
    room, metrics = Room(view()), Metrics()
    room.open(metrics)
    text = metrics.metrics_text()[0].decode()
    names = set(re.findall(r"^# TYPE (rtaction_\w+)", text, re.MULTILINE))
    assert len(names) > 12
    assert not {name for name in names if name not in PAGE}
