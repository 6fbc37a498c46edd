"""What tells Home Assistant of cameras and labels, by MQTT discovery.

One retained message for each camera announces a device with all its entities ("device discovery",
https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload, Home Assistant 2024.12 or
newer). An empty message removes the device, and an entity of which nothing but its platform is said
is removed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import rtaction
from rtaction.serve.house.views import CameraView
from rtaction.serve.sinks.mqtt.topics import ACTION, ENABLED, SNAPSHOT, STATE, Topics, slug

_SAFETY = frozenset(
    [
        *("aggression", "attack", "choke", "climb", "collapse", "fall", "falling", "fell"),
        *("fight", "fighting", "hit", "intruder", "kick", "lying", "punch", "push", "violence"),
    ]
)
"""Words of labels that are no mere motion."""


def discovery_topic(discovery_prefix: str, topics: Topics, camera: str) -> str:
    """Where a camera is announced.

    Home Assistant 2025.1 does not remove what was announced by a topic with a node id.
    """
    return f"{discovery_prefix}/device/{_device_id(topics, camera)}/config"


def birth_topic(discovery_prefix: str) -> str:
    """Where Home Assistant says "online" when it has started."""
    return f"{discovery_prefix}/status"


def announcement(
    topics: Topics,
    view: CameraView,
    labels: Mapping[str, str],
    *,
    has_snapshots: bool,
    gone: Collection[str] = (),
) -> dict[str, Any]:
    """What announces a camera, for JSON.

    Args:
        topics: where its values are.
        view: the camera.
        labels: the last part of each label's topic, see `label_topics`.
        has_snapshots: whether there is a topic with a picture.
        gone: the same for labels that it has no longer.
    """
    device = _device_id(topics, view.id)
    entities: dict[str, dict[str, Any]] = {
        f"label_{name}": {
            "platform": "binary_sensor",
            "name": label.replace("_", " ").capitalize(),
            "state_topic": topics.of(view.id, name),
            "device_class": device_class(label),
        }
        for label, name in labels.items()
    }
    entities["last_action"] = {
        "platform": "sensor",
        "name": "Last action",
        "icon": "mdi:run",
        "state_topic": topics.of(view.id, ACTION),
        "value_template": "{{ value_json.label }}",
        "json_attributes_topic": topics.of(view.id, ACTION),
    }
    entities["state"] = {
        "platform": "sensor",
        "name": "State",
        "icon": "mdi:cctv",
        "entity_category": "diagnostic",
        "state_topic": topics.of(view.id, STATE),
        "value_template": "{{ value_json.state }}",
        "json_attributes_topic": topics.of(view.id, STATE),
    }
    entities["enabled"] = {
        "platform": "switch",
        "name": "Recognition",
        "icon": "mdi:eye",
        "state_topic": topics.of(view.id, ENABLED),
        "command_topic": topics.commands(view.id),
    }
    if has_snapshots:
        entities["snapshot"] = {
            "platform": "image",
            "name": "Last action",
            "image_topic": topics.of(view.id, SNAPSHOT),
            "content_type": "image/jpeg",
        }
    for key, entity in entities.items():
        entity["unique_id"] = f"{device}_{key}"
    removed = {f"label_{name}": {"platform": "binary_sensor"} for name in gone}
    return {
        "device": {
            "identifiers": [device],
            "name": view.name,
            "manufacturer": "rtaction",
            "model": view.model or "camera",
            "sw_version": rtaction.__version__,
        },
        "origin": {"name": "rtaction", "sw_version": rtaction.__version__},
        "availability": [{"topic": topics.status}],
        "components": removed | entities,
    }


def device_class(label: str) -> str:
    """How Home Assistant shows a label: "safety" (unsafe or safe) or "motion"."""
    return "safety" if _SAFETY & set(slug(label).split("_")) else "motion"


def _device_id(topics: Topics, camera: str) -> str:
    return f"{slug(topics.prefix)}_{slug(camera)}"
