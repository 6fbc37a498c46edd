"""A model file may come from anyone: it is refused in one sentence, and nothing else happens."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from rtaction.errors import ModelError, ModelSpecError, ModelUnreadable, ModelUnsafe, RtactionError
from rtaction.model_spec import METADATA_KEY
from rtaction.onnx_format.file import OnnxFile
from rtaction.onnx_format.timed import run_within
from tests.project import ROOT

Change = Callable[[onnx.ModelProto], None]


def _external(location: str) -> TensorProto:
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "outside")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "16")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def _subgraph(*tensors: TensorProto, nodes: list[onnx.NodeProto] | None = None) -> onnx.GraphProto:
    inner = nodes or [helper.make_node("Identity", ["outside"], ["inside"])]
    value = helper.make_tensor_value_info("inside", TensorProto.FLOAT, None)
    return helper.make_graph(inner, "inner", [], [value], list(tensors))


def _in_initializer(model: onnx.ModelProto, location: str) -> None:
    model.graph.initializer.append(_external(location))


def _in_constant(model: onnx.ModelProto, location: str) -> None:
    model.graph.node.insert(0, helper.make_node("Constant", [], ["c"], value=_external(location)))


def _in_subgraph(model: onnx.ModelProto, location: str) -> None:
    branch = _subgraph(_external(location))
    node = helper.make_node("If", ["white"], ["c"], then_branch=branch, else_branch=branch)
    model.graph.node.insert(0, node)


def _in_constant_of_subgraph(model: onnx.ModelProto, location: str) -> None:
    inner = helper.make_node("Constant", [], ["inside"], value=_external(location))
    branch = _subgraph(nodes=[inner])
    node = helper.make_node("If", ["white"], ["c"], then_branch=branch, else_branch=branch)
    model.graph.node.insert(0, node)


def _in_sparse_initializer(model: onnx.ModelProto, location: str) -> None:
    sparse = onnx.SparseTensorProto(dims=[4])
    sparse.values.CopyFrom(_external(location))
    sparse.indices.CopyFrom(numpy_helper.from_array(np.arange(4), "indices"))
    model.graph.sparse_initializer.append(sparse)


def _in_sparse_constant(model: onnx.ModelProto, location: str) -> None:
    sparse = onnx.SparseTensorProto(dims=[4])
    sparse.values.CopyFrom(_external(location))
    sparse.indices.CopyFrom(numpy_helper.from_array(np.arange(4), ""))
    node = helper.make_node("Constant", [], ["c"], sparse_value=sparse)
    model.graph.node.insert(0, node)


def _in_function(model: onnx.ModelProto, location: str) -> None:
    node = helper.make_node("Constant", [], ["y"], value=_external(location))
    function = helper.make_function(
        "local", "Outside", [], ["y"], [node], [helper.make_opsetid("", 17)]
    )
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("local", 1))
    model.graph.node.insert(0, helper.make_node("Outside", [], ["c"], domain="local"))


PLACES = [
    _in_initializer,
    _in_constant,
    _in_subgraph,
    _in_constant_of_subgraph,
    _in_sparse_initializer,
    _in_sparse_constant,
    _in_function,
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__.strip("_"))
@pytest.mark.parametrize("location", ["../../secret", "/etc/passwd", "weights.bin", ""])
def test_data_in_other_files_is_refused(
    tiny_model: Path, place: Callable[[onnx.ModelProto, str], None], location: str
) -> None:
    model = onnx.load(tiny_model)
    place(model, location)

    with pytest.raises(ModelUnsafe, match="stores weights in other files"):
        OnnxFile(model.SerializeToString())


@pytest.mark.parametrize("location", [7, 1, 2])
def test_a_place_said_twice_fools_nobody(tiny_model: Path, location: int) -> None:
    """A reader that knows only 0 and 1 keeps the 1 where ours believes the later number."""
    content = tiny_model.read_bytes()
    # initializer (field 5 of the graph, field 7 of the model): data_location (14) is 1, then other.
    tensor = b"\x08\x04\x10\x01\x42\x01w" + b"\x70\x01" + b"\x70" + bytes([location])
    graph = b"\x2a" + bytes([len(tensor)]) + tensor
    with pytest.raises(ModelUnsafe, match="other files"):
        OnnxFile(content + b"\x3a" + bytes([len(graph)]) + graph)


def test_nothing_is_opened_but_the_model(tiny_model: Path, tmp_path: Path) -> None:
    """A pipe stands for the secret: whoever opened it, in Python or in C++, would hang."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs pipes")
    secret = tmp_path / "secret"
    os.mkfifo(secret)
    paths: list[Path] = []
    for number, place in enumerate(PLACES):
        for location in (str(secret), "secret", "../" * 20 + str(secret)[1:]):
            model = onnx.load(tiny_model)
            place(model, location)
            paths.append(tmp_path / f"{len(paths)}_{number}.onnx")
            paths[-1].write_bytes(model.SerializeToString())
    script = """
import sys
from pathlib import Path
import onnxruntime, onnx, cv2, av
from rtaction.errors import ModelUnsafe
from rtaction.export.foreign import adopt as foreign_onnx
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.inspect import inspect_model
opened = []
sys.addaudithook(lambda name, about: name == "open" and opened.append(str(about[0])))
for path in sorted(Path(".").glob("*_*.onnx")):
    for run in (
        lambda: ActionModel(path, device="cpu"),
        lambda: inspect_model(path),
        lambda: foreign_onnx.how_it_would_run(path),
    ):
        opened.clear()
        try:
            run()
        except ModelUnsafe:
            assert opened == [str(path)], opened
        else:
            raise SystemExit(f"{path} was not refused")
print("refused", len(list(Path(".").glob("*_*.onnx"))))
"""
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout == f"refused {len(paths)}\n", ran.stderr


