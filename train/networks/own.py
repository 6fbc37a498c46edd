"""Networks that are not rtaction's: anyone's Keras model, or a function that builds it.

A function takes the contract (`rtaction.model_spec.ModelSpec`), of which it needs `clip_shape`,
which is (frames_per_clip, height, width, channels), and the number of `labels`; it returns a model
that is not compiled:

    def build(spec):
        clip = keras.Input(spec.clip_shape)
        x = layers.Rescaling(1 / 255)(clip)
        x = layers.TimeDistributed(layers.Conv2D(16, 3, strides=2, activation="relu"))(x)
        x = layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)
        x = layers.GRU(32)(x)
        return keras.Model(clip, layers.Dense(len(spec.labels), activation="softmax")(x))

The model takes pixels from 0 to 255, and gives a softmax or logits. It is put into a network like
those of `build`: from uint8 clips to softmax scores in float32.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.own_code import object_named, place_of
from rtaction.train.choices import is_own
from rtaction.train.networks.own_checks import (
    LOGITS,
    ending_of,
    is_built,
    own_objects,
    require_loadable,
)

layers = keras.layers

BUILT = "own:model"
"""The name of a model that was given without one."""

_EXPECTED = "expected a Keras 3 model, or a function of the contract (spec) that returns one"


class OwnNetwork:
    """A network of someone's own.

    Args:
        source: a `keras.Model` from one clip (batch, frames, height, width, channels) to one row of
            scores, of which copies are trained that start with its weights; or a function of a
            `ModelSpec` that returns a new one.
        name: names it in settings, messages and reports. Default: the function's module and name.

    Attributes:
        objects: classes and functions of layers that are not part of Keras, by name; those of the
            last network that was built.
        about: what was last built, for a person.
        weight_shapes: those of the last network that was built.

    Raises:
        UsageError: it is something else.
    """

    def __init__(self, source: Any, name: str | None = None) -> None:
        self.name = name or _name_of(source)
        self.model: Any = source if isinstance(source, keras.Model) else None
        if self.model is None and (isinstance(source, type) or not callable(source)):
            raise UsageError(f"{self.name}: {_EXPECTED}, got {_kind(source)}")
        self._function: Callable[[ModelSpec], Any] | None = None if self.model else source
        self.objects: dict[str, Any] = {}
        self.about = ""
        self.weight_shapes: list[tuple[int, ...]] = []

    @property
    def takes(self) -> tuple[int | None, ...] | None:
        """(frames, height, width, channels) of a built model's clips; None if it leaves it open."""
        inputs = getattr(self.model, "inputs", None) if is_built(self.model) else None
        if not inputs:
            return None
        shapes = [tuple(one.shape[1:]) for one in inputs]
        if len(shapes) != 1 or len(shapes[0]) != 4:
            raise UsageError(
                f"{self.name}: expected a model of one clip, (batch, frames, height, width, "
                f"channels), got {' and '.join(str((None, *one)) for one in shapes)}"
            )
        return shapes[0]

    @property
    def needs_trust(self) -> bool:
        """Whether its file names code that is not part of Keras."""
        return bool(self.objects)

    def build(self, spec: ModelSpec) -> Any:
        """A new network, checked: it fits the contract, and a saved one can be loaded again.

        Args:
            spec: shape of the clips, and the labels.

        Returns:
            A `keras.Model`, not compiled, from uint8 clips (batch, frames_per_clip, height, width,
            channels) to softmax scores, float32 (batch, num_labels).

        Raises:
            UsageError: it does not fit, or the function failed; the text says what to do.
        """
        model = self._made(spec)
        self._require_fitting(model, spec)
        clip = keras.Input(spec.clip_shape, dtype="uint8", name="clip")
        try:
            scores = model(keras.ops.cast(clip, _dtype_of(model)))
        except Exception as error:
            raise UsageError(
                f"{self.name}: the model cannot be called on clips of shape "
                f"{(None, *spec.clip_shape)}: {place_of(error)}"
            ) from error
        self._require_scores(scores, spec)
        gives = ending_of(model, clip, scores, self.name)
        if gives == LOGITS:
            scores = layers.Softmax(dtype="float32", name="scores")(scores)
        elif scores.dtype != "float32":
            scores = layers.Activation("linear", dtype="float32", name="scores")(scores)
        network = keras.Model(clip, scores, name="own")
        self.objects = own_objects(network)
        require_loadable(network, self.objects, self.name)
        self.weight_shapes = _shapes_of(network)
        added = ", so a softmax is added" if gives == LOGITS else ""
        self.about = f"{self.name}: {network.count_params():,} weights, gives {gives}{added}"
        return network

    def require_same(self, saved: Any) -> None:
        """Check that a network which a training has saved has the weights of what it builds now.

        Raises:
            UsageError: it has others.
        """
        if _shapes_of(saved) != self.weight_shapes:
            raise UsageError(
                f"--resume: {self.name} builds another network than that of the training: "
                f"{saved.count_params():,} weights are saved, and these are {self.about}; give the "
                "one that it began with, or train into a new folder"
            )

    def _made(self, spec: ModelSpec) -> Any:
        if self._function is None:
            return self._copied()
        try:
            inspect.signature(self._function).bind(spec)
        except TypeError as error:
            raise UsageError(
                f"{self.name}: expected a function of one argument, the contract (spec): {error}"
            ) from None
        except ValueError:  # some callables have no signature
            pass
        try:
            model = self._function(spec)
        except Exception as error:
            raise UsageError(f"{self.name} failed: {place_of(error)}") from error
        if not isinstance(model, keras.Model):
            raise UsageError(f"{self.name}: {_EXPECTED}; it returned {_kind(model)}")
        return model

    def _copied(self) -> Any:
        """A copy of the model with the weights that it was given with."""
        with keras.saving.custom_object_scope(own_objects(self.model)):
            try:
                copy = self.model.__class__.from_config(self.model.get_config())
                copy.set_weights(self.model.get_weights())
            except Exception as error:
                raise UsageError(
                    f"{self.name}: the model cannot be copied: {place_of(error)}; give a function "
                    "that builds it instead"
                ) from error
        return copy

    def _require_fitting(self, model: Any, spec: ModelSpec) -> None:
        inputs = model.inputs if is_built(model) else None
        if not inputs:
            return  # it takes what it is called on
        shapes = [tuple(one.shape) for one in inputs]
        wanted = (None, *spec.clip_shape)
        fits = len(shapes) == 1 and len(shapes[0]) == len(wanted)
        fits = fits and all(a in (None, b) for a, b in zip(shapes[0], wanted, strict=True))
        if not fits:
            raise UsageError(
                f"{self.name} takes clips of shape {' and '.join(map(str, shapes))}, but the "
                f"settings give {wanted} (batch, frames, height, width, channels; modality "
                f"{spec.modality}); {_way_out(shapes, spec)}"
            )

    def _require_scores(self, scores: Any, spec: ModelSpec) -> None:
        count = len(spec.labels)
        found = [tuple(one.shape) for one in keras.tree.flatten(scores)]
        if found != [(None, count)]:
            raise UsageError(
                f"{self.name} gives {' and '.join(map(str, found))} (batch, scores), but there are "
                f"{count} labels ({', '.join(spec.labels)}); end it with "
                f'keras.layers.Dense({count}, activation="softmax")'
            )


