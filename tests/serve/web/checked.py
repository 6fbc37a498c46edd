"""A client that compares each answer with the OpenAPI document."""

from __future__ import annotations

import re
from typing import Any

import httpx
import jsonschema

from rtaction.serve.web.app import all_endpoints
from rtaction.serve.web.openapi import document

DOCUMENT = document(all_endpoints())


def checked_client(url: str, **options: Any) -> httpx.Client:
    """A client whose answers are all as the document says."""
    hooks = {"response": [_check]}
    # Without verification no certificates are read, which takes longer than a test.
    return httpx.Client(
        base_url=url, event_hooks=hooks, trust_env=False, verify=False, timeout=10, **options
    )


def _check(response: httpx.Response) -> None:
    request = response.request
    operation = _operation(request.method, request.url.path)
    if operation is None:
        return
    answer = operation["responses"].get(str(response.status_code))
    assert answer is not None, f"{request.method} {request.url}: {response.status_code} is unknown"
    media = response.headers.get("content-type", "").partition(";")[0]
    content = answer.get("content", {})
    wanted = next((one for one in content if re.fullmatch(one.replace("*", ".*"), media)), None)
    assert (wanted is not None) == bool(content), f"{request.url}: {media!r}, not {list(content)}"
    schema = content.get(wanted, {}).get("schema")
    if schema is not None:
        response.read()
        jsonschema.validate(response.json(), {**schema, "components": DOCUMENT["components"]})


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for template, by_method in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            found: dict[str, Any] | None = by_method.get(method.lower())
            return found
    return None
