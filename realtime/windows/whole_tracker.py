"""A whole video as a single window, for models trained on clips that are spread over whole videos.

As `rtaction.realtime.windows.tracker.Tracker`, for files only: nothing is known before the end.
"""

from __future__ import annotations

import math
from collections import Counter

from rtaction.frame import FrameDamaged, FrameLike, LentFrame
from rtaction.model_spec import ModelSpec
from rtaction.realtime.windows.kept_frames import KeptBursts, KeptFrames
from rtaction.realtime.windows.state import State
from rtaction.realtime.windows.tracker import FrameWindow, NetworkFrame
from rtaction.sampling import select_frames
from rtaction.video.closeup import DETAIL_HEIGHT
from rtaction.video.prepared import prepare_frame, prepared_pictures

_MOST_BYTES = 64_000_000
_DETAIL_BYTES = DETAIL_HEIGHT**2 * 16 // 9
_LEAST_KEPT_PER_FRAME = 32  # a frame is then off by at most 3 % of the time between two


class WholeTracker:
    """Tracks one video file, and gives one window over all of it when it has ended.

    The frames are those of training, `rtaction.whole_video.whole_targets`. Of a long video, every
    second frame, or burst of frames where the model needs stacks of them, is forgotten whenever
    those kept, at the network's size, take 64 MB.

    Args:
        spec: the contract of a model that `shows_whole_videos`.
        keep_frames: give the window its last frame. Default False.

    Attributes:
        drops: number of "damaged" frames, and 1 for "degraded" if no window was possible.
        source: name of the source.
    """

    def __init__(self, spec: ModelSpec, *, keep_frames: bool = False) -> None:
        self.drops: Counter[str] = Counter()
        self.source = ""
        self._spec = spec
        self._keep_frames = keep_frames
        self._state: State = "warming_up"
        self._last: FrameLike | None = None
        self._kept = self._keeper()

    @property
    def state(self) -> State:
        """Whether the video could be judged."""
        return self._state

    def push(self, frame: FrameLike) -> bool:
        """Take the next frame; nothing is due before the end."""
        self.source = frame.source
        try:
            image = frame.image
        except FrameDamaged:
            self.drops["damaged"] += 1
            return False
        self._kept.add(frame.captured_at_seconds, prepare_frame(image, self._spec))
        if self._keep_frames:
            self._last = frame
        return False

    def clear(self) -> None:
        """Forget all frames."""
        self._kept = self._keeper()

    def due(self, *, has_ended: bool = False) -> list[FrameWindow]:
        """The window, once the video has ended.

        Args:
            has_ended: whether it has. Default False.
        """
        spec, times = self._spec, self._kept.times_seconds
        if not has_ended or not times:
            return []
        targets = self._kept.targets(spec.frames_per_window, spec.sampling)
        selection = select_frames(times, targets)
        if selection.problem is not None or len(times) < spec.least_frames:
            self._state = "degraded"
            self.drops["degraded"] += 1
            return []
        self._state = "ok"
        frames = [self._kept.frames[index] for index in selection.indices]
        pictures = prepared_pictures(frames, spec)
        return [
            FrameWindow(
                times[-1],
                tuple(NetworkFrame(one) for one in pictures),
                tuple(times[index] for index in selection.indices),
                "ok",
                None if self._last is None else LentFrame(self._last),
            )
        ]

    def _keeper(self) -> KeptFrames:
        spec = self._spec
        least = _LEAST_KEPT_PER_FRAME * spec.frames_per_window
        frame_bytes = math.prod(spec.base_shape) + spec.shows_closeup * _DETAIL_BYTES
        most = max(_MOST_BYTES // frame_bytes, least)
        return KeptFrames(most) if spec.stack is None else KeptBursts(most, spec.stack)
