"""A model of people as one ONNX file: pose network, joints as numbers, and a head.

    clip (N, F, 192, 192, 3) -> frames (N*F, 192, 192, 3) -> Lightning -> poses (N*F, 17, 3)
         -> frame_features (N*F, 51) -> clip_features (N, F, 51)
         -> numbers (N, F, NUM_NUMBERS) -> head -> scores (N, num_labels)

The features of a picture are y, x and score of each joint, as from
`rtaction.pose.normal.picture_shares`; those of a person who is followed may take their place. The
numbers are those of `rtaction.pose.normal.window_numbers`, which a test holds against each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx.compose
from onnx import ModelProto

from rtaction.arrays import Float32Array
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.build import (
    BOUNDARY,
    CLIP,
    SCORES,
    Pieces,
    bytes_of,
    described,
    model_of,
    model_with_contract,
)
from rtaction.onnx_format.file import OnnxFile
from rtaction.pose import normal
from rtaction.pose.keypoints import EARS, HIPS, NUM_JOINTS, SHOULDERS, VISIBLE_SCORE

NUM_FEATURES = 3 * NUM_JOINTS
"""Features of a picture: y, x and score of each joint."""

NUMBERS = "numbers"
"""The input of a head: float32, (clips, frames_per_clip, `NUM_NUMBERS`)."""

_PICTURES, _POSES = "pictures", "poses"  # tensors in the file of Lightning


def pose_model(spec: ModelSpec, head: ModelProto, network: OnnxFile) -> bytes:
    """Build a complete model of people.

    Args:
        spec: the contract; its modality is "pose", its frames are 192x192.
        head: from `NUMBERS` to scores, float32 (clips, num_labels), of ONNX's version 17; its one
            input and output may have any names.
        network: Lightning, such as `OnnxFile.load(POSE_MODEL)`.

    Returns:
        An ONNX file with an embedded contract, for `rtaction cam --model`.
    """
    front, features = Pieces(), Pieces()
    front.reshape(CLIP, BOUNDARY.frames, [-1, *spec.frame_shape])
    features.reshape(
        BOUNDARY.frame_features, BOUNDARY.clip_features, [-1, spec.frames_per_clip, NUM_FEATURES]
    )
    numbers = number_pieces(spec.frames_per_clip, spec.frame_interval_seconds)
    model = model_with_contract(
        [front, frame_pieces(network), features, numbers, _head_pieces(head)],
        spec,
        feature_shape=[NUM_FEATURES],
        name="people",
        metadata={"pose_network": network.metadata["attribution"]},
    )
    return bytes_of(model)


def numbers_model(frames_per_clip: int, interval_seconds: float) -> bytes:
    """`rtaction.pose.normal.window_numbers` as an ONNX file.

    Args:
        frames_per_clip: pictures in a window, at least 2.
        interval_seconds: between two of them.

    Returns:
        clip_features, float32 (n, frames_per_clip, 51), to `NUMBERS`, float32 (n, frames_per_clip,
        `NUM_NUMBERS`).
    """
    shape: list[int | str] = ["n", frames_per_clip]
    model = model_of(
        [number_pieces(frames_per_clip, interval_seconds)],
        name=NUMBERS,
        inputs=[described(BOUNDARY.clip_features, "float32", [*shape, NUM_FEATURES])],
        outputs=[described(NUMBERS, "float32", [*shape, normal.NUM_NUMBERS])],
    )
    return bytes_of(model)


def frame_pieces(network: OnnxFile) -> Pieces:
    """From frames, uint8 (n, 192, 192, 3), to their features, float32 (n, 51)."""
    terms = _Terms("frame")
    terms.pieces.add("Identity", [BOUNDARY.frames], _PICTURES)
    terms.pieces.extend(Pieces.of(network.model.graph))
    places, scores = terms.split(_POSES, [2, 1], axis=2)
    within = terms.add("Clip", places, terms.number(0), terms.number(1))
    is_within = terms.add("ReduceMin", terms.truth("Equal", places, within), axes=[2])
    shares = terms.add("Concat", places, terms.add("Mul", scores, is_within), axis=2)
    terms.pieces.reshape(shares, BOUNDARY.frame_features, [-1, NUM_FEATURES])
    return terms.pieces


def number_pieces(frames_per_clip: int, interval_seconds: float) -> Pieces:
    """The nodes of `numbers_model`."""
    terms = _Terms("pose")
    points = terms.pieces.reshape(
        BOUNDARY.clip_features, "points", [-1, frames_per_clip, NUM_JOINTS, 3]
    )
    places, scores = terms.split(points, [2, 1], axis=3)
    seen = terms.truth("Greater", scores, terms.number(VISIBLE_SCORE))  # (N, F, 17, 1)
    origin, unit, shown = _origin_and_unit(terms, places, seen)
    relative = terms.add("Div", terms.add("Sub", places, origin), unit)
    positions = terms.add("Mul", terms.clipped(relative, normal.FARTHEST), seen)
    speeds = _speeds(terms, positions, seen, interval_seconds)
    in_window, path = _in_window(terms, places, seen, (origin, unit, shown), interval_seconds)
    direction = _trunk_direction(terms, positions, seen)
    place, path_speed, box, size = path
    parts = [
        terms.pieces.reshape(part, f"flat_{name}", [-1, frames_per_clip, count])
        for name, part, count in (
            ("positions", positions, 2 * NUM_JOINTS),
            ("speeds", speeds, 2 * NUM_JOINTS),
            ("seen", seen, NUM_JOINTS),
            ("in_window", in_window, 2 * NUM_JOINTS),
            ("place", place, 2),
            ("path", path_speed, 2),
            ("box", box, 2),
            ("direction", direction, 2),
            ("size", size, 1),
            ("shown", shown, 1),
        )
    ]
    terms.pieces.add("Concat", parts, NUMBERS, axis=2)
    return terms.pieces


class _Terms:
    """Operations that are named by their order."""

    def __init__(self, prefix: str) -> None:
        self.pieces = Pieces()
        self._prefix = prefix

    def add(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        return self.pieces.add(op_type, inputs, self._next(), **attributes)

    def number(self, value: float) -> str:
        return self.pieces.store(self._next(), value, np.float32)

    def array(self, values: Float32Array) -> str:
        return self.pieces.store(self._next(), values)

    def split(self, source: str, sizes: list[int], *, axis: int) -> list[str]:
        names = [self._next(f"_{number}") for number in range(len(sizes))]
        self.pieces.add(
            "Split", [source, self.pieces.store(f"{names[0]}_sizes", sizes)], names, axis=axis
        )
        return names

    def truth(self, op_type: str, *inputs: str) -> str:
        """1.0 where a comparison holds, else 0.0."""
        return self.pieces.cast(self.add(op_type, *inputs), self._next(), np.float32)

    def clipped(self, source: str, limit: float) -> str:
        return self.add("Clip", source, self.number(-limit), self.number(limit))

    def either(self, value: str, yes: str, no: str) -> str:
        """`yes` where a value is above 0, else `no`."""
        return self.add("Where", self.add("Greater", value, self.number(0)), yes, no)

    def _next(self, suffix: str = "") -> str:
        return f"{self._prefix}_{len(self.pieces.nodes) + len(self.pieces.weights)}{suffix}"


def _origin_and_unit(terms: _Terms, places: str, seen: str) -> tuple[str, str, str]:
    """See `rtaction.pose.normal.normalised`: (N, F, 1, 2), (N, F, 1, 1), and whether any joint is
    seen, (N, F, 1, 1)."""
    groups = np.zeros((4, NUM_JOINTS), np.float32)
    for row, joints in enumerate((SHOULDERS, HIPS, slice(None), EARS)):
        groups[row, joints] = 1
    members, one = terms.array(groups), terms.number(1)
    sums = terms.add("MatMul", members, terms.add("Mul", places, seen))  # (N, F, 4, 2)
    counts = terms.add("MatMul", members, seen)  # (N, F, 4, 1)
    means = terms.add("Div", sums, terms.add("Max", counts, one))
    shoulders, hips, middle, _ = terms.split(means, [1] * 4, axis=2)
    have = terms.split(terms.add("Min", counts, one), [1] * 4, axis=2)
    pairs = terms.add("Max", terms.add("Sub", counts, one), terms.number(0))
    have_both = terms.split(pairs, [1] * 4, axis=2)
    origin = terms.either(have[0], shoulders, terms.either(have[1], hips, middle))

    def length(vector: str) -> str:
        return terms.add("ReduceL2", vector, axes=[3])

    def width(joints: slice) -> str:
        difference = np.zeros((1, NUM_JOINTS), np.float32)
        difference[0, joints] = 1, -1
        return length(terms.add("MatMul", terms.array(difference), places))

    trunk = terms.add("Mul", length(terms.add("Sub", shoulders, hips)), have[0])
    trunk = terms.add("Mul", terms.add("Mul", trunk, have[1]), terms.number(normal.TRUNK_SHARE))
    body = terms.add("Max", terms.add("Mul", width(SHOULDERS), have_both[0]), trunk)
    head = terms.add("Mul", width(EARS), have_both[3])
    head = terms.add("Mul", head, terms.number(normal.HEADS_PER_UNIT))
    apart = terms.add("Mul", length(terms.add("Sub", places, middle)), seen)
    squares = terms.add("ReduceSumSquare", apart, axes=[2])
    all_counts = terms.add("Max", terms.split(counts, [1] * 4, axis=2)[2], one)
    spread = terms.add("Sqrt", terms.add("Div", squares, all_counts))
    spread = terms.add("Mul", spread, terms.number(normal.SPREADS_PER_UNIT))
    unit = terms.either(body, body, terms.either(head, head, spread))
    unit = terms.add("Max", unit, terms.number(normal.LEAST_UNIT))
    return terms.add("Mul", origin, have[2]), unit, have[2]


def _in_window(
    terms: _Terms,
    places: str,
    seen: str,
    body: tuple[str, str, str],
    interval_seconds: float,
) -> tuple[str, tuple[str, str, str, str]]:
    """Joints relative to the window, (N, F, 17, 2), and the body's path: its place and speed, the
    box around it, (N, F, 1, 2) each, and its size, (N, F, 1, 1)."""
    origins, units, shown = body
    one, over_time = terms.number(1), terms.array(np.array([1]))
    count = terms.add("Max", terms.add("ReduceSum", shown, over_time), one)

    def mean(values: str) -> str:
        total = terms.add("ReduceSum", terms.add("Mul", values, shown), over_time)
        return terms.add("Div", total, count)

    origin = mean(origins)
    unit = terms.add("Max", mean(units), terms.number(normal.LEAST_UNIT))
    limit = normal.FARTHEST_IN_WINDOW

    def relative(values: str, counts: str) -> str:
        apart = terms.add("Div", terms.add("Sub", values, origin), unit)
        return terms.add("Mul", terms.clipped(apart, limit), counts)

    in_window, place = relative(places, seen), relative(origins, shown)
    speed = _speeds(terms, place, shown, interval_seconds)
    # Joints that are unseen are beyond all others.
    far = terms.add("Mul", terms.add("Sub", one, seen), terms.number(2 * limit))
    highest = terms.add("ReduceMax", terms.add("Sub", in_window, far), axes=[2])
    lowest = terms.add("ReduceMin", terms.add("Add", in_window, far), axes=[2])
    box = terms.add("Mul", terms.add("Sub", highest, lowest), shown)
    bounds = terms.number(1 / limit), terms.number(limit)
    size = terms.add("Log", terms.add("Clip", terms.add("Div", units, unit), *bounds))
    return in_window, (place, speed, box, terms.add("Mul", size, shown))


def _trunk_direction(terms: _Terms, positions: str, seen: str) -> str:
    """From the middle of the shoulders to that of the hips; (N, F, 1, 2)."""
    groups = np.zeros((2, NUM_JOINTS), np.float32)
    groups[0, SHOULDERS] = groups[1, HIPS] = 1
    members, one = terms.array(groups), terms.number(1)
    counts = terms.add("MatMul", members, seen)  # (N, F, 2, 1)
    sums = terms.add("MatMul", members, terms.add("Mul", positions, seen))
    means = terms.add("Div", sums, terms.add("Max", counts, one))
    shoulders, hips = terms.split(means, [1, 1], axis=2)
    have = terms.split(terms.add("Min", counts, one), [1, 1], axis=2)
    vector = terms.add("Mul", terms.add("Sub", hips, shoulders), terms.add("Mul", *have))
    length = terms.add("ReduceL2", vector, axes=[3])
    return terms.add("Div", vector, terms.add("Max", length, terms.number(1e-3)))


def _speeds(terms: _Terms, positions: str, seen: str, interval_seconds: float) -> str:
    """Units a second since the picture before, 0 in the first; (N, F, joints, 2)."""
    first, next_, last, end, axis = (
        terms.array(np.array([value])) for value in (0, 1, -1, np.iinfo(np.int64).max, 1)
    )
    (here, seen_here), (before, seen_before) = (
        [terms.add("Slice", part, *limits, axis) for part in (positions, seen)]
        for limits in ((next_, end), (first, last))
    )
    moved = terms.add(
        "Mul", terms.add("Sub", here, before), terms.add("Mul", seen_here, seen_before)
    )
    speeds = terms.add("Div", moved, terms.number(interval_seconds))
    none = terms.add("Mul", terms.add("Slice", positions, first, next_, axis), terms.number(0))
    return terms.add("Concat", none, terms.clipped(speeds, normal.FASTEST), axis=1)


def _head_pieces(head: ModelProto) -> Pieces:
    """From `NUMBERS` to the scores."""
    head = onnx.compose.add_prefix(head, "head/")
    pieces = Pieces()
    pieces.add("Identity", [NUMBERS], head.graph.input[0].name)
    pieces.extend(Pieces.of(head.graph))
    pieces.add("Identity", [head.graph.output[0].name], SCORES)
    return pieces
