"""ONNX files from elsewhere become ours, cut where that can be proven, and say what they said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from rtaction.errors import (
    ExportError,
    ModelMissing,
    ModelUnsafe,
    OutputError,
    ParityError,
    UsageError,
)
from rtaction.export.contract.scales import SCALES
from rtaction.export.foreign.adopt import Adoption, adopt_onnx, how_it_would_run
from rtaction.export.options import ContractOptions
from rtaction.onnx_format.early_cast import cast_first
from rtaction.onnx_format.file import OnnxFile
from tests.foreign_models import (
    FEATURES,
    FRAMES,
    NAMES,
    SIDE,
    Net,
    conv3d_style,
    keras2_style,
    torch_style,
    unrolled_style,
)
from tests.realtime.servers.network import SPEC as OWN_SPEC
from tests.realtime.servers.network import write_network

Array = npt.NDArray[Any]
TO_NETWORK = {"nfhwc": (0, 1, 2, 3, 4), "nfchw": (0, 1, 4, 2, 3), "ncfhw": (0, 4, 1, 2, 3)}


def adopt(path: Path, **options: Any) -> Adoption:
    how = {name: options.pop(name) for name in ("clips_path", "tolerance") if name in options}
    wanted: dict[str, Any] = {"labels": NAMES, "clip_seconds": 2.0, "scale": "0..1"} | options
    return adopt_onnx(path, path.with_name("ours.onnx"), ContractOptions(**wanted), **how)


def run(content: bytes, values: Array) -> Array:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: values})[0])


def clips_of(count: int = 3) -> npt.NDArray[np.uint8]:
    shape = (count, FRAMES, SIDE, SIDE, 3)
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def softmax(logits: Array) -> Array:
    grown = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(grown / grown.sum(-1, keepdims=True))


def assert_same(ours: Path, theirs: Path, layout: str, *, logits: bool) -> None:
    """Ours on uint8 clips is theirs on clips that were scaled and turned here."""
    clips = clips_of()
    values = (clips / 255).astype(np.float32).transpose(TO_NETWORK[layout])
    expected = np.concatenate([run(theirs.read_bytes(), value[np.newaxis]) for value in values])
    expected = softmax(expected) if logits else expected
    file = OnnxFile.load(ours)
    assert file.outputs == [f"scores: float32 ({'1' if file.input_dims[0] else 'batch'}, 3)"]
    found = np.concatenate([run(file.content, clip[np.newaxis]) for clip in clips])
    assert np.abs(found - expected).max() < 1e-5
    assert np.ptp(expected, axis=0).max() > 1e-3


CUT: dict[str, tuple[Callable[[Path], Path], str, bool]] = {
    "torch": (torch_style, "nfchw", True),
    "torch, channels first": (lambda path: torch_style(path, layout="ncfhw"), "ncfhw", True),
    "torch, batch of 1": (lambda path: torch_style(path, batch=1), "nfchw", True),
    "Keras 2": (keras2_style, "nfhwc", False),
    "Keras 3": (unrolled_style, "nfhwc", False),
    "Keras 3, time first": (lambda path: unrolled_style(path, by_time=True), "nfhwc", False),
}


@pytest.mark.parametrize("style", CUT)
def test_what_has_a_network_of_single_pictures_is_cut(tmp_path: Path, style: str) -> None:
    write, layout, logits = CUT[style]
    theirs = write(tmp_path / "theirs.onnx")

    adoption = adopt(theirs)

    assert (adoption.is_cut, adoption.reason_for_whole) == (True, "")
    assert (adoption.layout, adoption.is_layout_guessed) == (layout, True)
    assert adoption.is_softmax_added == logits
    assert adoption.agreement.max_difference < 1e-5
    assert_same(adoption.path, theirs, layout, logits=logits)
    file = OnnxFile.load(adoption.path)
    boundary = file.boundary
    encoder = file.cut([boundary.frames], [boundary.frame_features])
    head = file.cut([boundary.clip_features], ["scores"])
    images = clips_of(2)
    features = np.stack([run(encoder, images[number]) for number in (0, 1)])
    assert features.shape == (2, FRAMES, FEATURES)
    assert features.dtype == np.float32
    # Pictures of two clips exchanged: their features may be exchanged as well.
    features[0, 1], features[1, 3] = features[1, 3].copy(), features[0, 1].copy()
    mixed = images.copy()
    mixed[0, 1], mixed[1, 3] = images[1, 3], images[0, 1]
    for number in (0, 1):
        alone = slice(number, number + 1)
        assert np.abs(run(head, features[alone]) - run(file.content, mixed[alone])).max() < 1e-5


@pytest.mark.parametrize("scale", ["0..1", "caffe"])
def test_an_encoder_needs_to_compute_on_no_bytes(tmp_path: Path, scale: str) -> None:
    """TensorRT could not turn pictures as bytes; "caffe" has blue first as well."""
    file = OnnxFile.load(adopt(torch_style(tmp_path / "theirs.onnx"), scale=scale).path)
    encoder = file.cut([file.boundary.frames], [file.boundary.frame_features])

    after = cast_first(encoder)

    (entry,) = (one.name for one in onnx.load_from_string(after).graph.input)
    readers = [one for one in onnx.load_from_string(after).graph.node if entry in one.input]
    assert [one.op_type for one in readers] == ["Cast"]
    (frames,) = clips_of(1)
    assert np.array_equal(run(after, frames), run(encoder, frames))


def test_the_convnet_stands_once_where_there_were_copies(tmp_path: Path) -> None:
    theirs = unrolled_style(tmp_path / "theirs.onnx")
    assert OnnxFile.load(theirs).op_counts()["Conv"] == FRAMES

    ours = OnnxFile.load(adopt(theirs).path)

    assert ours.op_counts()["Conv"] == 1


def test_what_is_in_the_contract(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "scale": "imagenet",
        "resize": "crop",
        "background_label": "nothing",
        "threshold": 0.7,
    }
    spec = OnnxFile.load(adopt(torch_style(tmp_path / "theirs.onnx"), **options).path).spec

    assert spec.labels == ("wave", "clap", "nothing")
    assert spec.clip_shape == (FRAMES, SIDE, SIDE, 3)
    assert (spec.clip_seconds, spec.modality, spec.resize) == (2.0, "rgb", "crop")
    assert (spec.background_label, spec.threshold) == ("nothing", 0.7)
    assert spec.pixel_scaling == "inside the model: ImageNet's mean and deviation"


@pytest.mark.parametrize("layout", ["nfhwc", "nfchw", "ncfhw"])
def test_a_convolution_over_time_runs_whole(tmp_path: Path, layout: str) -> None:
    theirs = conv3d_style(tmp_path / "theirs.onnx", layout=layout)

    adoption = adopt(theirs)

    assert not adoption.is_cut
    assert "of 3x3x3 looks at several frames at once" in adoption.reason_for_whole
    assert OnnxFile.load(adoption.path).reason_for_whole == adoption.reason_for_whole
    assert adoption.layout == layout
    assert_same(adoption.path, theirs, layout, logits=True)


def test_copies_with_other_weights_run_whole(tmp_path: Path) -> None:
    theirs = unrolled_style(tmp_path / "theirs.onnx", other_weights=True)

    adoption = adopt(theirs)

    assert "frame 3 has other weights" in adoption.reason_for_whole
    assert_same(adoption.path, theirs, "nfhwc", logits=False)


def test_a_batch_that_cannot_be_freed_stays_one(tmp_path: Path) -> None:
    net = Net()
    x = net.op("Conv", "x", net.weights(4, 3, 3, 3, 3))
    x = net.op("Add", x, net.weights(1, 4, 3, 14, 14))
    x = net.op("Reshape", net.op("Relu", x), net.const([4, -1]))
    x = net.op("Transpose", net.op("ReduceMean", x, axes=[1]), perm=[1, 0])
    theirs = net.save(tmp_path / "theirs.onnx", net.dense(x, 4), [1, 3, FRAMES, SIDE, SIDE])

    adoption = adopt(theirs)

    assert "takes one clip at a time" in adoption.reason_for_whole
    assert OnnxFile.load(adoption.path).inputs == ["clip: uint8 (1, 5, 16, 16, 3)"]
    assert_same(adoption.path, theirs, "ncfhw", logits=True)


def test_our_own_file_without_its_contract(tmp_path: Path) -> None:
    path = write_network(tmp_path / "own.onnx")
    clips = np.random.default_rng(0).integers(0, 256, (2, *OWN_SPEC.clip_shape), np.uint8)
    expected = run(path.read_bytes(), clips)
    model = onnx.load(path)
    del model.metadata_props[:]
    path.write_bytes(model.SerializeToString())

    adoption = adopt(path, scale=None)

    assert adoption.is_cut
    assert np.abs(run(adoption.path.read_bytes(), clips) - expected).max() < 1e-6


@pytest.mark.parametrize("name", SCALES)
def test_each_scale_is_in_the_graph(tmp_path: Path, name: str) -> None:
    theirs = torch_style(tmp_path / "theirs.onnx")
    clips, scale = clips_of(1), SCALES[name]
    values = clips[..., ::-1] if scale.is_bgr else clips
    values = (values - np.array(scale.mean)) / np.array(scale.std)
    expected = run(theirs.read_bytes(), values.astype(np.float32).transpose(0, 1, 4, 2, 3))

    ours = adopt(theirs, scale=name).path

    assert np.abs(run(ours.read_bytes(), clips) - softmax(expected)).max() < 1e-4


def test_half_precision(tmp_path: Path) -> None:
    theirs = keras2_style(tmp_path / "theirs.onnx", dtype=TensorProto.FLOAT16)
    clips = clips_of()
    expected = run(theirs.read_bytes(), (clips / 255).astype(np.float16))

    adoption = adopt(theirs)

    assert adoption.is_cut
    assert np.abs(run(adoption.path.read_bytes(), clips) - expected).max() < 1e-3


def test_free_number_of_frames(tmp_path: Path) -> None:
    theirs = torch_style(tmp_path / "theirs.onnx", frames="time")
    with pytest.raises(UsageError, match=r"leaves the number of frames free.*--frames NUMBER"):
        adopt(theirs)

    adoption = adopt(theirs, frames=8)

    assert adoption.is_cut
    assert OnnxFile.load(adoption.path).spec.frames_per_clip == 8


def test_scores_that_are_no_numbers(tmp_path: Path) -> None:
    net = Net()
    x = net.op("Log", net.op("Neg", net.op("Abs", "x")))
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    theirs = net.save(tmp_path / "theirs.onnx", net.dense(x, 3), ["n", 3, FRAMES, SIDE, SIDE])

    with pytest.raises(ExportError, match=r"not finite \(NaN or infinite\).*--scale"):
        adopt(theirs)
    assert not (tmp_path / "ours.onnx").exists()


def test_a_network_that_sees_nothing_is_refused(tmp_path: Path) -> None:
    theirs = torch_style(tmp_path / "theirs.onnx")
    model = onnx.load(theirs)
    for tensor in model.graph.initializer:
        if list(tensor.dims) == [FEATURES - 2, FEATURES]:  # the projection of the features
            tensor.raw_data = bytes(len(tensor.raw_data))
    theirs.write_bytes(model.SerializeToString())

    with pytest.raises(ParityError, match=r"proves nothing: .* vary|no score varies .*--clips"):
        adopt(theirs)
    assert [path.name for path in tmp_path.glob("*.onnx")] == ["theirs.onnx"]
    # `inspect` only tells how it would run.
    assert "a cut cannot be verified" in how_it_would_run(theirs)


@pytest.mark.parametrize("with_sigmoid", [True, False])
def test_one_score_is_that_of_the_second_label(tmp_path: Path, with_sigmoid: bool) -> None:
    net = Net()
    images = net.op("Reshape", "x", net.const([-1, 3, SIDE, SIDE]))
    clips = net.op("Reshape", net.convnet(images), net.const([-1, FRAMES, FEATURES]))
    logit = net.op(
        "MatMul", net.op("ReduceMean", clips, axes=[1], keepdims=0), net.weights(FEATURES, 1)
    )
    score = net.op("Sigmoid", logit) if with_sigmoid else logit
    theirs = net.save(
        tmp_path / "theirs.onnx", score, ["n", FRAMES, 3, SIDE, SIDE], output_shape=["n", 1]
    )
    values = (clips_of() / 255).astype(np.float32).transpose(TO_NETWORK["nfchw"])
    given = run(theirs.read_bytes(), values)
    expected = given if with_sigmoid else 1 / (1 + np.exp(-given))

    adoption = adopt(theirs, labels=["nothing", "wave"])

    found = run(adoption.path.read_bytes(), clips_of())
    assert adoption.is_cut
    assert np.abs(found - np.concatenate([1 - expected, expected], axis=1)).max() < 1e-5
    assert "once adopted" in how_it_would_run(theirs)


def test_real_clips_may_be_given(tmp_path: Path) -> None:
    theirs, clips = torch_style(tmp_path / "theirs.onnx"), tmp_path / "clips.npz"
    np.savez(clips, clips=clips_of(40))

    adoption = adopt(theirs, clips_path=clips)

    assert adoption.is_cut
    assert (adoption.agreement.num_clips, adoption.clips_from) == (48, str(clips))
    np.savez(clips, clips=clips_of(4)[:, 1:])
    with pytest.raises(UsageError, match=r"expected at least two uint8 clips of shape \(5, 16"):
        adopt(theirs, clips_path=clips)
    clips.write_bytes(b"no archive")
    with pytest.raises(UsageError, match="cannot read the clips"):
        adopt(theirs, clips_path=clips)


@pytest.mark.parametrize(
    ("raised", "error", "message"),
    [
        (MemoryError(), ExportError, "cannot be adopted: there is not enough memory"),
        (ModelUnsafe("it would run code"), ModelUnsafe, "^it would run code$"),
    ],
)
def test_not_every_failure_of_a_cut_means_that_it_runs_whole(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    raised: Exception,
    error: type[Exception],
    message: str,
) -> None:
    def fail(*_: Any) -> Any:
        raise raised

    monkeypatch.setattr("rtaction.export.foreign.make.find_cut", fail)
    with pytest.raises(error, match=message):
        adopt(torch_style(tmp_path / "theirs.onnx"))


def test_a_file_that_nobody_foresaw_ends_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise KeyError("x")

    theirs = torch_style(tmp_path / "theirs.onnx")
    monkeypatch.setattr("rtaction.export.foreign.adopt.read_foreign", fail)
    for run in (adopt, how_it_would_run):
        with pytest.raises(ExportError, match=r"theirs\.onnx cannot be adopted: KeyError: x"):
            run(theirs)


def test_shapes_with_two_meanings_must_be_told(tmp_path: Path) -> None:
    net = Net()
    x = net.op("Flatten", net.op("GlobalAveragePool", "x"))
    theirs = net.save(tmp_path / "theirs.onnx", net.dense(x, 3), ["n", 3, 3, SIDE, SIDE])
    with pytest.raises(UsageError, match="could be nfchw or ncfhw; set --layout"):
        adopt(theirs)

    assert adopt(theirs, layout="ncfhw").layout == "ncfhw"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ["a", "b"]}, r"has 2 labels, but .* \(.*: 3\)"),
        ({"labels": ["a", "a", "b"]}, "labels must differ"),
        ({"scale": None}, "--scale is required"),
        ({"scale": "0-1"}, r"--scale must be one of 0\.\.1"),
        ({"layout": "nchw"}, "--layout must be one of nfhwc, nfchw, ncfhw"),
        ({"frames": 8}, "--frames is 8, but .* has 5"),
        ({"size_hw": (32, 32)}, "--size is 32, but .* has 16"),
        ({"modality": "gray"}, "fits no known layout"),
        ({"modality": "blue"}, "--modality: modality must be one of"),
        ({"clip_seconds": 0.0}, "clip_seconds must be above 0"),
        ({"logits": False}, "--probabilities needs scores from 0 to 1"),
    ],
)
def test_mistakes_of_options(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        adopt(torch_style(tmp_path / "theirs.onnx"), **options)
    assert not (tmp_path / "ours.onnx").exists()


def test_mistakes_of_paths(tmp_path: Path) -> None:
    theirs = torch_style(tmp_path / "theirs.onnx")
    options = ContractOptions(labels=NAMES, clip_seconds=1.0, scale="0..1")
    with pytest.raises(UsageError, match="would overwrite"):
        adopt_onnx(theirs, theirs, options)
    with pytest.raises(OutputError, match="is a folder"):
        adopt_onnx(theirs, tmp_path, options)
    with pytest.raises(ModelMissing):
        adopt_onnx(tmp_path / "none.onnx", tmp_path / "ours.onnx", options)
    with pytest.raises(UsageError, match="already has a contract"):
        adopt_onnx(adopt(theirs).path, tmp_path / "again.onnx", options)


def test_what_takes_no_clips(tmp_path: Path) -> None:
    net = Net()
    pictures = net.save(
        tmp_path / "theirs.onnx", net.dense(net.convnet("x"), FEATURES), ["n", 3, SIDE, SIDE]
    )
    with pytest.raises(ExportError, match=r"must take clips of 5 axes .* but takes x: float32"):
        adopt(pictures)


def test_a_fixed_batch_of_several_is_told_with_its_remedy(tmp_path: Path) -> None:
    theirs = torch_style(tmp_path / "theirs.onnx")
    model = onnx.load(theirs)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    theirs.write_bytes(model.SerializeToString())
    with pytest.raises(ExportError, match=r"takes exactly 4 clips at once.*dynamic_axes"):
        adopt(theirs)


def test_how_it_would_run(tmp_path: Path) -> None:
    cut = how_it_would_run(torch_style(tmp_path / "cut.onnx"))
    whole = how_it_would_run(conv3d_style(tmp_path / "whole.onnx"))

    assert cut.startswith("cut into encoder and head, once adopted: ")
    assert whole.startswith("whole for each window: its Conv ")


@pytest.mark.parametrize("missing", ["tensorflow", "keras", "tf2onnx"])
def test_it_needs_no_training_stack(tmp_path: Path, missing: str) -> None:
    theirs = torch_style(tmp_path / "theirs.onnx")
    script = (
        "import sys; from pathlib import Path\n"
        f"sys.modules[{missing!r}] = None\n"
        "from rtaction.export.foreign.adopt import adopt_onnx\n"
        "from rtaction.export.options import ContractOptions\n"
        f"adopt_onnx(Path({str(theirs)!r}), Path({str(tmp_path / 'ours.onnx')!r}),\n"
        "    ContractOptions(labels=('a', 'b', 'c'), clip_seconds=1, scale='0..1'))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert (tmp_path / "ours.onnx").exists()
