"""Networks that take one frame at a time and carry a state, whatever format their file has.

A network is read by what its file says: the picture is the largest float input of three channels,
every other input is a state, which begins with zeros and is then what the last frame left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array
from rtaction.errors import ModelUnreadable
from rtaction.video.pixels import prepare_image

Arrays = Mapping[str, npt.NDArray[Any]]
Pixels = Callable[[npt.NDArray[Any]], Float32Array]
"""From uint8 RGB, shape (height, width, 3), to what a network was trained on."""

_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def zero_to_one(image: npt.NDArray[Any]) -> Float32Array:
    """Pixels from 0 to 1, as for MoViNet."""
    return image.astype(np.float32) / np.float32(255)


def imagenet(image: npt.NDArray[Any]) -> Float32Array:
    """Pixels less ImageNet's mean, by its deviation, as for TSM."""
    return (zero_to_one(image) - _IMAGENET_MEAN) / _IMAGENET_DEVIATION


class Stream(Protocol):
    """What is compared: scores after each frame."""

    def reset(self) -> None:
        """Forget all frames."""

    def step(self, image: npt.NDArray[Any]) -> Float32Array:
        """The scores, shape (labels,), after one more frame: uint8 RGB, (height, width, 3)."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a network; a dimension that the file leaves open is 0."""

    name: str
    shape: tuple[int, ...]
    dtype: npt.DTypeLike


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded file.

    Args:
        inputs: in the file's order.
        outputs: in the file's order.
        run: one pass, from all inputs by name to all outputs by name.
        first_states: where they are not all zeros of the shapes of `inputs`. Default none.
    """

    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]
    run: Callable[[Arrays], Arrays]
    first_states: Arrays = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """Which input is the picture, and how it lies there."""

    name: str
    shape: tuple[int, ...]
    channels_first: bool

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        sides = self.shape[-2:] if self.channels_first else self.shape[-3:-1]
        return sides[0], sides[1]

    @classmethod
    def of(cls, inputs: Sequence[Tensor], size: int) -> Picture:
        """The picture among the inputs.

        Args:
            inputs: of a network.
            size: height and width in pixels, where the file leaves them open.

        Raises:
            ModelUnreadable: none is a picture.
        """
        found = list[Picture]()
        for one in inputs:
            shape = one.shape
            if len(shape) not in (4, 5) or np.dtype(one.dtype).kind != "f":
                continue
            if shape[-1] == 3:
                sides = tuple(side or size for side in shape[-3:-1])
                lead = (1,) * (len(shape) - 3)
                found.append(cls(one.name, (*lead, *sides, 3), channels_first=False))
            elif shape[-3] == 3:
                sides = tuple(side or size for side in shape[-2:])
                lead = (1,) * (len(shape) - 3)
                found.append(cls(one.name, (*lead, 3, *sides), channels_first=True))
        if not found:
            told = ", ".join(f"{one.name} {one.shape}" for one in inputs)
            raise ModelUnreadable(f"no input is a picture: float, 3 channels; there are {told}")
        return max(found, key=lambda one: one.size_hw)


def pair_states(states: Sequence[Tensor], outputs: Sequence[Tensor]) -> tuple[str, dict[str, str]]:
    """The output that holds the scores, and the output that each state continues in.

    Names that are the same pair; otherwise the outputs that are left over pair in order, and must
    have the states' shapes.

    Args:
        states: the inputs but the picture.
        outputs: all of them.

    Raises:
        ModelUnreadable: they do not pair.
    """
    names = {one.name for one in outputs}
    if names > {one.name for one in states}:
        (*rest,) = names - {one.name for one in states}
        if len(rest) == 1:
            return rest[0], {one.name: one.name for one in states}
    flat = [one for one in outputs if len(one.shape) == 2]
    if len(flat) == 1:
        left = [one for one in outputs if one is not flat[0]]
        if [_open(one) for one in left] == [_open(one) for one in states]:
            pairs = zip(states, left, strict=True)
            return flat[0].name, {state.name: output.name for state, output in pairs}
    told = [", ".join(f"{one.name} {one.shape}" for one in side) for side in (states, outputs)]
    raise ModelUnreadable(
        "each state must come back as an output, beside one of scores, (1, labels); the states "
        f"are {told[0] or 'none'}, the outputs {told[1]}"
    )


def _open(tensor: Tensor) -> tuple[tuple[int, ...], np.dtype[Any]]:
    return tuple(side or 1 for side in tensor.shape), np.dtype(tensor.dtype)


class CarryingStream:
    """Steps through a network, carrying its states.

    Args:
        network: one frame at a time.
        size: height and width of its pictures in pixels, where the file leaves them open.
        pixels: what it was trained on.

    Raises:
        ModelUnreadable: it has no picture, no state, or states that do not come back.
    """

    def __init__(self, network: Network, size: int, pixels: Pixels) -> None:
        self.picture = Picture.of(network.inputs, size)
        states = [one for one in network.inputs if one.name != self.picture.name]
        self._scores, self._continues = pair_states(states, network.outputs)
        self._network, self._pixels = network, pixels
        self._first = {one.name: np.zeros(*_open(one)) for one in states} | dict(
            network.first_states
        )
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self._states: Arrays = self._first

    def step(self, image: npt.NDArray[Any]) -> Float32Array:
        """The scores, shape (labels,), after one more frame: uint8 RGB, (height, width, 3)."""
        pixels = self._pixels(prepare_image(image, self.picture.size_hw))
        if self.picture.channels_first:
            pixels = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        outputs = self._network.run(
            {self.picture.name: pixels.reshape(self.picture.shape), **self._states}
        )
        self._states = {name: outputs[output] for name, output in self._continues.items()}
        return np.asarray(outputs[self._scores], np.float32).reshape(-1)

    @property
    def has_changed(self) -> bool:
        """Whether anything is carried: some state is no longer what it was before all frames."""
        return any(np.any(self._states[name] != first) for name, first in self._first.items())
