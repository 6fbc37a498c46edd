"""The settings of a camera.

This module opens no camera.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from rtaction.pose.region import Region, Zone
from rtaction.realtime.cameras.address import Address, parse_addresses
from rtaction.realtime.cameras.schedule import ALWAYS, Schedule
from rtaction.realtime.cameras.view import View

Transport = Literal["auto", "tcp", "udp"]

OPEN_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Camera:
    """The settings of one source.

    Args:
        address: where its frames come from.
        name: its unique name.
        view: crop and orientation of its frames. Default: unchanged.
        transport: the transport of RTSP. "tcp" loses no frames; "udp" is for cameras that offer
            nothing else; "auto" tries both in this order. Default "auto".
        open_timeout_seconds: how long connecting may take, above 0. Default 5.0.
        read_timeout_seconds: how long it may send nothing, above 0. Default 3.0.
        follow: follow redirects and playlists of HTTP, which may lead to other servers. Default
            True.
        region: of its frames, after `view`: people who stand there count, for a model of people.
            Default None: what is said for all cameras, or else the whole picture.
        zones: likewise: where they stand while they do what makes an event. Default none: anywhere.
        labels: of its events. Default None: all of its model.
        actions: a table [actions] of its own, as it is in its file, unchecked. Default empty.
        model: the file of its model. Default None: that of all cameras.
        schedule: when it is watched. Default: always.
        record: where the pictures of its clips come from, if not from `address`. Default None.
        is_enabled: whether it is watched at all. Default True.

    Raises:
        ValueError: another transport, or a timeout that is not above 0.
    """

    address: Address
    name: str
    view: View = field(default_factory=View)
    transport: Transport = "auto"
    open_timeout_seconds: float = OPEN_TIMEOUT_SECONDS
    read_timeout_seconds: float = READ_TIMEOUT_SECONDS
    follow: bool = True
    region: Region | None = None
    zones: tuple[Zone, ...] = ()
    labels: tuple[str, ...] | None = None
    actions: Mapping[str, Any] = field(default_factory=dict, hash=False)
    model: Path | None = None
    schedule: Schedule = ALWAYS
    record: Address | None = None
    is_enabled: bool = True

    def __post_init__(self) -> None:
        if self.transport not in get_args(Transport):
            raise ValueError(f'transport must be "auto", "tcp" or "udp", got {self.transport!r}')
        for key in ("open_timeout_seconds", "read_timeout_seconds"):
            if not 0 < getattr(self, key) < math.inf:
                raise ValueError(
                    f"{key} must be a number of seconds above 0, got {getattr(self, key)}"
                )

    @property
    def recorded(self) -> Camera:
        """The camera that its clips are recorded from: itself, or its stream for that, with the
        same view and its masks."""
        if self.record is None:
            return self
        return replace(self, address=self.record, record=None)


def cameras_of(texts: Sequence[str] | Mapping[str, str]) -> list[Camera]:
    """The cameras for the sources of a command line.

    Args:
        texts: see `parse_addresses`; with names as keys, each by its name. Default names are those
            of the addresses.

    Returns:
        In the order given. Of equal names, all but the first are numbered: "webcam 0 (2)".

    Raises:
        UsageError, SourceMissing: as by `parse_addresses`.
    """
    names: set[str] = set()
    named = texts.items() if isinstance(texts, Mapping) else [(None, text) for text in texts]
    return [
        Camera(address, unused_name(name or address.name, names))
        for name, text in named
        for address in parse_addresses(text)
    ]


def unused_name(name: str, names: set[str]) -> str:
    """Reserve a name: itself or, if taken, the first free one of "name (2)", "name (3)", ..."""
    numbered = (name if number == 1 else f"{name} ({number})" for number in itertools.count(1))
    chosen = next(candidate for candidate in numbered if candidate not in names)
    names.add(chosen)
    return chosen
