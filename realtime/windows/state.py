"""Whether a label may be given for a source, and if not, why."""

from __future__ import annotations

from typing import Literal

State = Literal[
    "connecting",
    "warming_up",
    "ok",
    "degraded",
    "black",
    "frozen",
    "late",
    "down",
    "refused",
    "ended",
]
"""Only in "ok" is there a label.

connecting   not reached yet
warming_up   the first window is not full yet
ok           labels are given
degraded     the frames of a window would misrepresent time: too few, or a hole between them
black        the picture is black
frozen       the picture has not changed by a single pixel for half a window
late         the newest picture is too old to speak of the present
down         the camera gives no pictures; it is tried again and again
refused      it will not give any: wrong password, no such stream; it is tried again, rarely
ended        the source has come to its end
"""

STATE_TEXT: dict[State, str] = {
    "connecting": "connecting…",
    "warming_up": "warming up…",
    "ok": "",
    "degraded": "too few frames",
    "black": "black picture",
    "frozen": "frozen picture",
    "late": "pictures come late",
    "down": "no picture",
    "refused": "refused",
    "ended": "ended",
}
