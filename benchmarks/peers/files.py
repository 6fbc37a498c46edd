"""Open a network's file: ONNX with onnxruntime, TFLite and SavedModel with TensorFlow."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.streams import Arrays, Network, Tensor
from rtaction.errors import MissingLibrary, ModelUnreadable
from rtaction.onnx_format.errors import LOADING_ERRORS
from rtaction.realtime.model.session import open_session, words_of

_DTYPES = {"tensor(float)": np.float32, "tensor(int32)": np.int32, "tensor(int64)": np.int64}


def open_network(path: Path, *, size: int, num_threads: int) -> Network:
    """Open a network that takes one frame at a time.

    Args:
        path: .onnx, .tflite, or the folder of a SavedModel.
        size: height and width of its pictures in pixels, where the file leaves them open.
        num_threads: of the CPU.

    Raises:
        MissingLibrary: it needs TensorFlow, which is not installed.
        ModelUnreadable: it is none of these, or has no signature.
    """
    if path.suffix == ".onnx":
        return _open_onnx(path, num_threads)
    if path.suffix == ".tflite":
        return _open_tflite(path, size, num_threads)
    if path.is_dir():
        return _open_saved_model(path, size, num_threads)
    raise ModelUnreadable(f"{path}: expected .onnx, .tflite or the folder of a SavedModel")


def _open_onnx(path: Path, num_threads: int) -> Network:
    # As rtaction's own networks are opened, so that the runtime is not what differs.
    try:
        session = open_session(path.read_bytes(), "cpu", num_threads=num_threads)
    except LOADING_ERRORS as error:
        raise ModelUnreadable(f"onnxruntime cannot load it: {words_of(error)}") from error
    names = [one.name for one in session.get_outputs()]

    def run(feed: Arrays) -> Arrays:
        return dict(zip(names, session.run(names, dict(feed)), strict=True))

    return Network(
        [_onnx_tensor(one) for one in session.get_inputs()],
        [_onnx_tensor(one) for one in session.get_outputs()],
        run,
    )


def _onnx_tensor(node: Any) -> Tensor:
    if node.type not in _DTYPES:
        raise ModelUnreadable(f"{node.name} is {node.type}; expected {', '.join(_DTYPES)}")
    shape = tuple(side if isinstance(side, int) else 0 for side in node.shape)
    return Tensor(node.name, shape, _DTYPES[node.type])


def _open_tflite(path: Path, size: int, num_threads: int) -> Network:
    interpreter = _interpreter()(model_path=str(path), num_threads=num_threads)
    signatures = list(interpreter.get_signature_list())
    if not signatures:
        raise ModelUnreadable(f"{path} has no signature; take one that names its states")
    runner = interpreter.get_signature_runner(signatures[0])
    sides = {name: _sides(one, size) for name, one in runner.get_input_details().items()}

    def run(feed: Arrays) -> Arrays:
        outputs: Arrays = runner(**feed)
        return outputs

    return Network(
        [
            Tensor(name, sides[name], one["dtype"])
            for name, one in runner.get_input_details().items()
        ],
        [
            Tensor(name, tuple(map(int, one["shape"])), one["dtype"])
            for name, one in runner.get_output_details().items()
        ],
        run,
    )


def _sides(details: dict[str, Any], size: int) -> tuple[int, ...]:
    """A shape; where the signature leaves a picture's sides open, the interpreter says 1."""
    signed = details.get("shape_signature", details["shape"])
    shape = tuple(int(side) if side > 0 else 1 for side in signed)
    is_open_picture = len(shape) in (4, 5) and shape[-1] == 3 and shape[-3:-1] == (1, 1)
    return (*shape[:-3], size, size, 3) if is_open_picture else shape


def _open_saved_model(path: Path, size: int, num_threads: int) -> Network:
    tensorflow = _tensorflow()
    threading = tensorflow.config.threading
    if threading.get_intra_op_parallelism_threads() != num_threads:
        try:
            threading.set_intra_op_parallelism_threads(num_threads)
            threading.set_inter_op_parallelism_threads(1)
        except RuntimeError as error:
            raise ModelUnreadable(
                f"{path}: TensorFlow already runs with other threads; open it before all else"
            ) from error
    loaded = tensorflow.saved_model.load(str(path))
    call = next((name for name in ("call", "serving_default") if name in loaded.signatures), None)
    if call is None:
        raise ModelUnreadable(f"{path} has no signature call or serving_default")
    function = loaded.signatures[call]
    inputs = [
        Tensor(name, tuple(side or 0 for side in one.shape), one.dtype.as_numpy_dtype)
        for name, one in function.structured_input_signature[1].items()
    ]
    outputs = [
        Tensor(name, tuple(side or 0 for side in one.shape), one.dtype.as_numpy_dtype)
        for name, one in function.structured_outputs.items()
    ]
    first: dict[str, Any] = {}
    if "init_states" in loaded.signatures:
        shape = tensorflow.constant([1, 1, size, size, 3])
        first = {name: one.numpy() for name, one in loaded.signatures["init_states"](shape).items()}

    def run(feed: Arrays) -> Arrays:
        answer = function(**{name: tensorflow.constant(one) for name, one in feed.items()})
        return {name: one.numpy() for name, one in answer.items()}

    kept = loaded  # the signatures hold no more than a weak link to the variables
    return Network(inputs, outputs, lambda feed: run(feed) if kept else {}, first)


def _interpreter() -> Any:
    """The class that runs TFLite files: of LiteRT where it is installed, else TensorFlow's."""
    if find_spec("ai_edge_litert") is not None:
        return import_module("ai_edge_litert.interpreter").Interpreter
    return _tensorflow().lite.Interpreter


def _tensorflow() -> Any:
    try:
        from rtaction.keras_tensorflow import tensorflow
    except MissingLibrary as error:
        raise MissingLibrary(re.sub(r"\s+", " ", str(error))) from None
    return tensorflow
