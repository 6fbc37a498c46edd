"""The bundled pose networks, loaded."""

from __future__ import annotations

import hashlib

from rtaction.models import PEOPLE_MODEL, POSE_MODEL
from rtaction.pose.network import CloseNetwork, FindNetwork
from rtaction.pose.people import PoseNetworks
from rtaction.realtime.model.session import open_session


def open_pose_networks(device: str = "cpu") -> PoseNetworks:
    """The bundled networks, with one thread each.

    On the CPU they may be called from several threads at once, which is faster than several threads
    in one call, and give the same joints on every machine as far as its processor allows.

    Args:
        device: see `ActionModel`. Default "cpu".

    Raises:
        DeviceUnavailable: see `rtaction.realtime.model.session.open_session`.
    """
    contents = [path.read_bytes() for path in (POSE_MODEL, PEOPLE_MODEL)]
    close, find = (
        open_session(content, device, num_threads=1, strict=False) for content in contents
    )
    identity = hashlib.sha256(b"".join(hashlib.sha256(one).digest() for one in contents))
    return PoseNetworks(CloseNetwork(close), FindNetwork(find), identity.hexdigest()[:16])
