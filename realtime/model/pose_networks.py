"""The bundled pose networks, loaded."""

from __future__ import annotations

from rtaction.models import PEOPLE_MODEL, POSE_MODEL
from rtaction.pose.network import CloseNetwork, FindNetwork
from rtaction.pose.video_poses import PoseNetworks, networks_of
from rtaction.realtime.model.session import open_session


def open_pose_networks() -> PoseNetworks:
    """The bundled networks, on the CPU with one thread each.

    They may be called from several threads at once, which is faster than several threads in one
    call, and give the same joints on every machine as far as its processor allows.
    """
    contents = [path.read_bytes() for path in (POSE_MODEL, PEOPLE_MODEL)]
    close, find = (open_session(content, "cpu", num_threads=1) for content in contents)
    return networks_of(CloseNetwork(close), FindNetwork(find), *contents)
