from __future__ import annotations

import json
import re

import pytest

from rtaction.serve.sinks.mqtt.home_assistant import announcement, device_class, discovery_topic
from rtaction.serve.sinks.mqtt.topics import Topics, label_topics
from tests.serve.sinks.doubles import view

TOPICS = Topics("home/rtaction")
# What Home Assistant's schemas require of each platform, and what they know beside it:
# https://github.com/home-assistant/core/tree/dev/homeassistant/components/mqtt
REQUIRED = {
    "binary_sensor": {"state_topic"},
    "sensor": {"state_topic"},
    "switch": {"command_topic"},
    "image": {"image_topic"},
}
KNOWN = {
    "platform",
    "name",
    "unique_id",
    "icon",
    "device_class",
    "entity_category",
    "state_topic",
    "command_topic",
    "image_topic",
    "content_type",
    "value_template",
    "json_attributes_topic",
}


def test_an_announcement_is_what_home_assistant_expects() -> None:
    shown = view(labels=("fall", "wave", "State"))
    labels = label_topics(shown.labels)
    told = announcement(TOPICS, shown, labels, has_snapshots=True, gone=["old"])
    told = json.loads(json.dumps(told))
    assert set(told) == {"device", "origin", "availability", "components"}
    assert told["device"]["identifiers"] == ["home_rtaction_front_door"]
    assert told["origin"]["name"]
    assert told["availability"] == [{"topic": "home/rtaction/status"}]
    components = told["components"]
    assert components.pop("label_old") == {"platform": "binary_sensor"}
    for one in components.values():
        assert REQUIRED[one["platform"]] <= set(one) <= KNOWN
    assert len({one["unique_id"] for one in components.values()}) == len(components) == 7
    assert components["label_fall"]["device_class"] == "safety"
    assert components["label_fall"]["name"] == "Fall"
    assert components["label_wave"]["device_class"] == "motion"
    assert components["label_state_2"]["state_topic"] == "home/rtaction/front-door/state_2"
    assert components["state"]["state_topic"] == "home/rtaction/front-door/state"
    assert components["enabled"]["command_topic"] == "home/rtaction/front-door/enabled/set"


def test_without_pictures_there_is_no_image() -> None:
    shown = view()
    told = announcement(TOPICS, shown, label_topics(shown.labels), has_snapshots=False)
    assert "image" not in {one["platform"] for one in told["components"].values()}


def test_the_topic_is_one_that_home_assistant_listens_to() -> None:
    # homeassistant/components/mqtt/discovery.py, TOPIC_MATCHER
    matcher = r"(?P<component>\w+)/(?:(?P<node>[a-zA-Z0-9_-]+)/)?(?P<object>[a-zA-Z0-9_-]+)/config"
    topic = discovery_topic("homeassistant", TOPICS, "front-door")
    found = re.fullmatch(matcher, topic.removeprefix("homeassistant/"))
    assert found is not None
    assert found.groupdict() == {
        "component": "device",
        "node": None,
        "object": "home_rtaction_front_door",
    }


@pytest.mark.parametrize(
    ("label", "expected"),
    [("fall", "safety"), ("fall_down", "safety"), ("fallow deer", "motion"), ("clap", "motion")],
)
def test_device_class(label: str, expected: str) -> None:
    assert device_class(label) == expected


def test_topics_of_labels_are_unique() -> None:
    labels = ("Sit down", "sit-down", "Fünf", "手", "脚", "action")
    assert list(label_topics(labels).values()) == [
        "sit_down",
        "sit_down_2",
        "funf",
        "unnamed",
        "unnamed_2",
        "action_2",
    ]
