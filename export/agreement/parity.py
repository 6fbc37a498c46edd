"""Proof that an ONNX file computes what its Keras model computes.

An untrained or a dead network gives the same scores whatever it sees, and then agreement means
nothing; so the scores must also vary from clip to clip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.errors import ParityError
from rtaction.export.agreement.onnx_run import runner
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import OnnxFile

TOLERANCE = 1e-4
MIN_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class Parity:
    """How near two models are.

    Args:
        num_clips: clips compared.
        max_difference: largest difference of a score, uncut model, all clips in one batch.
        max_difference_one_by_one: the same, one clip at a time.
        max_difference_cut: the same, encoder one picture at a time, then head; 0 where the model is
            not cut.
        spread: largest difference that a label's score has between two clips.
        top_1_agreement: share of clips given the same best label.
    """

    num_clips: int
    max_difference: float
    max_difference_one_by_one: float
    max_difference_cut: float
    spread: float
    top_1_agreement: float

    @property
    def worst_difference(self) -> float:
        """The largest of the three differences."""
        # Unlike max(), a nan anywhere comes out as nan.
        differences = (self.max_difference, self.max_difference_one_by_one, self.max_difference_cut)
        return float(np.max(differences))


def measure_parity(
    truth_of: Callable[[UInt8Array], Float32Array], file: OnnxFile, clips: UInt8Array
) -> Parity:
    """Run both models on the same clips.

    Args:
        truth_of: what the original says of clips, float32 (num_clips, num_labels).
        file: its ONNX form.
        clips: uint8, shape (num_clips, frames_per_clip, height, width, channels).
    """
    truth = truth_of(clips)
    whole = _model(file.content)
    in_one_batch = whole(clips)
    one_by_one = np.concatenate([whole(clip[np.newaxis]) for clip in clips])
    cut = _run_cut(file, clips) if file.is_cut else truth
    return Parity(
        num_clips=len(clips),
        max_difference=_difference(truth, in_one_batch),
        max_difference_one_by_one=_difference(truth, one_by_one),
        max_difference_cut=_difference(truth, cut),
        spread=float(np.ptp(truth, axis=0).max()),
        top_1_agreement=float((truth.argmax(1) == in_one_batch.argmax(1)).mean()),
    )


def require_parity(parity: Parity, *, tolerance: float = TOLERANCE) -> None:
    """Refuse a conversion that is not proven.

    Args:
        parity: what was measured.
        tolerance: largest difference of a score that is allowed. Default 1e-4.

    Raises:
        ParityError: the models differ, or their scores hardly vary.
    """
    # "not <=" also refuses nan.
    if not parity.worst_difference <= tolerance:
        raise ParityError(
            f"the ONNX file does not compute what the Keras model computes: scores differ by up to "
            f"{parity.worst_difference:.2g} on {parity.num_clips} clips, {tolerance:.2g} is allowed"
        )
    if not parity.spread >= MIN_SPREAD:
        raise ParityError(
            f"the comparison would prove nothing: over {parity.num_clips} clips no score varies by "
            f"more than {parity.spread:.2g} ({MIN_SPREAD} is needed). The network is untrained, or "
            "the clips are nothing like what it knows; give real ones with --clips clips.npz"
        )


def make_clips(spec: ModelSpec, *, num_clips: int = 16, seed: int = 0) -> UInt8Array:
    """Clips that look like video to a network: natural spectra, moving, of varied light.

    Natural pictures have amplitudes that fall as 1/frequency (Field 1987); plain noise would leave
    every feature of a trained network at its mean.

    Returns:
        uint8, shape (num_clips, frames_per_clip, height, width, channels).
    """
    generator = np.random.default_rng(seed)
    frames, height, width, channels = spec.clip_shape
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = 1.0
    clips = np.empty((num_clips, *spec.clip_shape), np.uint8)
    for clip in clips:
        slope = generator.uniform(0.8, 1.6)
        shape = (channels, *frequency.shape)
        noise = generator.normal(size=shape) + 1j * generator.normal(size=shape)
        # Colours of one picture mostly agree.
        spectrum = (noise[:1] + 0.4 * noise) / frequency**slope
        spectrum[:, 0, 0] = 0.0
        speed_y, speed_x = generator.normal(scale=0.02, size=2) * (height, width)
        light, contrast = generator.uniform(60, 190), generator.uniform(15, 60)
        for number in range(frames):
            turn = np.exp(-2j * np.pi * number * (rows * speed_y + columns * speed_x))
            picture = np.fft.irfft2(spectrum * turn, s=(height, width))
            picture = light + contrast * picture / max(float(picture.std()), 1e-9)
            clip[number] = picture.clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    return clips


def _model(content: bytes) -> Callable[[npt.NDArray[Any]], Float32Array]:
    run = runner(content)
    return lambda values: np.asarray(run(values)[0], np.float32)


def _run_cut(file: OnnxFile, clips: UInt8Array) -> Float32Array:
    """Scores as they are computed live: each picture by itself, then the head."""
    boundary = file.boundary
    encoder = _model(file.cut([boundary.frames], [boundary.frame_features]))
    head = _model(file.cut([boundary.clip_features], [file.score_name]))
    features = np.stack(
        [np.concatenate([encoder(image[np.newaxis]) for image in clip]) for clip in clips]
    )  # (num_clips, frames_per_clip, num_features)
    return head(features)


def _difference(a: Float32Array, b: Float32Array) -> float:
    return float(np.abs(a - b).max())
