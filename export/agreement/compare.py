"""Two ONNX files of one model, on the same labelled clips: what the smaller one costs and saves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime

from rtaction.errors import ParityError
from rtaction.export.agreement.onnx_run import runner
from rtaction.onnx_format.file import OnnxFile

_BATCH = 8
_ROUNDS = 30

ClipsOf = Callable[[npt.NDArray[np.intp]], npt.NDArray[np.uint8]]
"""From positions of clips to uint8 clips, shape (len(positions), F, H, W, C)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A model and its smaller self.

    Args:
        num_clips: labelled clips that both judged.
        accuracies: share given the right label, before and after.
        top_1_agreement: share given the same label by both.
        sizes: bytes of the files, before and after.
        encoder_ms: for each number of threads, median milliseconds of one picture in the encoder,
            before and after.
    """

    num_clips: int
    accuracies: tuple[float, float]
    top_1_agreement: float
    sizes: tuple[int, int]
    encoder_ms: dict[int, tuple[float, float]]

    @property
    def lost_points(self) -> float:
        """Accuracy lost, in percentage points; below 0 where it was won."""
        return 100 * (self.accuracies[0] - self.accuracies[1])

    def to_text(self, name: str) -> str:
        """Some lines for people.

        Args:
            name: what the smaller one is called, such as "int8".
        """
        before, after = self.sizes
        old, new = self.accuracies
        lines = [
            f"{'':<22}{'float':>10}{name:>10}",
            f"{'accuracy':<22}{old:>10.1%}{new:>10.1%}   {self.num_clips} clips, one is "
            f"{100 / self.num_clips:.2g} points",
            f"{'same label':<22}{'':>10}{self.top_1_agreement:>10.1%}",
            f"{'file, MB':<22}{before / 1e6:>10.2f}{after / 1e6:>10.2f}   {before / after:.1f} "
            "times smaller",
        ]
        for threads, (old_ms, new_ms) in self.encoder_ms.items():
            label = f"ms a picture, {threads} thread{'s' * (threads > 1)}"
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
    """Run both on the CPU.

    Args:
        before: an ONNX file with contract and boundary.
        after: its smaller self.
        clips_of: gives the clips that are asked for.
        truths: intp, shape (num_clips,), positions of the true labels in the contract.
        threads: numbers of threads to time the encoders with. Default 1 and 2.
    """
    runs = [runner(content) for content in (before, after)]
    called: list[list[npt.NDArray[np.intp]]] = [[], []]
    for start in range(0, len(truths), _BATCH):
        clips = clips_of(np.arange(start, min(start + _BATCH, len(truths))))
        for run, found in zip(runs, called, strict=True):
            found.append(run(clips)[0].argmax(axis=1))
    old, new = (np.concatenate(found) for found in called)  # (num_clips,)
    frame = clips_of(np.arange(1))[0, :1]  # (1, H, W, C)
    encoder_ms = {}
    for number in threads:
        old_ms, new_ms = time_encoders([before, after], frame, number)
        encoder_ms[number] = old_ms, new_ms
    return Comparison(
        num_clips=len(truths),
        accuracies=(float((old == truths).mean()), float((new == truths).mean())),
        top_1_agreement=float((old == new).mean()),
        sizes=(len(before), len(after)),
        encoder_ms=encoder_ms,
    )


def time_encoders(
    contents: Sequence[bytes], frame: npt.NDArray[np.uint8], num_threads: int
) -> tuple[float, ...]:
    """Median milliseconds of one picture in each encoder, in turns, so that all meet the same load.

    Args:
        contents: ONNX files with boundaries.
        frame: uint8, shape (1, height, width, channels).
        num_threads: of one operation.
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


def require_accuracy(found: Comparison, *, max_lost_points: float, name: str) -> None:
    """Refuse a smaller model that is too bad.

    Args:
        found: what was measured.
        max_lost_points: percentage points of accuracy that it may lose.
        name: what the smaller one is called.

    Raises:
        ParityError: it loses more.
    """
    # "not <=" also refuses nan; a share of clips is not exact in binary.
    if not found.lost_points <= max_lost_points + 1e-9:
        raise ParityError(
            f"{name} loses {found.lost_points:.2f} points of accuracy on {found.num_clips} clips, "
            f"{max_lost_points:g} allowed; nothing was written. Calibrate on more and more various "
            "videos, leave more layers float with --float-layers, or allow it with --max-drop"
        )


def _encoder(content: bytes, num_threads: int) -> onnxruntime.InferenceSession:
    file = OnnxFile(content)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.log_severity_level = 4
    # As `rtaction cam` runs it, see there.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        file.cut([file.boundary.frames], [file.boundary.frame_features]),
        options,
        providers=["CPUExecutionProvider"],
    )
