"""The machines of a cluster: how many workers each has, and which are to go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def places_of(num_cores: int, num_gpus: int, cores_per_worker: int) -> list[tuple[int, int]]:
    """Cores and GPUs of each worker of a node: one for each GPU or, without, for some cores.

    Cores that are left over are shared out; a node with none has no worker.
    """
    number = min(num_gpus, num_cores) or max(num_cores // cores_per_worker, min(num_cores, 1))
    return [
        (num_cores // number + (place < num_cores % number), min(num_gpus, 1))
        for place in range(number)
    ]


def draining_nodes(ray: Any) -> Sequence[str] | Mapping[str, int]:
    """The nodes that are to go, as `ray drain-node` and the autoscaler say; by a client of Ray
    (ray://), this is not known."""
    if ray.util.client.ray.is_connected():
        return ()
    # There is no public call for it.
    found: Mapping[str, int] = ray._private.state.state.get_draining_nodes()
    return found
