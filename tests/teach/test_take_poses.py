"""Joints of a take are read once, whatever else is taught, and again if more of it is wanted."""

from __future__ import annotations

from pathlib import Path

from rtaction.pose.people import PoseNetworks
from rtaction.teach.take_poses import PoseStore
from tests.made_people import MadePeople, write_people


def _looks(folder: Path, take: Path, most_moments: int) -> tuple[int, int]:
    """Pictures that were looked at, and moments that were given."""
    people = MadePeople()
    store = PoseStore(folder, PoseNetworks(people, people, "made"))
    poses = store.of(take, 0.125, most_moments=most_moments)
    assert poses.is_seen.all()
    return people.num_searches, poses.num_moments


def test_joints_are_kept(tmp_path: Path) -> None:
    take = write_people(tmp_path / "a.mp4", [100.0] * 24)
    looks, whole = _looks(tmp_path / "kept", take, 100)
    assert looks >= whole - 1
    assert whole in (24, 25)
    # Fewer or more are wanted as takes are added or deleted; the whole of this one is known.
    assert _looks(tmp_path / "kept", take, 60) == (0, whole)
    assert _looks(tmp_path / "kept", take, 300) == (0, whole)


def test_more_of_a_long_take_is_read_when_it_is_wanted(tmp_path: Path) -> None:
    take = write_people(tmp_path / "a.mp4", [100.0] * 48)
    looks, some = _looks(tmp_path / "kept", take, 16)
    assert looks > 0
    assert some < 20
    looks, more = _looks(tmp_path / "kept", take, 32)
    assert looks > 0
    assert more > 30
    assert _looks(tmp_path / "kept", take, 16) == (0, more)


def test_a_damaged_file_is_read_anew(tmp_path: Path) -> None:
    take = write_people(tmp_path / "a.mp4", [100.0] * 16)
    _looks(tmp_path / "kept", take, 100)
    (kept,) = (tmp_path / "kept").glob("*.poses.npz")
    kept.write_bytes(b"damaged")
    assert _looks(tmp_path / "kept", take, 100)[0] > 0
