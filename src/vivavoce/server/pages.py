"""The pages of a site beside the API, for people with a browser: no key, no route of the API's, GET and HEAD alone.

Everything else is handed on to the API. Knows no page.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from vivavoce.web.site import Answer, Site

API = ("/v1/", "/health", "/metrics", "/openapi.json", "/tokenize")
"""Below these nobody is looking for a page."""


class Pages:
    """Answers with pages and their files, and leads browsers from `/` to the first of them."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope) if scope["type"] == "http" else None
        await (answer or self.app)(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response | None:
        path, headers = _path(scope), Headers(scope=scope)
        if scope["method"] not in ("GET", "HEAD") or path.startswith(API):
            return None
        person = "text/html" in headers.get("accept", "")
        if path == "/":
            return RedirectResponse(self.site.home(), 307, {"vary": "accept"}) if person else None
        query = scope["query_string"].decode("latin-1")
        answer = await asyncio.to_thread(self.site.answer, path, query, person=person)
        if answer is None:
            return None
        scope["route"] = _Named(answer.route)
        return _response(answer, headers)


class _Named:
    """What log and figures look for in a request's route."""

    def __init__(self, path: str) -> None:
        self.path = path


def _path(scope: Scope) -> str:
    """Encoded, as it was sent: a model's name may hold slashes."""
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1").partition("?")[0] if raw else scope["path"]


def _response(answer: Answer, asked: Headers) -> Response:
    etag = answer.headers.get("etag")
    if etag is not None and answer.status == 200 and etag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=dict(answer.headers))
    packed = answer.compressed() if "gzip" in asked.get("accept-encoding", "") else None
    headers = {**answer.headers, "vary": "accept-encoding"} | ({"content-encoding": "gzip"} if packed else {})
    return Response(packed or answer.body, answer.status, headers)
