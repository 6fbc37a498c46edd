"""What a training has come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rtaction.evaluation.estimate import Estimate
from rtaction.evaluation.text import counted
from rtaction.train.report.judged_clips import JudgedClips


@dataclass(frozen=True, eq=False)
class TrainResult:
    """The result of a training; printed, it says how good the network is.

    Args:
        model: path of the final network.
        num_epochs: finished epochs, including those before a resume.
        validation: the validation clips with their scores.
        test: the test clips with their scores; None without test clips.
    """

    model: Path
    num_epochs: int
    validation: JudgedClips = field(repr=False)
    test: JudgedClips | None = field(repr=False)

    @property
    def accuracy(self) -> Estimate:
        """Share of the test videos that are named rightly; without any, of the validation videos.

        Of videos that may show several labels, share of the clips whose labels are all right.
        """
        return (self.test or self.validation).accuracy

    def __str__(self) -> str:
        judged = {"test": self.test, "validation": self.validation}
        lines = [line for name, one in judged.items() if one for line in one.lines(name)]
        return "\n".join([f"{self.model}: {counted(self.num_epochs, 'epoch')}", *lines])
