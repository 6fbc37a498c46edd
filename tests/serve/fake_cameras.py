"""Cameras that are not there, some with their troubles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rtaction.serve.house.views import CameraState, CameraView

LABELS = ("clap", "fall", "wave", "walk")
NAMES = ("Front door", "Driveway", "Garden", "Hall", "Kitchen", "Workshop", "Gate", "Roof")
_STATES: tuple[tuple[CameraState, str], ...] = (
    ("ok", ""),
    ("ok", ""),
    ("ok", ""),
    ("warming_up", ""),
    ("ok", ""),
    ("degraded", "4.1 frames a second come; the model needs 8"),
    ("down", "nothing answers at 192.168.1.26, port 554; next try in 8 s"),
    ("resting", "by its schedule, until 07:00"),
)


def fake_view(number: int) -> CameraView:
    """The camera at a place of the file, 0 to 7."""
    state, reason = _STATES[number]
    is_on = state in ("ok", "degraded", "warming_up")
    return CameraView(
        id=NAMES[number].lower().replace(" ", "-"),
        name=NAMES[number],
        is_enabled=True,
        state=state,
        reason=reason,
        since=datetime.now(UTC) - timedelta(minutes=7 * number + 1),
        picture_age_seconds=0.05 if is_on else 95.0,
        frames_per_second=12.0 if is_on else 0.0,
        labels_per_second=4.1 if state == "ok" else 0.0,
        zones={"path": ((0.2, 0.5), (0.8, 0.5), (0.8, 1.0), (0.2, 1.0))},
        model="people.onnx",
        labels=LABELS,
        thresholds=dict.fromkeys(LABELS, 0.6),
        drops={"late": number},
        num_frames=120_000,
        num_labels=41_000,
        num_events=17,
        num_reconnects=number // 3,
    )
