"""Whether labels can be given for a source, and if not, why."""

from __future__ import annotations

from typing import Literal

State = Literal[
    "connecting",
    "warming_up",
    "ok",
    "degraded",
    "overloaded",
    "black",
    "frozen",
    "late",
    "down",
    "refused",
    "ended",
]
"""There are labels only in "ok".

connecting   not connected yet
warming_up   the first window is not full yet
ok           labels are given
degraded     the frames of a window would misrepresent time: too few, or a gap between them
overloaded   this machine cannot decode all cameras at once, and decodes others for the moment
black        the frames are black
frozen       no pixel has changed for half a window
late         the newest frame is too old for current labels
down         the camera gives no frames; reconnecting
refused      the connection is refused: wrong password, no such stream; retried, but rarely
ended        the source has ended
"""

STATE_TEXT: dict[State, str] = {
    "connecting": "connecting…",
    "warming_up": "warming up…",
    "ok": "",
    "degraded": "too few frames",
    "overloaded": "waits for its turn: too little processor time",
    "black": "black frames",
    "frozen": "frozen frames",
    "late": "late frames",
    "down": "no frames",
    "refused": "refused",
    "ended": "ended",
}
