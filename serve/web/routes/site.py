"""The files of the page, and the document of the API."""

from __future__ import annotations

import mimetypes
from functools import cache, partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

# The registry of some Windows machines says text/plain, and browsers then refuse modules.
mimetypes.add_type("text/javascript", ".js")
PAGE = Path(__file__).parents[1] / "page"
"""The folder of the page's files."""


def routes(document: dict[str, Any]) -> list[BaseRoute]:
    """The page, its files, and the document with a page that shows it."""
    return [
        Route("/", partial(_page, "index.html")),
        Route("/api/docs", partial(_page, "docs.html")),
        Route("/openapi.json", partial(_document, document)),
        Route("/favicon.ico", _icon),
        # Their names do not change with their content: browsers ask whether they are as they were.
        Mount("/page", _Files(directory=PAGE)),
    ]


@cache
def page_text(name: str) -> str:
    """The text of a file of the page."""
    return (PAGE / name).read_text(encoding="utf-8")


class _Files(StaticFiles):
    def file_response(self, *args: Any, **options: Any) -> Response:
        answer = super().file_response(*args, **options)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


async def _page(name: str, request: Request) -> Response:
    del request
    return Response(page_text(name), media_type="text/html", headers={"Cache-Control": "no-cache"})


async def _icon(request: Request) -> Response:
    del request
    return Response(page_text("icon.svg"), media_type="image/svg+xml")


async def _document(document: dict[str, Any], request: Request) -> Response:
    del request
    return JSONResponse(document)
