"""The benchmark of GPUs runs through without one, and says what it could not measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu.__main__ import PARTS, main, why_no_gpu
from rtaction.models import STARTER_MODEL
from rtaction.realtime.model.nvidia import num_gpus


def _results(path: Path) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads(path.read_text())["results"]
    return results


@pytest.mark.skipif(num_gpus() > 0, reason="here it would be measured")
def test_without_a_gpu_all_is_skipped_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--json", str(tmp_path / "results.json")])

    results = _results(tmp_path / "results.json")
    assert [one["part"] for one in results] == list(PARTS)
    assert {one["reason"] for one in results} == {why_no_gpu()}
    assert capsys.readouterr().out.count("skipped: ") == len(PARTS)


def test_on_the_cpu_the_same_code_is_run(tmp_path: Path) -> None:
    parts = ["placement", "binding", "precision", "batch"]
    words = ["--cpu", "--rounds", "1", "--models", str(STARTER_MODEL)]

    main([*words, "--parts", *parts, "--json", str(tmp_path / "results.json")])

    results = _results(tmp_path / "results.json")
    measured = {one["what"]: one for one in results if not one["skipped"]}
    assert measured["starter on cpu, encoder: where it says"]["value"] == 100
    assert measured["starter on cpu, head: where it says"]["value"] == 100
    assert [one["what"] for one in results if one["skipped"]] == ["TF32", "TensorRT"]
    kept = measured["starter, window: features stay on device"]
    assert float(kept["note"].removeprefix("scores differ by ")) < 1e-5
    half = measured["starter, window of 8: float16"]
    assert float(half["note"].split()[3].rstrip(",")) < 0.05
    assert "labels agree 100%" in half["note"]
    assert all(one["value"] > 0 for one in measured.values())
    assert {one["part"] for one in measured.values()} == set(parts)
