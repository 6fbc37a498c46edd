"""What each process does: load the model once, then judge one video after the other."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path, PurePath

from rtaction.errors import SourceError
from rtaction.realtime.judging.watched import judge_video
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.predicting.answer import Answer, answer_of
from rtaction.realtime.predicting.options import PredictOptions
from rtaction.realtime.predicting.short import judge_short
from rtaction.realtime.watching.options import WatchOptions

_DIED = "the process that read it ended; is there too little memory, or is the video damaged?"

_model: ActionModel
_options: PredictOptions


def prepare(model_path: Path, device: str, options: PredictOptions) -> None:
    """Make a process ready: it has a model of its own, and ends with its parent."""
    global _model, _options
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    num_threads = None if options.num_processes == 1 else 1
    _model, _options = ActionModel(model_path, device=device, num_threads=num_threads), options


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def judge_next(path: Path) -> Answer:
    """The answer for a video, in a process that is prepared."""
    return judge(_model, path, _options)


def judge(model: ActionModel, path: Path, options: PredictOptions) -> Answer:
    """The answer for one video, or why there is none.

    Raises:
        DeviceUnavailable, ScoresInvalid: see `rtaction.errors`.
    """
    judged, is_short = judge_video(model, path, watch_options(options)), False
    if judged.is_short:
        try:
            judged, is_short = judge_short(model, path), True
        except SourceError as error:
            judged = replace(judged, problem=str(error))
    return answer_of(
        judged,
        model.spec,
        stride_seconds=options.stride_seconds,
        is_short=is_short,
    )


def watch_options(options: PredictOptions) -> WatchOptions:
    """How videos are watched that are to be named."""
    return WatchOptions(
        stride_seconds=options.stride_seconds, tell_slow=False, windows=options.windows
    )


def lost(path: PurePath) -> Answer:
    """The answer for a video whose process has died."""
    return Answer(path, (), (), 0.0, problem=_DIED)