def _custom_domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("evil.ops", 1))
    model.graph.node.insert(0, helper.make_node("Run", ["white"], ["c"], domain="evil.ops"))


def _custom_domain_inside(model: onnx.ModelProto) -> None:
    inner = helper.make_node("Run", ["white"], ["inside"], domain="evil.ops")
    branch = _subgraph(nodes=[inner])
    node = helper.make_node("If", ["white"], ["c"], then_branch=branch, else_branch=branch)
    model.graph.node.insert(0, node)


def _compiled(model: onnx.ModelProto) -> None:
    node = helper.make_node(
        "EPContext", ["white"], ["c"], domain="com.microsoft", embed_mode=0, ep_cache_context="/x"
    )
    model.graph.node.insert(0, node)


def _training(model: onnx.ModelProto) -> None:
    model.training_info.add().algorithm.CopyFrom(model.graph)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_custom_domain, r"needs the custom operator evil\.ops\.Run"),
        (_custom_domain_inside, r"needs the custom operator evil\.ops\.Run"),
        (_compiled, "compiled for one device"),
        (_training, "also contains a training graph"),
    ],
)
def test_code_of_others_is_refused(tiny_model: Path, change: Change, message: str) -> None:
    model = onnx.load(tiny_model)
    change(model)
    with pytest.raises(ModelUnsafe, match=message):
        OnnxFile(model.SerializeToString())


def _huge(model: onnx.ModelProto) -> None:
    model.graph.initializer.add(name="huge", data_type=1, dims=[2**40, 2**20])


def _huge_constant(model: onnx.ModelProto) -> None:
    tensor = TensorProto(data_type=1, dims=[2**62], raw_data=bytes(8))
    model.graph.node.insert(0, helper.make_node("Constant", [], ["c"], value=tensor))


