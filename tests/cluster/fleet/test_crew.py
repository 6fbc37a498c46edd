"""The workers, by a Ray that only takes notes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from rtaction.cluster.fleet.crew import Crew
from rtaction.cluster.fleet.dispatcher import BEAT_SECONDS, DEADLINE_SECONDS, Order
from rtaction.realtime.watching.back_off import BackOff

pytest.importorskip("ray", reason="no Ray")


class FakeRay:
    """One node with one worker, whose calls are never answered but as the test says."""

    def __init__(self) -> None:
        self.num_hired = 0
        self.answers: dict[str, Any] = {}
        self.num_orders = 0
        self.util = SimpleNamespace(
            client=SimpleNamespace(ray=SimpleNamespace(is_connected=lambda: True))
        )

    def nodes(self) -> list[dict[str, Any]]:
        address = {"NodeID": "a" * 56, "Alive": True, "NodeManagerAddress": "10.0.0.1"}
        return [address | {"Resources": {"CPU": 4}}]

    def remote(self, kind: type) -> Any:
        del kind
        return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=self._hired))

    def _hired(self, *_: Any, **__: Any) -> Any:
        self.num_hired += 1
        name = f"prepare {self.num_hired}"
        self.answers[name] = (b"\0" * 32, "CPU")

        def follow(*_: Any) -> str:
            self.num_orders += 1
            return f"follow {self.num_orders}"

        return SimpleNamespace(
            prepare=SimpleNamespace(remote=lambda _: name), follow=SimpleNamespace(remote=follow)
        )

    def wait(self, references: list[str], **_: Any) -> tuple[list[str], list[str]]:
        return [one for one in references if one in self.answers], []

    def get(self, reference: str) -> Any:
        return self.answers.pop(reference)

    def kill(self, actor: Any) -> None:
        del actor


class Boss:
    def __init__(self) -> None:
        self.workers: list[str] = []

    def joined(self, worker: str, *_: Any) -> None:
        self.workers.append(worker)


@pytest.fixture
def ray() -> FakeRay:
    return FakeRay()


def _crew(ray: FakeRay, boss: Boss) -> Crew:
    options: Any = {"cores_per_worker": 4, "device": "cpu", "open_with": None, "lease_seconds": 4.0}
    return Crew(ray, boss, {}, **options)  # type: ignore[arg-type]


def test_a_worker_that_is_given_up_again_and_again_is_not_hired_at_once(
    ray: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BackOff, "wait_seconds", lambda _, number: 2.0 * number)
    boss = Boss()
    crew = _crew(ray, boss)
    hired_at = []
    for step in range(40):
        now_seconds = 0.5 * step
        before = ray.num_hired
        crew.look(now_seconds)
        crew.poll(0.0)
        if ray.num_hired > before:
            hired_at.append(now_seconds)
            crew.dismiss(boss.workers[-1])  # as the dispatcher does: it has answered too late
    assert hired_at == [0.0, 2.0, 6.0, 12.0]


def test_a_worker_may_owe_as_many_answers_as_fit_into_the_deadline(ray: FakeRay) -> None:
    boss = Boss()
    crew = _crew(ray, boss)
    crew.look(0.0)
    crew.poll(0.0)
    for number in range(20):
        crew.order(boss.workers[0], Order(number, {}))
    assert ray.num_orders * BEAT_SECONDS == DEADLINE_SECONDS
