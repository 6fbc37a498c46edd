from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

import rtaction
from rtaction.errors import MissingLibrary
from rtaction.realtime.watching.stats import Histogram
from rtaction.serve.house.house import SinkView
from rtaction.serve.sinks.metrics import Metrics
from tests.project import ROOT
from tests.serve.sinks.doubles import LABELS, Room, record, view

DASHBOARD = ROOT / "examples" / "grafana.json"


def histogram(*seconds: float) -> Histogram:
    made = Histogram()
    for one in seconds:
        made.add(one)
    return made


@pytest.fixture
def room() -> Room:
    one = Room(
        view(
            num_frames=1000,
            num_labels=90,
            num_reconnects=2,
            drops={"late": 3, 'odd "reason"\n': 4},
            picture_age_seconds=0.04,
            latency=histogram(0.04, 0.12, 0.12, 7.0, 60.0),
            frame_age=histogram(0.02),
        ),
        view("yard", state="down", reason="no answer"),
        view("attic", state="resting"),
        view("bath", state="disabled", is_enabled=False),
    )
    mqtt = SinkView(name="mqtt", is_up=False, num_sent=5, num_waiting=2, num_missed=1)
    one.told = {
        "providers": ["CPUExecutionProvider"],
        "viewers": 3,
        "clips_bytes": 12_345,
        "sinks": [mqtt.to_dict(), SinkView(name="notify ntfys", is_up=None).to_dict()],
    }
    return one


@pytest.fixture
def metrics(room: Room) -> Metrics:
    one = Metrics()
    room.open(one)
    return one


def scraped(metrics: Metrics) -> dict[str, Metric]:
    """All families by their names, as Prometheus' own parser reads them."""
    text, content_type = metrics.metrics_text()
    assert content_type.startswith("text/plain; version=0.0.4")
    return {one.name: one for one in text_string_to_metric_families(text.decode())}


def values(families: dict[str, Metric], sample: str, **labels: str) -> list[float]:
    return [
        one.value
        for family in families.values()
        for one in family.samples
        if one.name == sample and labels.items() <= one.labels.items()
    ]


def test_all_figures_of_a_camera(metrics: Metrics) -> None:
    for label in ("fall", "fall", "wave"):
        metrics.event(record(label), "start")
        metrics.event(record(label), "end")
        metrics.event(record(label), "change")
    families = scraped(metrics)
    expected = {
        "rtaction_frames_total": 1000,
        "rtaction_predictions_total": 90,
        "rtaction_reconnects_total": 2,
        "rtaction_picture_age_seconds": 0.04,
        "rtaction_camera_up": 1,
        "rtaction_camera_ok": 1,
        "rtaction_camera_enabled": 1,
        "rtaction_camera_info": 1,
    }
    for name, value in expected.items():
        assert values(families, name, camera="front-door") == [value], name
    dropped = families["rtaction_frames_dropped"].samples
    assert {one.labels["reason"]: one.value for one in dropped} == {"late": 3, 'odd "reason"\n': 4}
    events = families["rtaction_events"].samples
    assert {
        one.labels["label"]: one.value for one in events if one.labels["camera"] == "front-door"
    } == {
        **dict.fromkeys(LABELS, 0),
        "fall": 2,
        "wave": 1,
    }
    types = {name: families[name].type for name in ("rtaction_frames", "rtaction_camera_up")}
    assert types == {"rtaction_frames": "counter", "rtaction_camera_up": "gauge"}


def test_histograms_are_cumulative(metrics: Metrics) -> None:
    families = scraped(metrics)
    assert families["rtaction_latency_seconds"].type == "histogram"
    samples = families["rtaction_latency_seconds"].samples
    buckets = {
        float(one.labels["le"]): one.value
        for one in samples
        if one.name == "rtaction_latency_seconds_bucket"
    }
    assert [buckets[at] for at in (0.03, 0.05, 0.1, 0.15, 5.0, 10.0, float("inf"))] == [
        *(0, 1, 1, 3, 3, 4, 5),
    ]
    assert values(families, "rtaction_latency_seconds_count") == [5]
    assert values(families, "rtaction_latency_seconds_sum") == [pytest.approx(67.28)]
    assert values(families, "rtaction_frame_age_seconds_count") == [1]


