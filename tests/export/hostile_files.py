"""Files that would do harm: run code, read other files, take all memory; and what they must meet.

The code in them writes a marker, and the files that they refer to are pipes, at which whoever opens
them waits for ever.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from rtaction.keras_tensorflow import keras, tensorflow
from tests.export.networks import SPEC, layers, seeing

UNREADABLE, UNSAFE = 4, 18

Config = dict[str, Any]
Write = Callable[["Bench", Path], None]


class Bench:
    """Where hostile files are made.

    Args:
        folder: for the good model, the marker and the pipe.
    """

    def __init__(self, folder: Path) -> None:
        self.marker, self.pipe = folder / "marker", folder / "pipe.h5"
        os.mkfifo(self.pipe)
        self.good = folder / "good.keras"
        clip = keras.Input(SPEC.clip_shape, dtype="uint8")
        x = layers.TimeDistributed(seeing(SPEC.frame_shape))(layers.Rescaling(1 / 255)(clip))
        scores = layers.Dense(3, activation="softmax")(layers.GRU(4)(x))
        keras.Model(clip, scores).save(self.good)
        self.good_h5 = folder / "good.h5"
        keras.Model(clip, scores).save(self.good_h5)

    def members(self) -> dict[str, bytes]:
        """Of the good model."""
        with zipfile.ZipFile(self.good) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def pack(self, path: Path, members: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> None:
        with zipfile.ZipFile(path, "w", how) as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    def with_config(self, path: Path, change: Callable[[Config], None]) -> None:
        """The good model with another config, as `.keras`, or as `.h5` by the suffix."""
        if path.suffix == ".h5":
            path.write_bytes(self.good_h5.read_bytes())
            with h5py.File(path, "r+") as file:
                config = json.loads(file.attrs["model_config"])
                change(config)
                file.attrs["model_config"] = json.dumps(config)
            return
        members = self.members()
        config = json.loads(members["config.json"])
        change(config)
        self.pack(path, members | {"config.json": json.dumps(config).encode()})

    def with_weights(self, path: Path, change: Callable[[h5py.File], None]) -> None:
        """The good model with other weights, as `.keras`, or as `.h5` by the suffix."""
        if path.suffix == ".h5":
            path.write_bytes(self.good_h5.read_bytes())
            with h5py.File(path, "r+") as file:
                change(file)
            return
        members = self.members()
        loose = path.with_suffix(".weights")
        loose.write_bytes(members["model.weights.h5"])
        with h5py.File(loose, "r+") as file:
            change(file)
        self.pack(path, members | {"model.weights.h5": loose.read_bytes()})
        loose.unlink()

    def payload(self) -> Any:
        """A function that writes the marker."""
        marker = str(self.marker)
        return lambda x: (open(marker, "w"), x)[1]


def _layer(config: Config, class_name: str) -> Config:
    found: list[Config] = config["config"]["layers"]
    return [one for one in found if one["class_name"] == class_name][-1]


def _instead_of_dense(**fields: Any) -> Write:
    def write(bench: Bench, path: Path) -> None:
        bench.with_config(path, lambda config: _layer(config, "Dense").update(fields))

    return write


def _dense_with(**options: Any) -> Write:
    def write(bench: Bench, path: Path) -> None:
        bench.with_config(path, lambda config: _layer(config, "Dense")["config"].update(options))

    return write


def _more_layers(config: Config) -> None:
    found = config["config"]["layers"]
    found += [found[-1]] * 5_000


def _saved(*, nested: bool) -> Write:
    def write(bench: Bench, path: Path) -> None:
        clip = keras.Input(SPEC.clip_shape)
        layer: Any = layers.Lambda(bench.payload(), output_shape=lambda shape: shape)
        x = layers.TimeDistributed(layer)(clip) if nested else layer(clip)
        bench.marker.unlink(missing_ok=True)
        keras.Model(clip, layers.Dense(3)(layers.Flatten()(x))).save(path)
        bench.marker.unlink(missing_ok=True)

    return write


def _truncated(bench: Bench, path: Path) -> None:
    content = (bench.good_h5 if path.suffix == ".h5" else bench.good).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _other_zip(bench: Bench, path: Path) -> None:
    bench.pack(path, {"letter.txt": b"Dear reader"})


def _traversal(bench: Bench, path: Path) -> None:
    bench.pack(path, bench.members() | {"../../evil.py": b"raise SystemExit"})


def _bomb(member: str) -> Write:
    def write(bench: Bench, path: Path) -> None:
        bench.pack(path, bench.members() | {member: b" " * 60_000_000}, zipfile.ZIP_DEFLATED)

    return write


def _text(content: str) -> Write:
    def write(bench: Bench, path: Path) -> None:
        bench.pack(path, bench.members() | {"config.json": content.encode()})

    return write


def _clip_of(shape: list[int | None]) -> Write:
    def change(config: Config) -> None:
        _layer(config, "InputLayer")["config"]["batch_shape"] = shape
        frame = _layer(config, "TimeDistributed")["config"]["layer"]
        _layer(frame, "InputLayer")["config"]["batch_shape"] = [None, *shape[2:]]

    return lambda bench, path: bench.with_config(path, change)


def _link(make: Callable[[Bench], Any]) -> Write:
    def write(bench: Bench, path: Path) -> None:
        def change(file: h5py.File) -> None:
            file["more"] = make(bench)

        bench.with_weights(path, change)

    return write


def _external_values(bench: Bench, path: Path) -> None:
    def change(file: h5py.File) -> None:
        file.create_dataset("more", (4,), "f4", external=[(str(bench.pipe), 0, 16)])

    bench.with_weights(path, change)


def _virtual_values(bench: Bench, path: Path) -> None:
    def change(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource(str(bench.pipe), "x", (4,), "f4")
        file.create_virtual_dataset("more", layout)

    bench.with_weights(path, change)


def _huge_values(bench: Bench, path: Path) -> None:
    def change(file: h5py.File) -> None:
        file.create_dataset("more", (10**6, 10**6), "f4", chunks=(1000, 1000))

    bench.with_weights(path, change)


def _weights_only(bench: Bench, path: Path) -> None:
    path.write_bytes(bench.good_h5.read_bytes())
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]


class _Module(tensorflow.Module):  # type: ignore[misc]
    """A module with one computation."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        super().__init__()
        shape = [None, *SPEC.clip_shape]
        signature = [tensorflow.TensorSpec(shape, tensorflow.float32, name="clip")]
        self.serve = tensorflow.function(compute, input_signature=signature)


