"""The bundled model of people against motions that it has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.models import ACTIONS_MODEL
from rtaction.realtime.model.action_model import ActionModel
from rtaction.train.motions.floor import lie_down, sit_down
from rtaction.train.motions.timing import Numbers
from rtaction.train.motions.windows import BACKGROUND, LABELS, film, make_windows


@pytest.fixture(scope="module")
def model() -> ActionModel:
    return ActionModel(ACTIONS_MODEL, device="cpu")


def _scores(model: ActionModel, points: Numbers) -> Numbers:
    features = np.asarray(points, np.float32).reshape(len(points), 16, 51)
    return model.score(features)


def test_its_contract_is_that_of_the_motions(model: ActionModel) -> None:
    assert model.spec.labels == LABELS
    assert model.spec.background_label == BACKGROUND
    assert model.spec.frame_interval_seconds == pytest.approx(0.125)
    assert model.is_cut


def test_it_names_made_motions(model: ActionModel) -> None:
    windows = make_windows(np.random.default_rng(987), 3000)
    top = _scores(model, windows.points).argmax(axis=1)
    recall = [(top[windows.labels == label] == label).mean() for label in range(len(LABELS))]
    assert np.mean(recall) > 0.75
    assert recall[LABELS.index("fall")] > 0.8
    assert recall[LABELS.index(BACKGROUND)] > 0.85


def test_who_sits_down_does_not_fall_and_who_lies_down_hardly_ever(model: ActionModel) -> None:
    rng = np.random.default_rng(988)
    times = np.broadcast_to(np.arange(16, dtype=np.float32) / 8, (600, 16))
    for act, most in ((sit_down, 0.01), (lie_down, 0.09)):
        scores = _scores(model, film(rng, act(rng, times).motion, times))
        assert (scores[:, LABELS.index("fall")] > 0.7).mean() < most


def test_a_picture_without_anybody_is_nothing(model: ActionModel) -> None:
    scores = _scores(model, np.zeros((1, 16, 17, 3), np.float32))
    assert scores.sum() == pytest.approx(1.0, abs=1e-4)
    assert np.isfinite(scores).all()
