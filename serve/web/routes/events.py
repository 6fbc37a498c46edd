"""Events: which there were, their videos and pictures, and what a person says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.responses import FileResponse, Response, StreamingResponse

from rtaction.errors import UsageError
from rtaction.serve.house.house import Query
from rtaction.serve.web.endpoint import Answer, Asked, Endpoint, Parameter

_MEDIA = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
}
_LASTING = {"Cache-Control": "private, max-age=86400"}

_EVENT = Parameter(name="event", kind="id", about="Id of the event.")
_QUERY = (
    Parameter(
        name="since",
        kind="time",
        about="Those that end at or after this time, or go on.",
    ),
    Parameter(name="until", kind="time", about="Those that start before this time."),
    Parameter(name="label", kind="text", about="Those of this label."),
    Parameter(name="camera", kind="id", about="Those of this camera, by its id."),
    Parameter(name="person", kind="integer", about="Those of this person, by their id."),
    Parameter(
        name="verdict",
        kind="text",
        about="Those that a person called right, wrong or another label; none: nobody judged.",
    ),
    Parameter(name="before", kind="id", about="Those after this event in the list, for pages."),
    Parameter(
        name="limit", kind="integer", about="At most as many.", lowest=1, highest=1000, default=100
    ),
)


def _events(asked: Asked) -> dict[str, Any]:
    found = asked.desk.house.events(Query(**asked.values))
    is_full = len(found) == asked["limit"]
    return {
        "events": [record.to_dict() for record in found],
        "next": found[-1].id if found and is_full else None,
    }


def _event(asked: Asked) -> dict[str, Any]:
    return asked.desk.house.event(asked["event"]).to_dict()


def _judge(asked: Asked) -> dict[str, Any]:
    body = asked.body or {}
    if set(body) != {"verdict"} or not isinstance(body["verdict"], str):
        raise UsageError(
            'expected {"verdict": "right"}, {"verdict": "wrong"}, or the label that it should have '
            "had"
        )
    return asked.desk.house.judge(asked["event"], body["verdict"]).to_dict()


def _take_back(asked: Asked) -> dict[str, Any]:
    return asked.desk.house.judge(asked["event"], None).to_dict()


def _clip(asked: Asked) -> Response:
    path = asked.desk.house.file(asked["event"], "clip")
    # Named for whoever saves it; `inline`, as the page plays it.
    return FileResponse(
        path,
        media_type=_MEDIA.get(path.suffix.lower(), "application/octet-stream"),
        filename=f"{asked['event']}{path.suffix.lower()}",
        content_disposition_type="inline",
        headers=_LASTING,
    )


def _snapshot(asked: Asked) -> Response:
    path = asked.desk.house.file(asked["event"], "snapshot")
    media = _MEDIA.get(path.suffix.lower(), "application/octet-stream")
    return FileResponse(path, media_type=media, headers=_LASTING)


def _csv(asked: Asked) -> Response:
    day = asked["day"]
    lines: Iterator[str] = asked.desk.house.events_csv(day)
    return StreamingResponse(
        lines,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="events-{day}.csv"'},
    )


_NO_EVENT = Answer("There is no such event.", "Error")
_NO_FILE = Answer("There is no such event, or no such file of it.", "Error")
_RANGE = {
    206: Answer("The part that Range asks for.", media=("video/*", "image/*")),
    304: Answer("It has not changed.", media=()),
    416: Answer("Range asks for what is not there.", media=("text/plain",)),
}

ENDPOINTS = [
    Endpoint(
        method="GET",
        path="/api/events",
        answer_with=_events,
        summary="Events, newest first",
        answers={200: Answer("The events; `next` is the `before` of the next page.", "Events")},
        parameters=_QUERY,
        group="Events",
    ),
    Endpoint(
        method="GET",
        path="/api/events.csv",
        answer_with=_csv,
        summary="The events that started on a day (UTC) as CSV, oldest first",
        answers={200: Answer("A header and a line for each event.", media=("text/csv",))},
        parameters=(Parameter(name="day", kind="day", about="The day.", is_required=True),),
        group="Events",
    ),
    Endpoint(
        method="GET",
        path="/api/events/{event}",
        answer_with=_event,
        summary="One event",
        answers={200: Answer("The event.", "Event"), 404: _NO_EVENT},
        parameters=(_EVENT,),
        group="Events",
    ),
    Endpoint(
        method="PUT",
        path="/api/events/{event}/verdict",
        answer_with=_judge,
        summary="Say that an event was right, wrong or another label; training reads it",
        answers={200: Answer("The event as it is now.", "Event"), 404: _NO_EVENT},
        parameters=(_EVENT,),
        body="Verdict",
        group="Events",
    ),
    Endpoint(
        method="DELETE",
        path="/api/events/{event}/verdict",
        answer_with=_take_back,
        summary="Take back what was said of an event",
        answers={200: Answer("The event as it is now.", "Event"), 404: _NO_EVENT},
        parameters=(_EVENT,),
        group="Events",
    ),
    Endpoint(
        method="GET",
        path="/api/events/{event}/clip",
        answer_with=_clip,
        summary="The video of an event; Range is understood",
        answers={200: Answer("The video.", media=("video/*",)), 404: _NO_FILE, **_RANGE},
        parameters=(_EVENT,),
        group="Events",
    ),
    Endpoint(
        method="GET",
        path="/api/events/{event}/snapshot",
        answer_with=_snapshot,
        summary="The picture of an event",
        answers={200: Answer("The picture.", media=("image/*",)), 404: _NO_FILE, **_RANGE},
        parameters=(_EVENT,),
        group="Events",
    ),
]