def _negative(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[0] = -2


def _negative_clip(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = -5


def _cycle(model: onnx.ModelProto) -> None:
    model.graph.node[1].input[0] = "clip_mean"


def _self_cycle(model: onnx.ModelProto) -> None:
    model.graph.node[1].input[0] = model.graph.node[1].output[0]


def _missing_input(model: onnx.ModelProto) -> None:
    model.graph.node[1].input[0] = "nowhere"


def _missing_inside(model: onnx.ModelProto) -> None:
    branch = _subgraph()
    node = helper.make_node("If", ["white"], ["c"], then_branch=branch, else_branch=branch)
    model.graph.node.insert(0, node)


def _missing_output(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = "nowhere"


def _twice_made(model: onnx.ModelProto) -> None:
    model.graph.node[2].output[0] = model.graph.node[1].output[0]


def _twice_stored(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def _made_and_stored(model: onnx.ModelProto) -> None:
    model.graph.node[1].output[0] = "white"


def _no_input(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.uint8), "clip"))


def _deep(model: onnx.ModelProto) -> None:
    graph = _subgraph(nodes=[helper.make_node("Identity", ["white"], ["inside"])])
    for _ in range(200):
        node = helper.make_node("If", ["white"], ["inside"], then_branch=graph, else_branch=graph)
        del node.attribute[0]  # one branch, so that it grows in depth alone
        graph = _subgraph(nodes=[node])
    model.graph.node.insert(0, graph.node[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_huge, r"'huge' declares the shape \[1099511627776, 1048576\] but contains only"),
        (_huge_constant, r"declares the shape \[4611686018427387904\]"),
        (_negative, r"has the shape \[-2\]"),
        (_negative_clip, r"'clip' has the shape \[0, -5, 8, 8, 3\]"),
        (_cycle, "Cast '' reads 'clip_mean', which no earlier node produces"),
        (_self_cycle, "Cast '' reads 'pixels', which no earlier node produces"),
        (_missing_input, "Cast '' reads 'nowhere', which no earlier node produces"),
        (_missing_inside, "Identity '' reads 'outside', which no earlier node produces"),
        (_missing_output, "the output reads 'nowhere', which no earlier node produces"),
        (_twice_made, "several tensors are named 'pixels'"),
        (_twice_stored, "several tensors are named 'frame_shape'"),
        (_made_and_stored, "several tensors are named 'white'"),
        (_no_input, "it has no input"),
    ],
)
def test_broken_graphs_are_refused(tiny_model: Path, change: Change, message: str) -> None:
    model = onnx.load(tiny_model)
    change(model)
    with pytest.raises(ModelUnreadable, match=message):
        OnnxFile(model.SerializeToString())


def test_graphs_nested_too_deep_are_refused(tiny_model: Path) -> None:
    def field(number: int, content: bytes) -> bytes:
        size, head = len(content), bytes([number << 3 | 2])
        while size > 127:
            head, size = head + bytes([size & 127 | 128]), size >> 7
        return head + bytes([size]) + content

    graph = field(1, field(4, b"Identity"))
    for _ in range(2000):  # graph.node.attribute.g
        graph = field(1, field(5, field(6, graph)))
    with pytest.raises(ModelUnreadable, match="is not an ONNX model, or is damaged"):
        OnnxFile(tiny_model.read_bytes() + field(7, graph))


def test_names_that_are_no_text_are_refused(tiny_model: Path) -> None:
    for name in (b"clip_mean", b"ReduceMean", b"rtaction.boundary", b"keepdims", b"batch"):
        content = tiny_model.read_bytes().replace(name, b"\xff" * len(name))
        with pytest.raises(ModelUnreadable, match="a name in it is not valid UTF-8"):
            OnnxFile(content)


@pytest.mark.parametrize(
    "contract",
    [
        "",
        "null",
        "[]",
        "{",
        "[" * 100_000,
        '{"format_version": 1}',
        '{"format_version": 99}',
        '{"format_version": ' + "9" * 5000 + "}",
        "\x00\x01",
    ],
)
def test_contracts_that_are_garbage_are_refused(tiny_model: Path, contract: str) -> None:
    model = onnx.load(tiny_model)
    model.metadata_props[0].value = contract
    with pytest.raises(ModelSpecError, match="the contract in the model"):
        _ = OnnxFile(model.SerializeToString()).spec


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("labels", '["a", "\\u001b[2J"]'),
        ("labels", '["a", "\\ud800"]'),
        ("labels", '["a", ["b"]]'),
        ("labels", '{"a": 1, "b": 2}'),
        ("height", "1000000000000"),
        ("height", "8.0"),
        ("frames_per_clip", "-1"),
        ("clip_seconds", "1" + "0" * 400),
        ("clip_seconds", "NaN"),
        ("modality", "[]"),
        ("resize", "{}"),
        ("background_label", "[1]"),
        ("threshold", "true"),
        ("label_thresholds", '{"a": 1e999}'),
    ],
)
def test_contracts_with_wild_values_are_refused(tiny_model: Path, field: str, value: str) -> None:
    import json

    model = onnx.load(tiny_model)
    entry = next(one for one in model.metadata_props if one.key == METADATA_KEY)
    entry.value = json.dumps(json.loads(entry.value) | {field: "HERE"}).replace('"HERE"', value)
    with pytest.raises(ModelSpecError) as caught:
        _ = OnnxFile(model.SerializeToString()).spec
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("boundary", ["", "[]", "{}", '{"frames": 1}', "[" * 100_000, "9" * 5000])
def test_boundaries_that_are_garbage_are_refused(tiny_model: Path, boundary: str) -> None:
    model = onnx.load(tiny_model)
    model.metadata_props[1].value = boundary
    with pytest.raises(ModelSpecError):
        _ = OnnxFile(model.SerializeToString()).boundary