def test_what_is_not_watched_is_neither_up_nor_down(metrics: Metrics) -> None:
    families = scraped(metrics)
    up = {one.labels["camera"]: one.value for one in families["rtaction_camera_up"].samples}
    assert up == {"front-door": 1, "yard": 0}
    assert values(families, "rtaction_camera_enabled", camera="bath") == [0]
    assert values(families, "rtaction_camera_enabled", camera="attic") == [1]


def test_sinks_and_the_whole(metrics: Metrics) -> None:
    families = scraped(metrics)
    assert values(families, "rtaction_sink_up") == [0]
    for name, value in (("sent_total", 5), ("missed_total", 1), ("waiting", 2)):
        assert values(families, f"rtaction_sink_{name}", sink="mqtt") == [value]
    (build,) = families["rtaction_build_info"].samples
    assert build.labels["version"] == rtaction.__version__
    assert build.labels["providers"] == "CPUExecutionProvider"
    assert values(families, "rtaction_viewers") == [3]
    assert values(families, "rtaction_clips_bytes") == [12_345]
    assert values(families, "rtaction_ready") == [1]
    if sys.platform == "linux":
        assert values(families, "process_resident_memory_bytes")[0] > 1e6


def test_a_camera_that_goes_takes_its_events_along(room: Room, metrics: Metrics) -> None:
    metrics.event(record(camera="yard"), "start")
    assert values(scraped(metrics), "rtaction_events_total", camera="yard", label="fall") == [1]
    room.remove("yard")
    assert values(scraped(metrics), "rtaction_events_total", camera="yard") == []


def test_openmetrics_for_those_who_ask_for_it(metrics: Metrics) -> None:
    text, content_type = metrics.metrics_text("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    families: Any = openmetrics_families  # it has no types
    names = {one.name for one in families(text.decode())}
    assert {"rtaction_frames", "rtaction_latency_seconds"} <= names


def test_it_says_how_often_it_was_asked(metrics: Metrics) -> None:
    assert metrics.view() == SinkView(name="metrics", is_up=None)
    scraped(metrics)
    assert metrics.view() == SinkView(name="metrics", is_up=True, num_sent=1)


def test_without_prometheus_client_the_error_names_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingLibrary, match=r"install .*serve"):
        Metrics()


def expressions(thing: Any) -> list[str]:
    """All queries of a dashboard."""
    if isinstance(thing, dict):
        own = [thing[key] for key in ("expr", "definition") if key in thing]
        return own + [one for value in thing.values() for one in expressions(value)]
    return [one for value in thing for one in expressions(value)] if isinstance(thing, list) else []


def test_the_dashboard_asks_for_what_there_is(metrics: Metrics) -> None:
    dashboard = json.loads(Path(DASHBOARD).read_text(encoding="utf-8"))
    metrics.event(record(), "start")
    labels_of: dict[str, set[str]] = {}
    for family in scraped(metrics).values():
        for one in family.samples:
            labels_of.setdefault(one.name, set()).update(one.labels)
    asked = expressions(dashboard["panels"]) + expressions(dashboard["templating"])
    assert len(asked) > 20
    on_linux_only = set() if sys.platform == "linux" else {"process_"}
    for expression in asked:
        for name, matchers in re.findall(
            r"\b((?:rtaction|process)_\w+)(?:\{([^}]*)\})?", expression
        ):
            if any(name.startswith(one) for one in on_linux_only):
                continue
            assert name in labels_of, expression
            matched = set(re.findall(r"(\w+)=", matchers))
            grouped = re.findall(r"by \(([^)]*)\)", expression)
            wanted = matched | {one.strip() for group in grouped for one in group.split(",")}
            # Prometheus adds these itself.
            assert wanted - {"job", "instance"} <= labels_of[name], expression
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    assert (dashboard["uid"], dashboard["title"]) == ("rtaction", "rtaction")


def test_the_panels_do_not_overlap() -> None:
    dashboard = json.loads(Path(DASHBOARD).read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
