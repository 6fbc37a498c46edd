"""What the JSON of the API holds, as JSON Schema."""

from __future__ import annotations

from typing import Any, get_args

from rtaction.realtime.windows.state import State
from rtaction.serve.house.school import LessonState

Schema = dict[str, Any]


def _object(about: str, **properties: Schema) -> Schema:
    """An object that has all of these and no other."""
    return {
        "type": "object",
        "description": about,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _a(kind: str, about: str, **more: Any) -> Schema:
    return {"type": kind, "description": about, **more}


def _or_null(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _list_of(schema: Schema, about: str = "") -> Schema:
    return {"type": "array", "items": schema, **({"description": about} if about else {})}


def _map_of(schema: Schema, about: str) -> Schema:
    return {"type": "object", "additionalProperties": schema, "description": about}


def reference(name: str) -> Schema:
    """The schema of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


_SCORE = {"type": "number", "minimum": 0, "maximum": 1}
_COUNT = {"type": "integer", "minimum": 0}
_POSITIVE = {"type": "number", "minimum": 0}
_TIME = _a("string", "ISO 8601 in UTC, with milliseconds.", format="date-time")
_ID = {"type": "string", "pattern": "^[A-Za-z0-9-]+$"}
_CORNERS = _list_of(
    {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    "x and y of each corner, as shares of the picture's width and height.",
)
_BOX: Schema = {
    "type": ["array", "null"],
    "items": {"type": "number"},
    "minItems": 4,
    "maxItems": 4,
    "description": "Top, left, bottom and right, as shares of the picture's height and width.",
}
_SCORES = _list_of(
    _object("A label and its smoothed score.", label={"type": "string"}, score=_SCORE),
    "The best labels, best first.",
)
_QUANTILES = _a(
    "object",
    "p50, p95 and p99, in seconds; null where there was nothing yet.",
    properties={name: {"type": ["number", "null"]} for name in ("p50", "p95", "p99")},
)

_CAMERA = _object(
    "How a camera is right now.",
    id={**_ID, "description": "Lasting, for addresses."},
    name=_a("string", "For a person."),
    enabled=_a("boolean", "As a person set it."),
    state=_a(
        "string",
        "Labels are given in ok only.",
        enum=[*get_args(State), "disabled", "resting"],
    ),
    reason=_a("string", "Why not, for a person; empty if the state says it all."),
    since=_TIME,
    picture_age_seconds={
        **_or_null(_POSITIVE),
        "description": "Age of the newest picture; null if there was none.",
    },
    frames_per_second=_POSITIVE,
    labels_per_second=_POSITIVE,
    scores=_SCORES,
    active=_list_of({"type": "string"}, "Labels of the events that go on."),
    people=_list_of(
        _object(
            "Somebody who is seen now.",
            person={"type": "integer"},
            label=_or_null({"type": "string"}),
            score=_SCORE,
            box=_BOX,
        )
    ),
    zones=_map_of(_CORNERS, "Zones by name."),
    masks=_list_of(_CORNERS, "Polygons that are black in every picture."),
    model=_a("string", "File name of the model."),
    labels=_list_of({"type": "string"}, "All labels that events may have."),
    thresholds=_map_of(_SCORE, "Score at which an event of a label starts."),
    drops=_map_of(_COUNT, "Frames and windows that were not used, by reason."),
    frames=_COUNT,
    predictions=_COUNT,
    events=_COUNT,
    reconnects=_COUNT,
)

_EVENT = _object(
    "An action that started and perhaps ended.",
    id={**_ID, "description": "Ids sort by time."},
    camera=_ID,
    camera_name={"type": "string"},
    label={"type": "string"},
    started_at=_TIME,
    ended_at={**_or_null(_TIME), "description": "null while it goes on."},
    duration_seconds=_or_null(_POSITIVE),
    peak_score=_SCORE,
    model={"type": "string"},
    person=_or_null({"type": "integer"}),
    box=_BOX,
    zones=_list_of({"type": "string"}),
    clip=_or_null(_a("string", "Name of the video's file; null if there is none.")),
    snapshot=_or_null(_a("string", "Name of the picture's file; null if there is none.")),
    verdict=_or_null(_a("string", "What a person said: right, wrong or another label.")),
)

_SINK = _object(
    "Somebody who is told of events.",
    name={"type": "string"},
    up=_or_null(_a("boolean", "Whether the last attempt worked; null before the first.")),
    reason={"type": "string"},
    sent=_COUNT,
    waiting=_COUNT,
    missed=_COUNT,
)

_MACHINE_PARTS: dict[str, Schema] = {
    "version": {"type": "string"},
    "started_at": _TIME,
    "uptime_seconds": _POSITIVE,
    "providers": _list_of({"type": "string"}, "What the networks run on."),
    "frames_per_second": _POSITIVE,
    "labels_per_second": _POSITIVE,
    "latency_seconds": _QUANTILES,
    "picture_age_seconds": _QUANTILES,
    "drops": _map_of(_COUNT, "Frames and windows that were not used, by reason."),
    "reconnects": _COUNT,
    "memory_bytes": _COUNT,
    "cores_in_use": _POSITIVE,
    "clips_bytes": _COUNT,
    "viewers": {**_COUNT, "description": "Streams of pictures and news that flow."},
    "sinks": _list_of(_SINK),
}
_MACHINE = {
    **_object("How the machine is.", **_MACHINE_PARTS),
    "additionalProperties": True,
}

_CAMERA_CHANGE: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "enabled": {"type": "boolean"},
        "thresholds": _map_of(
            {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "Score by label, * for all; null takes back what was set.",
        ),
    },
    "example": {"enabled": True, "thresholds": {"wave": 0.6}},
}

_LESSON = _object(
    "Labels that somebody teaches, with their takes.",
    id={**_ID, "description": "Ids sort by time."},
    takes=_list_of(_object("How many takes a label has.", label={"type": "string"}, count=_COUNT)),
    state=_a("string", "recording until it is learned.", enum=list(get_args(LessonState))),
    progress={**_SCORE, "description": "Of learning."},
    report=_list_of({"type": "string"}, "For a person: how good the model is, or why none is."),
    has_model=_a("boolean", "Whether a model can be had; it may be of earlier takes."),
)

_SEEN = _object(
    "What is seen in a picture of a browser's camera.",
    state=_a("string", "Labels are given in ok only.", enum=list(get_args(State))),
    people=_list_of(
        _object(
            "Somebody who is seen now.",
            person={"type": "integer"},
            label=_or_null({"type": "string"}),
            score=_SCORE,
            box=_BOX,
            joints=_or_null(
                _list_of(
                    {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3},
                    "x and y of each of 17 joints, as shares of the picture's width and height, "
                    "and its score; null if the model reads none.",
                )
            ),
        )
    ),
    scores=_SCORES,
    events=_list_of({"type": "string"}, "Labels of the events that go on."),
    recording=_or_null(
        _object("A take that goes on.", label={"type": "string"}, seconds_left=_POSITIVE)
    ),
    take=_or_null(
        _object(
            "A take that has just ended.",
            label={"type": "string"},
            kept={"type": "boolean"},
            reason=_a("string", "Why it was not kept."),
        )
    ),
)

SCHEMAS: dict[str, Schema] = {
    "Camera": _CAMERA,
    "Cameras": _object("All cameras.", cameras=_list_of(reference("Camera"))),
    "CameraChange": _CAMERA_CHANGE,
    "Offer": _object(
        "A session description by RFC 8866, of a peer that wants one video.",
        sdp={"type": "string"},
        type={"const": "offer"},
    ),
    "PeerAnswer": _object(
        "The session description in answer.", sdp={"type": "string"}, type={"const": "answer"}
    ),
    "Features": _object(
        "What may be installed or not.",
        webrtc=_a("boolean", "Whether pictures may be had over WebRTC."),
    ),
    "Event": _EVENT,
    "Events": _object(
        "Events, newest first.",
        events=_list_of(reference("Event")),
        next={**_or_null(_ID), "description": "`before` of the next page; null at the end."},
    ),
    "Verdict": {
        **_object("What a person says of an event.", verdict={"type": "string"}),
        "example": {"verdict": "right"},
    },
    "Lesson": _LESSON,
    "Lessons": _object("All lessons, newest first.", lessons=_list_of(reference("Lesson"))),
    "Seen": _SEEN,
    "Machine": _MACHINE,
    "Reloaded": _object("What has changed.", changed=_a("string", "For a person.")),
    "Status": _object("How it is.", status={"type": "string"}),
    "Error": _object("What went wrong.", error=_a("string", "In plain English.")),
}
"""By the names that `Answer.schema` and `Endpoint.body` use."""
