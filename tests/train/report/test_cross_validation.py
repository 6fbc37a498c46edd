from __future__ import annotations

from io import StringIO

from rich.console import Console

from rtaction.train.judging.cross_validated import CrossValidation
from rtaction.train.report.cross_validation import print_cross_validation
from tests.train.judging.test_cross_validated import two_repeats


def printed(found: CrossValidation) -> list[str]:
    said = StringIO()
    print_cross_validation(Console(file=said, width=80), found)
    return [line.rstrip() for line in said.getvalue().splitlines()]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_folds_repeats_and_their_mean_are_told() -> None:
    rows = [cells(line) for line in printed(two_repeats())]
    assert ["1", "2", "3", "2", "7", "57.1 %", "66.7 %"] in rows
    assert ["1", "all", "5", "3", "", "66.7 %", "80.0 %"] in rows
    assert ["2", "all", "5", "3", "", "66.7 %", "60.0 %"] in rows
    assert ["mean", "", "", "", "", "66.7 %", "70.0 %"] in rows


def test_labels_are_told_apart() -> None:
    rows = [cells(line) for line in printed(two_repeats())]
    assert ["wave", "3", "83.3 %"] in [row[:3] for row in rows]
    assert ["1 clap", "2", "2"] in rows
    assert ["2 wave", "1", "5"] in rows


def test_how_sure_it_is_comes_last() -> None:
    found = two_repeats()
    low, high = 100 * found.video_accuracy.low, 100 * found.video_accuracy.high
    assert printed(found)[-5:] == [
        f"right on 70.0 % of videos (95 % interval: {low:.1f} to {high:.1f} %)",
        f"right on 66.7 % of windows (95 % interval: {100 * found.window_accuracy.low:.1f} to "
        f"{100 * found.window_accuracy.high:.1f} %)",
        "standard deviation over 2 repeats, by video: 14.1 %",
        "always saying 'wave' would be right on 60.0 % of videos",
        "5 videos of 3 groups; 1 skipped; over so few groups the intervals are too narrow",
    ]
    single = printed(CrossValidation(found.folds[:2]))
    assert not any("standard deviation" in line for line in single)
    assert "mean" not in [cells(line)[0] for line in single]


def test_it_fits_a_terminal() -> None:
    assert max(map(len, printed(two_repeats()))) <= 80