def own_network_named(name: str) -> OwnNetwork | None:
    """The own network that the setting `network` names; None if it is one of rtaction's.

    Raises:
        UsageError: it cannot be imported, or is something else.
    """
    if not is_own(name):
        return None
    if name == BUILT:
        raise UsageError(
            "this run was trained from Python, on a model; call rtaction.train.fit with that "
            "model again"
        )
    return OwnNetwork(object_named(name, option="--network"), name)


def _name_of(source: Any) -> str:
    if isinstance(source, keras.Model):
        return BUILT
    module, name = getattr(source, "__module__", None), getattr(source, "__qualname__", None)
    return f"{module}:{name}" if module and name else f"own:{type(source).__name__}"


def _kind(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    if kind.__module__.split(".")[0] == "tf_keras":
        return f"a {kind.__name__} of tf_keras, which is Keras 2"
    return f"the class {kind.__name__}" if kind is value else kind.__name__


def _dtype_of(model: Any) -> str:
    inputs = model.inputs if is_built(model) else None
    return str(inputs[0].dtype) if inputs else "float32"


def _shapes_of(network: Any) -> list[tuple[int, ...]]:
    return [tuple(one.shape) for one in network.weights]


def _way_out(shapes: Sequence[tuple[Any, ...]], spec: ModelSpec) -> str:
    if len(shapes) != 1 or len(shapes[0]) != 5 or shapes[0][0] is not None:
        return "build it with keras.Input(spec.clip_shape)"
    _, frames, height, width, channels = shapes[0]
    wanted = {"--frames": frames, "--height": height, "--width": width}
    has = {"--frames": spec.frames_per_clip, "--height": spec.height, "--width": spec.width}
    options = [f"{k} {v}" for k, v in wanted.items() if v not in (None, has[k])]
    if channels not in (None, spec.channels):
        options.append(f"a --modality of {channels} channels")
    return f"give {', '.join(options)}, or build it with keras.Input(spec.clip_shape)"
