"""Is what onnxruntime says it runs on what it runs on?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.gpu.results import Result, Row, Skipped
from benchmarks.gpu.sessions import Parts, run_profiled
from rtaction.errors import RtactionError
from rtaction.onnx_format.errors import LOADING_ERRORS
from rtaction.realtime.model.devices import name_of, providers_for
from rtaction.realtime.model.session import open_session, provider_in_use, words_of

PART = "placement"


def measure_placement(models: list[Parts], devices: Sequence[str]) -> Iterator[Result]:
    """For encoder and head, the operations that ran where the session says that it runs."""
    for device in devices:
        for model in models:
            clips = model.clips(1)
            features = _features(model, clips[0])
            for part, content, values in (
                ("encoder", model.encoder, clips[0]),
                ("head", model.head, features[np.newaxis]),
            ):
                what = f"{model.name} on {device}, {part}: where it says"
                try:
                    yield _measured(what, content, device, values)
                except (RuntimeError, ValueError, RtactionError, *LOADING_ERRORS) as error:
                    yield Skipped(PART, what, words_of(error))


def _measured(what: str, content: bytes, device: str, values: npt.NDArray[Any]) -> Row:
    said = provider_in_use(open_session(content, device, num_threads=1))
    counts, micros = run_profiled(content, providers_for(device), values)
    others = ", ".join(
        f"{number} on {name_of(one)} ({micros[one] / micros.total():.0%} of time)"
        for one, number in counts.items()
        if one != said
    )
    note = f"says {name_of(said)}; of {counts.total()} operations, {others or 'all there'}"
    return Row(PART, what, 100 * counts[said] / counts.total(), "%", note=note)


def _features(model: Parts, frames: Any) -> Any:
    session = open_session(model.encoder, "cpu", num_threads=0)
    (features,) = session.run(None, {session.get_inputs()[0].name: frames})
    return features
