"""Pieces of two graphs fit into one under prefixed names."""

from __future__ import annotations

import numpy as np
import onnxruntime

from rtaction.onnx_format.build import Pieces, bytes_of, described, model_of, prefixed


def _doubled() -> Pieces:
    pieces = Pieces()
    pieces.add("Mul", ["x", pieces.store("factor", 2.0, np.float32)], "y")
    pieces.add("Clip", ["y", "", pieces.store("limit", 5.0, np.float32)], "z")
    pieces.nodes[-1].name = ""  # names of operations may be left out
    return pieces


def test_the_same_pieces_stand_twice_in_a_graph() -> None:
    both = Pieces()
    both.extend(prefixed(_doubled(), "a/"))
    both.add("Identity", ["a/z"], "b/x")
    both.extend(prefixed(_doubled(), "b/"))
    model = model_of(
        [both],
        inputs=[described("a/x", "float32", ["n"])],
        outputs=[described("b/z", "float32", ["n"])],
    )
    session = onnxruntime.InferenceSession(bytes_of(model), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"a/x": np.array([1.0, 9.0], np.float32)})
    assert found.tolist() == [4.0, 5.0]
    assert [node.name for node in _doubled().nodes] == ["y/Mul", ""]  # left as they were