def test_more_than_a_model_can_have_is_refused_at_once(tiny_model: Path) -> None:
    model = onnx.load(tiny_model)
    one = model.graph.node[-1]
    nodes = [helper.make_node("Identity", [one.output[0]], [f"x{n}"]) for n in range(60_000)]
    model.graph.node.extend(nodes)
    with pytest.raises(ModelUnreadable, match="too large: it has more than 50,000 operations"):
        OnnxFile(model.SerializeToString())
    del model.graph.node[-60_000:]
    model.metadata_props.add(key="x", value="y" * 40_000_000)
    with pytest.raises(ModelUnreadable, match="too large: it holds 40 MB of metadata"):
        OnnxFile(model.SerializeToString())


def _range(count: float) -> onnx.GraphProto:
    numbers = {"from": 0.0, "to": count, "by": 1.0}
    return helper.make_graph(
        [helper.make_node("Range", [*numbers], ["numbers"])],
        "many",
        [],
        [helper.make_tensor_value_info("numbers", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(one, np.float32), name) for name, one in numbers.items()],
    )


def _much_of_range(model: onnx.ModelProto) -> None:
    graph = _range(4e9)
    model.graph.node.extend(graph.node)
    model.graph.initializer.extend(graph.initializer)


def _much_within(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    branches: Any = {"then_branch": _range(4e9), "else_branch": _range(3.0)}
    model.graph.node.append(helper.make_node("If", ["yes"], ["some"], **branches))


def _much_of_one(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array([100_000] * 2), "size"))
    model.graph.node.append(helper.make_node("ConstantOfShape", ["size"], ["zeros"]))


@pytest.mark.parametrize("change", [_much_of_range, _much_within, _much_of_one])
def test_results_that_fit_into_no_memory_are_refused(tiny_model: Path, change: Change) -> None:
    model = onnx.load(tiny_model)
    change(model)
    with pytest.raises(ModelUnreadable, match=r"too large: .*, which does not fit into memory"):
        OnnxFile(model.SerializeToString())


def _with_functions(model: onnx.ModelProto, calls: dict[str, list[str]]) -> bytes:
    """The model, calling the first of these functions, each of which calls others in turn."""
    for name, called in calls.items():
        inner = ["in", *(f"x{n}" for n in range(len(called) - 1)), "out"]
        nodes = [
            helper.make_node(
                "Identity" if one == "Identity" else one,
                [inner[n]],
                [inner[n + 1]],
                domain="" if one == "Identity" else "mine",
            )
            for n, one in enumerate(called)
        ]
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
        model.functions.append(helper.make_function("mine", name, ["in"], ["out"], nodes, opsets))
    model.opset_import.append(helper.make_opsetid("mine", 1))
    last = model.graph.node[-1].output[0]
    model.graph.node.append(helper.make_node(next(iter(calls)), [last], ["unused"], domain="mine"))
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        ({f"f{n}": [f"f{n + 1}"] * 10 for n in range(5)} | {"f5": ["Identity"]}, "50,000"),
        ({f"f{n}": [f"f{n + 1}"] for n in range(101)} | {"f101": ["Identity"]}, "over 100 deep"),
        (
            {"f0": ["Identity"]}
            | {f"f{n}": [f"f{n + 1}"] for n in range(101, 0, -1)}
            | {"f102": ["Identity"]},
            "over 100 deep",
        ),
        ({"f0": ["f1"], "f1": ["f0"]}, "calls itself"),
    ],
    ids=["many", "deep", "deep from below", "circle"],
)
def test_functions_count_as_often_as_they_are_called(
    tiny_model: Path, calls: dict[str, list[str]], told: str
) -> None:
    with pytest.raises(ModelUnreadable, match=told):
        OnnxFile(_with_functions(onnx.load(tiny_model), calls))


