"""Graphs small enough to see what must come out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from rtaction.export.agreement.onnx_run import runner
from rtaction.export.foreign.boundary import NotCuttable, find_cut
from rtaction.export.foreign.graph import constants_of, data_names, narrows
from rtaction.export.foreign.shapes import fold_shapes, inferred_shapes, with_free_batch
from rtaction.export.foreign.unroll import CopiesDiffer, fold_copies
from rtaction.onnx_format.graph import part
from tests.foreign_models import FEATURES, FRAMES, SIDE, Net, torch_style, unrolled_style

DIMS = [2, FRAMES, 3, SIDE, SIDE]


def _clips(count: int, shape: list[int] = DIMS) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (count, *shape[1:])).astype(np.float32)


def test_narrows_leave_out_what_runs_side_by_side(tmp_path: Path) -> None:
    net = Net()
    first = net.op("Relu", "x")
    left, right = net.op("Neg", first), net.op("Abs", first)
    both = net.op("Add", left, right)
    last = net.op("Reshape", both, net.op("Shape", first))  # only a shape goes around
    model = onnx.load(net.save(tmp_path / "net.onnx", last, ["n", 3], output_shape=["n", 3]))

    assert narrows(model.graph) == ["x", first, both, last]
    assert data_names(model.graph) == {"x", first, left, right, both, last}


def test_a_part_computes_what_it_did(tmp_path: Path) -> None:
    net = Net()
    middle = net.op("Mul", "x", net.const(2.0, np.float32))
    last = net.op("Add", middle, net.const(1.0, np.float32))
    model = onnx.load(net.save(tmp_path / "net.onnx", last, ["n", 2], output_shape=["n", 2]))
    value = onnx.helper.make_tensor_value_info(middle, onnx.TensorProto.FLOAT, ["n", 2])

    before = part(model, model.graph.input[:1], [middle])
    after = part(model, [value], [last])

    one = np.ones((1, 2), np.float32)
    assert runner(before.SerializeToString())(one)[0].tolist() == [[2.0, 2.0]]
    assert runner(after.SerializeToString())(one)[0].tolist() == [[2.0, 2.0]]
    assert [len(one.graph.initializer) for one in (before, after)] == [1, 1]


def test_shapes_are_computed_once(tmp_path: Path) -> None:
    model = onnx.load(torch_style(tmp_path / "net.onnx"))
    clips = _clips(3)
    expected = runner(model.SerializeToString())(clips)[0]

    folded, sizes = fold_shapes(model, lambda count: clips[:count])

    shapes = [
        onnx.numpy_helper.to_array(constants_of(folded.graph)[node.input[1]]).tolist()
        for node in folded.graph.node
        if node.op_type == "Reshape"
    ]
    assert shapes == [[-1, 3, SIDE, SIDE], [-1, FRAMES, FEATURES]]
    assert any(size.slope.tolist() == [0, 1, 0] for size in sizes.values())  # of the first state
    assert np.array_equal(runner(folded.SerializeToString())(clips)[0], expected)


def test_a_fixed_batch_is_freed(tmp_path: Path) -> None:
    model = onnx.load(torch_style(tmp_path / "net.onnx", batch=1, initial_state=False))
    clips = _clips(3)
    expected = [runner(model.SerializeToString())(clip[np.newaxis])[0] for clip in clips]

    freed = with_free_batch(model, [1, *DIMS[1:]], FRAMES)

    found = runner(freed.SerializeToString())(clips)[0]
    assert np.abs(found - np.concatenate(expected)).max() < 1e-6


@pytest.mark.parametrize("by_time", [False, True])
def test_copies_become_one(tmp_path: Path, by_time: bool) -> None:
    model = onnx.load(unrolled_style(tmp_path / "net.onnx", by_time=by_time))
    dims = [0, FRAMES, SIDE, SIDE, 3]
    clips = _clips(3, dims)

    folded, count = fold_copies(model, dims, FRAMES)

    assert count == 1
    assert [node.op_type for node in folded.graph.node].count("Conv") == 1
    found, expected = (runner(one.SerializeToString())(clips)[0] for one in (folded, model))
    assert np.abs(found - expected).max() < 1e-6


def test_copies_that_differ_are_told(tmp_path: Path) -> None:
    model = onnx.load(unrolled_style(tmp_path / "net.onnx", other_weights=True))
    with pytest.raises(CopiesDiffer, match="frame 3 has other weights"):
        fold_copies(model, [0, FRAMES, SIDE, SIDE, 3], FRAMES)


def test_copies_that_are_none_stay(tmp_path: Path) -> None:
    net = Net()
    branches = [net.op("Relu", net.op("Mul", "x", net.const(n, np.float32))) for n in range(FRAMES)]
    joined = net.op("Concat", *branches, axis=1)
    model = onnx.load(
        net.save(
            tmp_path / "net.onnx",
            joined,
            ["n", FRAMES, 2, 2, 3],
            output_shape=["n", FRAMES * FRAMES, 2, 2, 3],
        )
    )

    folded, count = fold_copies(model, [0, FRAMES, 2, 2, 3], FRAMES)

    assert count == 0
    assert folded is model


def test_the_boundary_is_the_last_that_holds(tmp_path: Path) -> None:
    clips = _clips(2)
    model, _ = fold_shapes(onnx.load(torch_style(tmp_path / "net.onnx")), lambda n: _clips(n))

    cut = find_cut(model, clips, "nfchw")

    # The transposition to (frames, batch, features) is the last thing before the GRU.
    assert cut.tensor == next(n.output[0] for n in model.graph.node if n.op_type == "Transpose")
    assert cut.placement.feature_shape == (FEATURES,)
    assert cut.placement.axes == (1, 0, 2)
    assert inferred_shapes(cut.encoder, [7, 1, 3, SIDE, SIDE])[cut.tensor] == [1, 7, FEATURES]


def test_many_numbers_for_a_picture_are_not_worth_keeping(tmp_path: Path) -> None:
    net = Net()
    x = net.op("Conv", "x", net.weights(8, 3, 1, 3, 3))
    x = net.op("Conv", x, net.weights(2, 8, 3, 1, 1))
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    model = onnx.load(
        net.save(tmp_path / "net.onnx", net.dense(x, 2), ["n", 3, FRAMES, SIDE, SIDE])
    )
    clips = _clips(2, [2, 3, FRAMES, SIDE, SIDE])

    with pytest.raises(NotCuttable, match="has 1568 features, more than its 768"):
        find_cut(model, clips, "ncfhw")
