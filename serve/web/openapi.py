"""The OpenAPI document, made of the endpoints themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rtaction import __version__
from rtaction.serve.web.endpoint import Answer, Endpoint, Kind, Parameter
from rtaction.serve.web.schemas import SCHEMAS, reference

_COMMON = {
    400: Answer("What was asked is not understood.", "Error"),
    401: Answer("The token is missing or wrong.", "Error"),
    403: Answer("Asked by a page of another site, or under a name that is not known.", "Error"),
    429: Answer("Too many requests of one client; Retry-After says when to come again.", "Error"),
    431: Answer("Headers or address are too long.", "Error"),
    500: Answer("Something unexpected went wrong.", "Error"),
    503: Answer("It cannot be had now.", "Error"),
}
_WITH_BODY = {
    408: Answer("The body did not come in time.", "Error"),
    413: Answer("The body is too long.", "Error"),
    415: Answer("The body is not JSON.", "Error"),
}
# OpenAPI has no words for web sockets.
_ABOUT_LESSONS = """\
Lessons are taught by the camera of a browser, over a web socket: `/api/eye`, or \
`/api/eye?lesson=ID` to use and record for a lesson. Each message is answered by one message of \
JSON, in order; send the next picture when the last was answered. A binary message is the time of \
a picture in seconds, which only increases, as a float64 of 8 bytes, little-endian, and the JPEG; \
the answer is a `Seen`. A text is JSON: `{"do": "record", "label": "wave", "seconds": 2}` records \
a take from the next picture on, `{"do": "stop"}` drops it, `{"do": "lesson"}` looks with what was \
learned since; the answer is `{"did": ...}`. A mistake is answered by an `Error`. The socket is \
closed with 4404 if there is no such lesson, 4408 if no message comes for a while, 4429 if too \
many look at once, and 1009 after a message that is too long."""
_KINDS: dict[Kind, dict[str, Any]] = {
    "text": {"type": "string", "maxLength": 200},
    "id": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,128}$"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "day": {"type": "string", "format": "date"},
}


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The document, by OpenAPI 3.1; see https://spec.openapis.org/oas/v3.1.1.html."""
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rtaction serve",
            "version": __version__,
            "description": "Cameras, their events, and the machine that watches them. Times are "
            "ISO 8601 in UTC; shares and scores go from 0 to 1.",
        },
        "paths": paths,
        "tags": [{"name": "Lessons", "description": _ABOUT_LESSONS}],
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "rtaction"},
            },
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    answers = {**_COMMON, **endpoint.answers}
    if endpoint.body is not None:
        answers |= _WITH_BODY
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "tags": [endpoint.group],
        "operationId": f"{endpoint.method.lower()} {endpoint.path}",
        "parameters": [_parameter(endpoint, one) for one in endpoint.parameters],
        "responses": {str(status): _answer(one) for status, one in sorted(answers.items())},
        "security": [] if endpoint.is_public else [{"token": []}, {"cookie": []}],
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": reference(endpoint.body)}},
        }
    return operation


def _parameter(endpoint: Endpoint, parameter: Parameter) -> dict[str, Any]:
    schema = dict(_KINDS[parameter.kind])
    if parameter.lowest is not None:
        schema["minimum"] = parameter.lowest
    if parameter.highest is not None:
        schema["maximum"] = parameter.highest
    if parameter.default is not None:
        schema["default"] = parameter.default
    is_in_path = endpoint.is_in_path(parameter)
    return {
        "name": parameter.name,
        "in": "path" if is_in_path else "query",
        "required": is_in_path or parameter.is_required,
        "description": parameter.about,
        "schema": schema,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    schema: dict[str, Any] = {} if answer.schema is None else {"schema": reference(answer.schema)}
    content = dict.fromkeys(answer.media, schema)
    return {"description": answer.about, **({"content": content} if content else {})}