def _graph(extra: Callable[[Bench, Any], Any]) -> Write:
    def write(bench: Bench, path: Path) -> None:
        def compute(clip: Any) -> dict[str, Any]:
            with tensorflow.control_dependencies([extra(bench, clip)]):
                return {"scores": tensorflow.reduce_mean(clip, axis=[1, 2, 3])}

        module = _Module(compute)
        tensorflow.saved_model.save(module, path, signatures={"serving_default": module.serve})

    return write


def _write_file(bench: Bench, clip: Any) -> Any:
    return tensorflow.io.write_file(str(bench.marker), "x")


def _named_as_a_saver(bench: Bench, path: Path) -> None:
    """The name alone must not open the door that real savers need."""

    def _traced_save(clip: Any) -> dict[str, Any]:
        saved = tensorflow.raw_ops.SaveV2(
            prefix=str(bench.marker),
            tensor_names=["x"],
            shape_and_slices=[""],
            tensors=[tensorflow.constant(1.0)],
        )
        with tensorflow.control_dependencies([saved]):
            return {"scores": tensorflow.reduce_mean(clip, axis=[1, 2, 3])}

    module = _Module(_traced_save)
    tensorflow.saved_model.save(module, path, signatures={"serving_default": module.serve})


def _of_tensorflow_1(bench: Bench, path: Path) -> None:
    from rtaction.keras_tensorflow import saved_model_pb2

    _graph(lambda bench, clip: tensorflow.no_op())(bench, path)
    file = path / "saved_model.pb"
    stored = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    stored.meta_graphs[0].ClearField("object_graph_def")
    file.write_bytes(stored.SerializeToString())


def _read_file(bench: Bench, clip: Any) -> Any:
    return tensorflow.io.read_file(str(bench.pipe))


def _python(bench: Bench, clip: Any) -> Any:
    return tensorflow.py_function(bench.payload(), [clip], tensorflow.float32)


