"""News as they come, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response

from rtaction import __version__
from rtaction.serve.web.endpoint import Answer, Asked, Endpoint
from rtaction.serve.web.newsstand import event_text
from rtaction.serve.web.streaming import StreamAnswer

_HEARTBEAT_SECONDS = 15.0


def _news(asked: Asked) -> Response:
    return StreamAnswer(asked.desk, _texts(asked), media_type="text/event-stream")


async def _texts(asked: Asked) -> AsyncIterator[bytes]:
    desk = asked.desk
    with desk.news.reader() as reader:
        yield b"retry: 2000\n" + event_text("hello", {"version": __version__}).encode()
        while not desk.has_ended:
            text = await reader.next(_HEARTBEAT_SECONDS)
            if text == "":
                return
            yield b": still there\n\n" if text is None else text.encode()


ENDPOINTS = [
    Endpoint(
        method="GET",
        path="/api/news",
        answer_with=_news,
        summary="News as they come, as server-sent events",
        answers={
            200: Answer(
                "`hello` (the version), then `cameras` (all, twice a second), `camera` (one that "
                "has changed), `gone` (its id), `event` (an Event with `phase`: start, end or "
                "change), `machine` (every two seconds) and `missed` (how many were left out, as "
                "this reader was too slow). A comment comes after 15 seconds without news. What "
                "was told before is not told again.",
                media=("text/event-stream",),
            ),
            503: Answer("Too many look on.", "Error"),
        },
        group="News",
    )
]
