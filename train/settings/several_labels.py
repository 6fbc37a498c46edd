"""What makes no sense in a training on several labels at once."""

from __future__ import annotations

from rtaction.errors import UsageError
from rtaction.train.choices import DTPP, is_own
from rtaction.train.settings.config import TrainConfig


def require_separable(config: TrainConfig, *, folds: bool = False) -> None:
    """Refuse settings that a training on several labels at once cannot obey.

    Args:
        config: the settings.
        folds: whether it is a cross-validation. Default False.

    Raises:
        UsageError: there is one.
    """
    if not config.multi_label:
        return
    refused = {
        "--background": (
            config.background_label is not None,
            "no action is when no label reaches its threshold; leave the label empty in the lines "
            "of videos that show none",
        ),
        "--solver ridge": (
            config.solver == "ridge",
            "it fits one label to each video; leave it out, to train by steps",
        ),
        "--balance sampling": (
            config.balance == "sampling",
            "a clip of a rare label may have a frequent one as well; leave it out",
        ),
        "--auto": (
            config.chosen_but is not None,
            "its trials judge one label for each video; give the settings, such as --network "
            "lite0 --pretrained --trainable-layers 0",
        ),
        f"--network {config.network}": (
            config.network == DTPP or is_own(config.network),
            "its scores are shares of one label; choose another network",
        ),
        "--folds": (folds, "its figures are of one label for each video; use --test-fraction"),
    }
    for option, (is_set, reason) in refused.items():
        if is_set:
            raise UsageError(f"{option} and --multi-label cannot be combined: {reason}")