def _linked_variables(bench: Bench, path: Path) -> None:
    _graph(lambda bench, clip: tensorflow.no_op())(bench, path)
    elsewhere = path.with_suffix(".elsewhere")
    (path / "variables").rename(elsewhere)
    (path / "variables").symlink_to(elsewhere)


def _no_graph(bench: Bench, path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"\xff" * 100)


_RUN = {"module": "subprocess", "class_name": "function", "config": "run", "registered_name": "run"}
_PADDED = {
    "class_name": "__numpy__",
    "config": {"value": ["a"] * 40, "dtype": "<U25000000"},
}
_LAMBDA = {"class_name": "__lambda__", "config": {"value": ["", None, None]}}
_TYPE = {"class_name": "__typespec__", "spec_name": "Popen", "module": "subprocess", "config": []}

# Name of the file, how it is made, exit code, part of the sentence.
HOSTILE: list[tuple[str, Write, int, str]] = [
    ("text.keras", lambda bench, path: path.touch(), UNREADABLE, "is not a .keras"),
    ("empty.h5", lambda bench, path: path.touch(), UNREADABLE, "is not a .keras"),
    ("truncated.keras", _truncated, UNREADABLE, "is not a .keras"),
    ("truncated.h5", _truncated, UNREADABLE, "is damaged"),
    ("other.keras", _other_zip, UNREADABLE, "lacks config.json and model.weights.h5"),
    ("traversal.keras", _traversal, UNSAFE, "'../../evil.py' that would be unpacked outside"),
    ("config_bomb.keras", _bomb("config.json"), UNREADABLE, "would unpack from"),
    ("weights_bomb.keras", _bomb("model.weights.h5"), UNREADABLE, "would unpack from"),
    ("no_json.keras", _text("{"), UNREADABLE, "is not valid JSON"),
    ("list.keras", _text("[]"), UNREADABLE, "must be a JSON object, got list"),
    ("nothing.keras", _text("{}"), UNREADABLE, "does not contain a model"),
    ("deep.keras", _text("[" * 100_000 + "]" * 100_000), UNREADABLE, "is not valid JSON"),
    ("lambda.keras", _saved(nested=False), UNSAFE, "(Lambda) needs Python code stored in the file"),
    ("lambda_within.keras", _saved(nested=True), UNSAFE, "(Lambda) needs Python code"),
    ("lambda.h5", _saved(nested=False), UNSAFE, "(Lambda) needs Python code"),
    ("lambda_within.h5", _saved(nested=True), UNSAFE, "(Lambda) needs Python code"),
    (
        "cve_2025_1550.keras",
        _instead_of_dense(class_name="Lambda", config={"name": "x", "function": _RUN}),
        UNSAFE,
        "'x' (Lambda)",
    ),
    ("os_system.keras", _instead_of_dense(class_name="system", module="os"), UNSAFE, "from 'os'"),
    (
        "popen.keras",
        _instead_of_dense(class_name="Popen", module="subprocess", config={"args": "id"}),
        UNSAFE,
        "is not a Keras layer",
    ),
    (
        "get_file.keras",
        _instead_of_dense(class_name="get_file", module="keras.utils", config={"origin": "x"}),
        UNSAFE,
        "is not a Keras layer",
    ),
    (
        "inner_module.keras",
        _instead_of_dense(class_name="Dense", module="keras.src.utils.file_utils"),
        UNSAFE,
        "'keras.src.utils.file_utils'",
    ),
    (
        "padded_text.keras",
        _dense_with(bias_initializer=_PADDED),
        UNREADABLE,
        "a constant has the type '<U25000000'",
    ),
    (
        "many_layers.keras",
        lambda bench, path: bench.with_config(path, _more_layers),
        UNREADABLE,
        "has more than 5,000 layers",
    ),
    ("own.keras", _instead_of_dense(registered_name="mine>Dense"), UNSAFE, "'mine>Dense'"),
    ("function.keras", _dense_with(activation=_RUN), UNSAFE, "'run' of 'subprocess'"),
    ("function.h5", _dense_with(activation=_RUN), UNSAFE, "'run' of 'subprocess'"),
    (
        "eval.keras",
        _dense_with(activation=_RUN | {"module": "builtins", "config": "eval"}),
        UNSAFE,
        "'eval' of 'builtins'",
    ),
    ("marshalled.keras", _dense_with(activation=_LAMBDA), UNSAFE, "Python code stored"),
    ("marshalled.h5", _dense_with(activation=_LAMBDA), UNSAFE, "Python code stored"),
    ("initializer.keras", _dense_with(kernel_initializer=_TYPE), UNSAFE, "any class that can be"),
    (
        "vocabulary.keras",
        _instead_of_dense(class_name="StringLookup", config={"vocabulary": "/etc/passwd"}),
        UNSAFE,
        "a vocabulary that may be read from any file",
    ),
    (
        "saved_model_layer.keras",
        _instead_of_dense(class_name="TFSMLayer", config={"filepath": "/tmp/x"}),
        UNSAFE,
        "a SavedModel somewhere else",
    ),
    (
        "torch.keras",
        _instead_of_dense(class_name="TorchModuleWrapper", config={"module": "x"}),
        UNSAFE,
        "a pickled PyTorch module",
    ),
    ("units.keras", _dense_with(units=10**12), UNREADABLE, "declares weights of"),
    ("units.h5", _dense_with(units=10**12), UNREADABLE, "declares weights of"),
    (
        "repeat.keras",
        _instead_of_dense(class_name="RepeatVector", config={"name": "again", "n": 10**10}),
        UNREADABLE,
        "layer 'again' has the output shape (10000000000, 4), which does not fit into memory",
    ),
    (
        "at_once.keras",
        _instead_of_dense(
            module="keras.src.ops.numpy",
            class_name="Ones",
            registered_name="Ones",
            config={"name": "ones"},
            inbound_nodes=[{"args": [[10**6, 10**6]], "kwargs": {}}],
        ),
        UNSAFE,
        "is not a Keras layer",
    ),
    (
        "linear_at_once.keras",
        _instead_of_dense(
            module="keras.src.ops.numpy",
            class_name="Linspace",
            registered_name="Linspace",
            config={"name": "line", "num": 10**10},
            inbound_nodes=[{"args": [0.0, 1.0], "kwargs": {}}],
        ),
        UNREADABLE,
        "'line' (Linspace) is called without the output of a layer",
    ),
    ("no_units.keras", _dense_with(units="many"), UNREADABLE, "Keras cannot load"),
    ("clip.keras", _clip_of([None, 4, 10**6, 10**6, 3]), UNREADABLE, "takes clips of shape"),
    ("link.keras", _link(lambda one: h5py.ExternalLink(one.pipe, "/")), UNSAFE, "links to"),
    ("link.h5", _link(lambda one: h5py.ExternalLink(one.pipe, "/")), UNSAFE, "links to"),
    ("soft_link.keras", _link(lambda one: h5py.SoftLink("/layers")), UNSAFE, "links to '/layers'"),
    ("external.keras", _external_values, UNSAFE, "are in another file"),
    ("external.h5", _external_values, UNSAFE, "are in another file"),
    ("virtual.keras", _virtual_values, UNSAFE, "are in another file"),
    ("huge.keras", _huge_values, UNREADABLE, "declares weights of 4,000.0 GB"),
    ("huge.h5", _huge_values, UNREADABLE, "declares weights of 4,000.0 GB"),
    ("weights_only.h5", _weights_only, UNREADABLE, "contains weights without their layers"),
    ("write_file", _graph(_write_file), UNSAFE, "the operation WriteFile"),
    ("read_file", _graph(_read_file), UNSAFE, "the operation ReadFile"),
    ("py_function", _graph(_python), UNSAFE, "the operation EagerPyFunc"),
    ("named_as_a_saver", _named_as_a_saver, UNSAFE, "the operation SaveV2"),
    ("of_tensorflow_1", _of_tensorflow_1, UNSAFE, "was written by TensorFlow 1"),
    ("linked_variables", _linked_variables, UNSAFE, "is a link"),
    ("no_graph", _no_graph, UNREADABLE, "is not a SavedModel"),
    ("empty_folder", lambda bench, path: path.mkdir(), UNREADABLE, "does not contain a model"),
]
