"""Who trains together, as the environment says it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from rtaction.errors import DeviceUnavailable, UsageError
from rtaction.train.settings import team
from rtaction.train.settings.hardware import choose_hardware
from rtaction.train.settings.team import Team, joined_team

_TWO_HOSTS = ["a:1", "b:1", "a:2", "[::1]:3"]


@pytest.fixture(autouse=True)
def _not_joined() -> Iterator[None]:
    joined_team.cache_clear()
    yield
    joined_team.cache_clear()


def _fake(monkeypatch: pytest.MonkeyPatch, num_gpus: int) -> list[Any]:
    visible: list[Any] = []
    config = SimpleNamespace(
        list_physical_devices=lambda kind: [f"{kind}:{number}" for number in range(num_gpus)],
        set_visible_devices=lambda device, kind: visible.append((device, kind)),
    )
    distribute = SimpleNamespace(MultiWorkerMirroredStrategy=lambda: "connected")
    monkeypatch.setattr(team, "tensorflow", SimpleNamespace(config=config, distribute=distribute))
    return visible


def _names(monkeypatch: pytest.MonkeyPatch, cluster: Any, kind: str, index: int) -> None:
    config = {"cluster": cluster, "task": {"type": kind, "index": index}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))


@pytest.mark.parametrize("value", [None, "", '{"cluster": {"worker": ["a:1"]}, "task": '])
def test_alone(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if value is not None:
        text = value and value + '{"type": "worker", "index": 0}}'
        monkeypatch.setenv("TF_CONFIG", text)
    assert joined_team() == Team(0, 1, None)


@pytest.mark.parametrize(
    ("cluster", "kind", "index", "number", "count"),
    [
        ({"worker": _TWO_HOSTS}, "worker", 2, 2, 4),
        ({"chief": ["a:1"], "worker": ["b:1"]}, "chief", 0, 0, 2),
        ({"chief": ["a:1"], "worker": ["b:1"]}, "worker", 0, 1, 2),
    ],
)
def test_workers_have_numbers(
    monkeypatch: pytest.MonkeyPatch, cluster: Any, kind: str, index: int, number: int, count: int
) -> None:
    _fake(monkeypatch, 0)
    _names(monkeypatch, cluster, kind, index)
    assert joined_team() == Team(number, count, "connected")
    assert joined_team().is_chief is (number == 0)


@pytest.mark.parametrize(
    "text",
    [
        "hosts",
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "worker", "index": 0}}',
        '["a:1"]',
    ],
)
def test_what_names_nobody_is_told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UsageError, match="TF_CONFIG must name all workers and this one"):
        joined_team()


def test_each_worker_takes_one_gpu_of_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    visible = _fake(monkeypatch, 2)
    _names(monkeypatch, {"worker": _TWO_HOSTS}, "worker", 2)
    joined_team()
    assert visible == [("GPU:1", "GPU")]
    joined_team.cache_clear()
    _fake(monkeypatch, 1)
    with pytest.raises(DeviceUnavailable, match="2 workers are to share 1 GPU of a"):
        joined_team()


def test_each_worker_needs_a_clip_of_each_batch() -> None:
    assert choose_hardware("float32", "auto", batch_sizes=[4, 3]).team.count == 1
    four = Team(1, 4, "connected")
    with pytest.raises(UsageError, match="the smallest batch has 3 clips, too few for 4 workers"):
        choose_hardware("float32", "auto", batch_sizes=[4, 3], team=four)
    found = choose_hardware("float32", "auto", batch_sizes=[4], team=four)
    assert found.strategy is None
    assert found.describe(4) == (
        "training by 4 workers (CPU), which share each batch of 4 clips, in float32"
    )
