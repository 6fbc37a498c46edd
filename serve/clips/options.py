"""What is kept of events, besides their records."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from rtaction.errors import UsageError

Encoder = Literal["auto", "software"]
H265 = Literal["keep", "convert"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipOptions:
    """What is kept of events.

    Args:
        clips: keep a video of each event. Default True.
        snapshots: keep a picture of each event. Default True.
        pre_roll_seconds: time to keep before an event. Default 3.0.
        post_roll_seconds: time to keep after it. Default 2.0.
        max_seconds: maximum length of a clip, above 0. Default 60.0.
        frames_per_second: of a clip that is encoded here, above 0: frames beyond it are passed
            over. What a camera has encoded is kept as it is. Default 10.0.
        h265: "keep" what a camera sends as H.265, which only some browsers play; or "convert" it to
            H.264, which takes the processor's time, for events only. Default "keep".
        encoder: "auto", by the graphics processor where it can; or "software". Default "auto".

    Raises:
        UsageError: a value is out of range.
    """

    clips: bool = True
    snapshots: bool = True
    pre_roll_seconds: float = 3.0
    post_roll_seconds: float = 2.0
    max_seconds: float = 60.0
    frames_per_second: float = 10.0
    h265: H265 = "keep"
    encoder: Encoder = "auto"

    def __post_init__(self) -> None:
        for key in ("pre_roll_seconds", "post_roll_seconds"):
            if not 0 <= getattr(self, key) < math.inf:
                raise UsageError(f"{key}: expected 0 or more seconds, got {getattr(self, key)}")
        for key in ("max_seconds", "frames_per_second"):
            if not 0 < getattr(self, key) < math.inf:
                raise UsageError(f"{key}: expected a number above 0, got {getattr(self, key)}")
        for key, allowed in (("encoder", get_args(Encoder)), ("h265", get_args(H265))):
            if getattr(self, key) not in allowed:
                expected = " or ".join(f'"{one}"' for one in allowed)
                raise UsageError(f"{key}: expected {expected}, got {getattr(self, key)!r}")

    @classmethod
    def from_table(cls, table: dict[str, Any], where: str) -> ClipOptions:
        """The options of a table [clips], whose keys are those of this class.

        Args:
            table: as it is in the file.
            where: names the file and the table, for errors.

        Raises:
            UsageError: a key is unknown, or its value is not what is expected.
        """
        known = {field.name: type(field.default) for field in fields(cls)}
        expected = {bool: "true or false", float: "a number", str: "a text in quotes"}
        given: dict[str, Any] = {}
        for key, value in table.items():
            if key not in known:
                raise UsageError(
                    f"{where}: unknown key {key!r}; expected one of {', '.join(known)}"
                )
            kind = known[key]
            if type(value) is not kind and not (kind is float and type(value) is int):
                raise UsageError(f"{where}: {key}: expected {expected[kind]}")
            given[key] = kind(value)
        try:
            return cls(**given)
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from None