def test_functions_within_the_limits_are_taken(tiny_model: Path) -> None:
    calls = {f"f{n}": [f"f{n + 1}"] * 2 for n in range(5)} | {"f5": ["Identity"]}
    file = OnnxFile(_with_functions(onnx.load(tiny_model), calls))
    assert file.spec == OnnxFile.load(tiny_model).spec


def test_a_loop_without_an_end_is_ended() -> None:
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes"]),
            helper.make_node("Identity", ["held"], ["holds"]),
        ],
        "body",
        [
            value("number", TensorProto.INT64, []),
            value("going", TensorProto.BOOL, []),
            value("held", TensorProto.FLOAT, [1]),
        ],
        [value("goes", TensorProto.BOOL, []), value("holds", TensorProto.FLOAT, [1])],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["", "yes", "x"], ["y"], body=body)],
        "endless",
        [value("x", TensorProto.FLOAT, [1])],
        [value("y", TensorProto.FLOAT, [1])],
        [numpy_helper.from_array(np.array(True), "yes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    started = time.monotonic()
    with pytest.raises(ModelUnreadable, match=r"m\.onnx did not finish within 0.5 s"):
        run_within(session, None, {"x": np.zeros(1, np.float32)}, seconds=0.5, where="m.onnx")
    assert time.monotonic() - started < 10


def test_what_is_printed_obeys_no_terminal(tiny_model: Path) -> None:
    model = onnx.load(tiny_model)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "\x1b[2J"
    assert OnnxFile(model.SerializeToString()).inputs == ["clip: uint8 (?[2J, 5, 8, 8, 3)"]
    model.graph.node[0].domain = "evil\x1b]0;title\x07\u202e\nerror: fake"
    with pytest.raises(ModelUnsafe, match=r"evil\?\]0;title\?\?\?error: fake\.Reshape"):
        OnnxFile(model.SerializeToString())


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00", b"PK\x03\x04" + bytes(200), bytes(5000), b"\xff" * 5000, b"\x89PNG\r\n\x1a\n"],
)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(ModelUnreadable, match="is not an ONNX model"):
        OnnxFile(content)


def test_random_bytes_are_refused() -> None:
    source = random.Random(0)
    for length in range(1, 400):
        with pytest.raises(ModelError):
            _ = OnnxFile(source.randbytes(length)).spec


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable):
        OnnxFile.load(tmp_path)
    if os.path.exists("/dev/zero"):
        with pytest.raises(ModelUnreadable, match="is not a regular file"):
            OnnxFile.load(Path("/dev/zero"))


def test_damage_never_ends_the_process(tiny_model: Path, tmp_path: Path) -> None:
    """Cut off and changed at many places, in a process of its own: onnxruntime is C++."""
    script = f"""
import random
from pathlib import Path
import numpy as np
from rtaction.errors import RtactionError
from rtaction.realtime.model.action_model import ActionModel
content = Path({str(tiny_model)!r}).read_bytes()
source = random.Random(3)
told = {{"refused": 0, "ran": 0}}
damaged = [content[:length] for length in range(0, len(content), 41)]
for _ in range(150):
    changed = bytearray(content)
    for _ in range(source.choice([1, 2, 5])):
        changed[source.randrange(len(changed))] ^= 1 << source.randrange(8)
    damaged.append(bytes(changed))
path = Path({str(tmp_path / "damaged.onnx")!r})
for one in damaged:
    path.write_bytes(one)
    try:
        model = ActionModel(path, device="cpu")
        clips = np.zeros((1, *model.spec.clip_shape), np.uint8)
        model.score(model.encode(clips[0])[np.newaxis])
        model.score_clips(clips)
        told["ran"] += 1
    except RtactionError as error:
        assert str(error) and "\\n" not in str(error), error
        told["refused"] += 1
print(told["refused"] > 50, told["ran"] > 0, sum(told.values()) == len(damaged))
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "True True True\n"), ran.stderr


def test_every_refusal_is_one_of_ours() -> None:
    assert issubclass(ModelUnsafe, RtactionError)
    assert ModelUnsafe.exit_code == 18
