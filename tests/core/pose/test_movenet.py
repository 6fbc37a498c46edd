"""MoveNet's last steps, rebuilt for a batch, against the same steps for one joint at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime

from rtaction.onnx_format.build import Pieces, bytes_of, described, model_of
from tools import movenet

CELLS = 6
MAPS = {
    "regression": (movenet.REGRESSION, 34),
    "offsets": (movenet.OFFSETS, 34),
    "heat": (movenet.HEAT, 17),
    "centres": (movenet.CENTRES, 1),
}


def _expected(maps: dict[str, Any], near_middle: Any, softening: float, cell: Any) -> Any:
    """Joints of one picture; maps have the shape (channels, rows, columns)."""
    centre = np.unravel_index((maps["centres"][0] * near_middle).argmax(), (CELLS, CELLS))
    pose = np.zeros((17, 3))
    for joint in range(17):
        expected = np.array(centre) + maps["regression"][2 * joint : 2 * joint + 2, *centre]
        likely = np.zeros((CELLS, CELLS))
        for row, column in np.ndindex(CELLS, CELLS):
            distance = np.hypot(row - expected[0], column - expected[1])
            likely[row, column] = maps["heat"][joint, row, column] / (distance + softening)
        hottest = np.unravel_index(likely.argmax(), (CELLS, CELLS))
        offset = maps["offsets"][2 * joint : 2 * joint + 2, *hottest]
        pose[joint, :2] = (np.array(hottest) + offset) * cell
        pose[joint, 2] = maps["heat"][joint, *hottest]
    return pose


def test_a_batch_is_decoded_as_each_picture_alone() -> None:
    rng = np.random.default_rng(0)
    near_middle = rng.uniform(0.5, 1, (CELLS, CELLS, 1)).astype(np.float32)
    cell = np.array([0.2, 0.1], np.float32)
    constants = {
        movenet.NEAR_MIDDLE: near_middle,
        movenet.SOFTENING: np.float32(1.8),
        movenet.CELL: cell.reshape(1, 1, 1, 2),
    }
    pieces = Pieces()
    movenet.decode(pieces, constants, cells=CELLS)
    content = bytes_of(
        model_of(
            [pieces],
            inputs=[
                described(name, "float32", ["n", channels, CELLS, CELLS])
                for name, channels in MAPS.values()
            ],
            outputs=[described(movenet.POSES, "float32", ["n", 17, 3])],
        )
    )
    maps: dict[str, Any] = {
        part: rng.uniform(-2, 2, (3, channels, CELLS, CELLS)).astype(np.float32)
        for part, (_, channels) in MAPS.items()
    }
    maps["heat"], maps["centres"] = np.abs(maps["heat"]) / 2, np.abs(maps["centres"]) / 2
    feed = {name: maps[part] for part, (name, _) in MAPS.items()}
    (poses,) = onnxruntime.InferenceSession(content).run(None, feed)

    for number, pose in enumerate(poses):
        one = {part: values[number] for part, values in maps.items()}
        np.testing.assert_allclose(pose, _expected(one, near_middle[..., 0], 1.8, cell), atol=1e-5)
