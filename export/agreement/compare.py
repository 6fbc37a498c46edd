"""Compare accuracy, size and speed of a model and its smaller version on labelled clips."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime

from rtaction.export.agreement.agreement import Agreement, agreement_of
from rtaction.export.agreement.onnx_run import scores_in_batches, scores_of_onnx
from rtaction.onnx_format.file import OnnxFile

_BATCH = 8
_ROUNDS = 30

ClipsOf = Callable[[npt.NDArray[np.intp]], npt.NDArray[np.uint8]]
"""Maps clip positions to uint8 clips, shape (len(positions), F, H, W, C)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A model compared with its smaller version.

    Args:
        agreement: of both on labelled clips.
        sizes: file sizes in bytes, before and after.
        encoder_ms: for each number of threads, the encoder's median milliseconds per frame, before
            and after.
    """

    agreement: Agreement
    sizes: tuple[int, int]
    encoder_ms: dict[int, tuple[float, float]]

    def to_text(self, name: str) -> str:
        """A table for the user.

        Args:
            name: of the smaller version, such as "int8".
        """
        before, after = self.sizes
        agreement = self.agreement
        old, new = agreement.accuracies or (np.nan, np.nan)
        lines = [
            f"{'':<22}{'float':>10}{name:>10}",
            f"{'accuracy':<22}{old:>10.1%}{new:>10.1%}   {agreement.num_clips} clips, one is "
            f"{100 / agreement.num_clips:.2g} points",
            f"{'same label':<22}{'':>10}{agreement.top_1_agreement:>10.1%}",
            f"{'file, MB':<22}{before / 1e6:>10.2f}{after / 1e6:>10.2f}   {before / after:.1f} "
            "times smaller",
        ]
        for threads, (old_ms, new_ms) in self.encoder_ms.items():
            label = f"ms/frame, {threads} thread{'s' * (threads > 1)}"
            lines.append(f"{label:<22}{old_ms:>10.2f}{new_ms:>10.2f}   {old_ms / new_ms:.2f}x")
        return "\n".join(lines)


def compare(
    before: bytes,
    after: bytes,
    clips_of: ClipsOf,
    truths: npt.NDArray[np.intp],
    *,
    threads: Sequence[int] = (1, 2),
) -> Comparison:
    """Run both models on the CPU and compare them.

    Args:
        before: an ONNX file with contract and boundary.
        after: its smaller version.
        clips_of: returns the clips at given positions.
        truths: intp, shape (num_clips,), positions of the true labels in the contract.
        threads: thread counts for timing the encoders. Default 1 and 2.
    """
    models = [scores_of_onnx(OnnxFile(content)) for content in (before, after)]
    positions = np.arange(len(truths))
    batches = (clips_of(positions[start : start + _BATCH]) for start in positions[::_BATCH])
    agreement = agreement_of(*scores_in_batches(models, batches), truths=truths)
    frame = clips_of(np.arange(1))[0, :1]  # (1, H, W, C)
    encoder_ms = {}
    for number in threads:
        old_ms, new_ms = time_encoders([before, after], frame, number)
        encoder_ms[number] = old_ms, new_ms
    return Comparison(agreement, (len(before), len(after)), encoder_ms)


def time_encoders(
    contents: Sequence[bytes], frame: npt.NDArray[np.uint8], num_threads: int
) -> tuple[float, ...]:
    """Median milliseconds per frame of each encoder, interleaved so that all see the same load.

    Args:
        contents: ONNX files with boundaries.
        frame: uint8, shape (1, height, width, channels).
        num_threads: intra-op threads.
    """
    sessions = [_encoder(content, num_threads) for content in contents]
    times_ms: list[list[float]] = [[] for _ in contents]
    for round_number in range(-2, _ROUNDS):
        for session, taken_ms in zip(sessions, times_ms, strict=True):
            name = session.get_inputs()[0].name
            started = time.perf_counter()
            session.run(None, {name: frame})
            if round_number >= 0:
                taken_ms.append((time.perf_counter() - started) * 1000)
    return tuple(float(np.median(taken_ms)) for taken_ms in times_ms)


def _encoder(content: bytes, num_threads: int) -> onnxruntime.InferenceSession:
    file = OnnxFile(content)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.log_severity_level = 4
    # Same setting as `rtaction cam`.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        file.cut([file.boundary.frames], [file.boundary.frame_features]),
        options,
        providers=["CPUExecutionProvider"],
    )
