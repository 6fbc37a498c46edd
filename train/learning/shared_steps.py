"""A network that the workers of a team train together; see `rtaction.train.settings.team`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtaction.keras_tensorflow import keras, tensorflow
from rtaction.train.learning.stream_loss import loss_and_metrics
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.team import Team

Tensor = Any


def shared(part: Any, config: TrainConfig, team: Team) -> Any:
    """The network to fit: `part` itself, or one of its layers and optimizer that a team trains.

    Args:
        part: a compiled network.
        config: the settings.
        team: of this worker.
    """
    if team.strategy is None:
        return part
    network = SharedNetwork(part.input, part.output)
    network.team = team
    loss, metrics = loss_and_metrics(config, num_axes=len(part.output.shape))
    network.compile(optimizer=part.optimizer, loss=loss, metrics=metrics)
    network.make_figures()
    return network


class SharedNetwork(keras.Model):  # type: ignore[misc]
    """Takes the step of a whole batch, of which each worker sees a part.

    Gradients and figures are those of all parts together, each with the weight of its clips, so all
    workers take the same step and report the same figures. The network's metrics must be sums of
    clips, as means are.

    Attributes:
        team: of this worker.
    """

    team: Team
    train_function: Any
    test_function: Any

    def make_figures(self) -> None:
        """Make the variables of the metrics, which Keras would do in the first step."""
        scores = tensorflow.zeros((1, *self.output.shape[1:]))
        self.compute_metrics(None, tensorflow.zeros((1, scores.shape[-1])), scores)
        self.reset_metrics()

    def make_train_function(self, force: bool = False) -> None:
        """Build what `fit` calls for each batch."""
        if self.train_function is None or force:
            self.train_function = self._together(self._train_on_part)

    def make_test_function(self, force: bool = False) -> None:
        """Build what `evaluate` calls for each batch."""
        if self.test_function is None or force:
            self.test_function = self._together(self._test_on_part)

    def _together(self, step: Callable[[Any], list[Tensor]]) -> Callable[[Any], dict[str, Tensor]]:
        @tensorflow.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
        def on_next(batches: Any) -> dict[str, Tensor]:
            gradients = self.team.strategy.run(step, args=(next(batches),))
            if gradients:
                self.optimizer.apply(gradients, self.trainable_variables)
            return dict(self.get_metrics_result())

        # It takes the iterator, whose batches are of any size: a worker that traced it again for
        # another size would number its messages differently from the others.
        traced: Callable[[Any], dict[str, Tensor]] = tensorflow.function(on_next)
        return on_next if self.run_eagerly else traced

    def _train_on_part(self, data: Any) -> list[Tensor]:
        """The gradients of the whole batch."""
        before = self._figures()
        with tensorflow.GradientTape() as tape:
            loss, num_clips = self._judged(data, training=True)
            total = self.optimizer.scale_loss(loss * num_clips)
        gradients = [
            tensorflow.zeros_like(variable) if one is None else tensorflow.convert_to_tensor(one)
            for one, variable in zip(
                tape.gradient(total, self.trainable_variables),
                self.trainable_variables,
                strict=True,
            )
        ]
        increases = self._increases(before)
        of_all, *sums = self.team.sums([num_clips, *gradients, *increases])
        self._set_figures(before, sums[len(gradients) :])
        return [one / of_all for one in sums[: len(gradients)]]

    def _test_on_part(self, data: Any) -> list[Tensor]:
        before = self._figures()
        self._judged(data, training=False)
        self._set_figures(before, self.team.sums(self._increases(before)))
        return []

    def _judged(self, data: Any, *, training: bool) -> tuple[Tensor, Tensor]:
        """The mean loss of a part, and the number of its clips; counts both in the figures."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        num_clips = tensorflow.cast(tensorflow.shape(x)[0], tensorflow.float32)
        scores = self(x, training=training)
        loss = self._compute_loss(x=x, y=y, y_pred=scores, sample_weight=weights, training=training)
        # Keras has divided it by the number of replicas.
        loss = loss * tensorflow.cast(self.team.count, loss.dtype)
        self._loss_tracker.update_state(loss, sample_weight=num_clips)
        self.compute_metrics(x, y, scores, weights)
        return loss, num_clips

    def _counts(self) -> list[Any]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def _figures(self) -> list[Tensor]:
        return [tensorflow.identity(one) for one in self._counts()]

    def _increases(self, before: list[Tensor]) -> list[Tensor]:
        return [one - old for one, old in zip(self._counts(), before, strict=True)]

    def _set_figures(self, before: list[Tensor], increases: list[Tensor]) -> None:
        for one, old, increase in zip(self._counts(), before, increases, strict=True):
            one.assign(old + increase)
