"""The bundled pose networks are loaded once for all that follow people."""

from __future__ import annotations

import pytest

from rtaction.models import PEOPLE_MODEL
from rtaction.realtime.model import pose_networks
from rtaction.realtime.model.pose_networks import open_pose_networks


def test_networks_are_known_by_their_files(monkeypatch: pytest.MonkeyPatch) -> None:
    one, same = (open_pose_networks().identity for _ in range(2))
    monkeypatch.setattr(pose_networks, "POSE_MODEL", PEOPLE_MODEL)
    assert one == same != open_pose_networks().identity
    assert len(one) == 16
