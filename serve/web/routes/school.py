"""Lessons: labels that somebody teaches by the camera of a browser."""

from __future__ import annotations

from typing import Any

from starlette.responses import FileResponse, JSONResponse, Response

from rtaction.errors import NoSuchThing
from rtaction.serve.house.school import School
from rtaction.serve.web.endpoint import Answer, Asked, Endpoint, Parameter
from rtaction.serve.web.front_desk import FrontDesk

_LESSON = Parameter(name="lesson", kind="id", about="Id of the lesson.")
_LABEL = Parameter(name="label", kind="text", about="A label that has takes.")


def school_of(desk: FrontDesk) -> School:
    """Who teaches.

    Raises:
        NoSuchThing: nobody does.
    """
    if desk.school is None:
        raise NoSuchThing("this server does not look at cameras of browsers")
    return desk.school


def _lessons(asked: Asked) -> dict[str, Any]:
    return {"lessons": [view.to_dict() for view in school_of(asked.desk).lessons()]}


def _lesson(asked: Asked) -> dict[str, Any]:
    return school_of(asked.desk).lesson(asked["lesson"]).to_dict()


def _begin(asked: Asked) -> Response:
    return JSONResponse(school_of(asked.desk).begin().to_dict(), 201)


def _remove(asked: Asked) -> Response:
    school_of(asked.desk).remove(asked["lesson"])
    return Response(status_code=204)


def _remove_take(asked: Asked) -> dict[str, Any]:
    return school_of(asked.desk).remove_take(asked["lesson"], asked["label"]).to_dict()


def _learn(asked: Asked) -> Response:
    return JSONResponse(school_of(asked.desk).learn(asked["lesson"]).to_dict(), 202)


def _model(asked: Asked) -> Response:
    lesson = asked["lesson"]
    return FileResponse(
        school_of(asked.desk).model(lesson),
        media_type="application/octet-stream",
        filename=f"rtaction-{lesson}.onnx",
    )


_NONE = Answer("There is no such lesson, or no lessons at all on this server.", "Error")
_GROUP = "Lessons"

ENDPOINTS = [
    Endpoint(
        method="GET",
        path="/api/lessons",
        answer_with=_lessons,
        summary="All lessons, newest first",
        answers={200: Answer("The lessons.", "Lessons"), 404: _NONE},
        group=_GROUP,
    ),
    Endpoint(
        method="POST",
        path="/api/lessons",
        answer_with=_begin,
        summary="Begin a lesson",
        answers={201: Answer("The lesson.", "Lesson"), 404: _NONE},
        group=_GROUP,
    ),
    Endpoint(
        method="GET",
        path="/api/lessons/{lesson}",
        answer_with=_lesson,
        summary="One lesson: its takes, and how far it is learned",
        answers={200: Answer("The lesson.", "Lesson"), 404: _NONE},
        parameters=(_LESSON,),
        group=_GROUP,
    ),
    Endpoint(
        method="DELETE",
        path="/api/lessons/{lesson}",
        answer_with=_remove,
        summary="Remove a lesson with its takes and its model",
        answers={204: Answer("It is gone.", media=()), 404: _NONE},
        parameters=(_LESSON,),
        group=_GROUP,
    ),
    Endpoint(
        method="DELETE",
        path="/api/lessons/{lesson}/takes/{label}",
        answer_with=_remove_take,
        summary="Remove the last take of a label",
        answers={
            200: Answer("The lesson without it.", "Lesson"),
            404: Answer("There is no such lesson or take.", "Error"),
        },
        parameters=(_LESSON, _LABEL),
        group=_GROUP,
    ),
    Endpoint(
        method="POST",
        path="/api/lessons/{lesson}/learn",
        answer_with=_learn,
        summary="Begin to learn from the takes of two labels at least",
        answers={202: Answer("The lesson; ask for it to see how far it is.", "Lesson"), 404: _NONE},
        parameters=(_LESSON,),
        group=_GROUP,
    ),
    Endpoint(
        method="GET",
        path="/api/lessons/{lesson}/model.onnx",
        answer_with=_model,
        summary="The model that was learned, as an ONNX file for rtaction",
        answers={
            200: Answer("The file.", media=("application/octet-stream",)),
            404: Answer("There is no such lesson, or nothing was learned yet.", "Error"),
        },
        parameters=(_LESSON,),
        group=_GROUP,
    ),
]
