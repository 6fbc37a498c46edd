"""A whole video as a single window, for models trained on clips that are spread over whole videos.

As `rtaction.realtime.windows.tracker.Tracker`, for files only: nothing is known before the end.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.frame import FrameDamaged, FrameLike, LentFrame
from rtaction.model_spec import ModelSpec
from rtaction.realtime.windows.state import State
from rtaction.realtime.windows.tracker import FrameWindow, NetworkFrame
from rtaction.sampling import spread_selection
from rtaction.video.motion import clip_pictures
from rtaction.video.pixels import prepare_image

_MOST_BYTES = 64_000_000
_LEAST_KEPT_PER_FRAME = 32  # a frame is then off by at most 3 % of the time between two


class WholeTracker:
    """Tracks one video file, and gives one window over all of it when it has ended.

    The frames are those of training, `rtaction.sampling.spread_selection`. Of a long video, every
    second frame is forgotten whenever those kept, at the network's size, take 64 MB.

    Args:
        spec: the contract of a model with `sampling` "spread".
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
        self._times_seconds: list[float] = []
        self._images: list[UInt8Array] = []
        self._step_seconds = 0.0
        self._last: FrameLike | None = None
        image_bytes = int(np.prod(spec.base_shape))
        least = _LEAST_KEPT_PER_FRAME * spec.frames_per_window
        self._most_kept = max(_MOST_BYTES // image_bytes, least)

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
        spec = self._spec
        size_hw = (spec.height, spec.width)
        self._keep(
            frame.captured_at_seconds,
            prepare_image(image, size_hw, base=spec.base, resize=spec.resize),
        )
        if self._keep_frames:
            self._last = frame
        return False

    def clear(self) -> None:
        """Forget all frames."""
        self._times_seconds.clear()
        self._images.clear()
        self._step_seconds = 0.0

    def due(self, *, has_ended: bool = False) -> list[FrameWindow]:
        """The window, once the video has ended.

        Args:
            has_ended: whether it has. Default False.
        """
        if not has_ended or not self._images:
            return []
        spec, times = self._spec, self._times_seconds
        selection = spread_selection(times, frames_per_clip=spec.frames_per_window)
        if selection.problem is not None or len(times) < spec.frames_per_window:
            self._state = "degraded"
            self.drops["degraded"] += 1
            return []
        self._state = "ok"
        images = np.stack([self._images[index] for index in selection.indices])
        pictures = clip_pictures(images, spec.modality)
        return [
            FrameWindow(
                times[-1],
                tuple(NetworkFrame(one) for one in pictures),
                tuple(times[index] for index in selection.indices),
                "ok",
                None if self._last is None else LentFrame(self._last),
            )
        ]

    def _keep(self, at_seconds: float, image: UInt8Array) -> None:
        times, images = self._times_seconds, self._images
        if len(times) > 1 and at_seconds - times[-2] < self._step_seconds:
            # The last frame is always kept, and takes the place of one that is too near.
            times[-1], images[-1] = at_seconds, image
            return
        times.append(at_seconds)
        images.append(image)
        if len(times) > self._most_kept:
            del times[1:-1:2], images[1:-1:2]
            self._step_seconds = (times[-1] - times[0]) / (len(times) - 1)
