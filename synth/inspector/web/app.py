"""The application: every page as HTML and as JSON, forms, downloads and the files of the style.

Place in the flow: `server.py` hands it to uvicorn, tests to a client. The one rule: an error that we expect
is a page that says what is wrong and what to do; nothing of a request but its parameters reaches a query.
"""

import hashlib
import mimetypes
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote

from synth.errors import CodemillError, Problem, UserError
from synth.inspector.library import Library
from synth.inspector.web.page import Action, Download, NotFoundError, Page, Pairs, Route, Visit
from synth.inspector.web.registry import find_entries
from synth.inspector.web.rendering import render
from synth.inspector.web.security import Guard

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route as StarletteRoute

Handler = Callable[["Request"], Awaitable["Response"]]

_STATIC: Final = Path(__file__).parent / "static"
_MOST_FORM_BYTES: Final = 1 << 16


def create_app(library: Library, token: str = "") -> Guard:
    """The application over the opened runs. An empty token answers this machine only."""
    from starlette.applications import Starlette
    from starlette.responses import RedirectResponse
    from starlette.routing import Route as At

    async def home(request: "Request") -> "Response":
        return RedirectResponse("/runs", 307)

    async def nothing_here(request: "Request", _: Exception) -> "Response":
        words = Problem(request.url.path[:200], "is not an address of the inspector", "start at the runs")
        return _problem_page(request, NotFoundError(words))

    routes = [route for entry in find_entries() for route in _routes(entry, library)]
    app = Starlette(
        routes=[At("/", home), At("/static/{name}", _static), *routes],
        exception_handlers={404: nothing_here},
    )
    return Guard(app, token)


def _routes(entry: Route, library: Library) -> list["StarletteRoute"]:
    from starlette.routing import Route as At

    if isinstance(entry, Page):
        return [
            At(f"{entry.address}.json", _json_handler(entry, library)),
            At(entry.address, _page_handler(entry, library)),
        ]
    if isinstance(entry, Action):
        return [At(entry.address, _action_handler(entry, library), methods=["POST"])]
    return [At(entry.address, _download_handler(entry, library))]


def _page_handler(page: Page, library: Library) -> Handler:
    async def handle(request: "Request") -> "Response":
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import HTMLResponse

        visit = _visit(request, library)

        def make() -> str:
            return render(page.template, page=page.load(visit), visit=visit, assets=assets())

        try:
            return HTMLResponse(await run_in_threadpool(make))
        except CodemillError as error:
            return _problem_page(request, error)

    return handle


def _json_handler(page: Page, library: Library) -> Handler:
    async def handle(request: "Request") -> "Response":
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import JSONResponse, Response

        visit = _visit(request, library)
        try:
            made = await run_in_threadpool(lambda: page.load(visit).model_dump_json())
        except CodemillError as error:
            problems = [
                {"where": one.where, "message": one.message, "fix": one.fix} for one in error.problems
            ]
            return JSONResponse({"problems": problems}, _status(error))
        return Response(made, media_type="application/json")

    return handle


def _action_handler(action: Action, library: Library) -> Handler:
    async def handle(request: "Request") -> "Response":
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import RedirectResponse

        visit = _visit(request, library)
        try:
            fields = await _read_form(request)
            target = await run_in_threadpool(action.act, visit, fields)
        except CodemillError as error:
            return _problem_page(request, error)
        return RedirectResponse("/" + target.lstrip("/\\"), 303)

    return handle


def _download_handler(download: Download, library: Library) -> Handler:
    async def handle(request: "Request") -> "Response":
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import StreamingResponse

        try:
            sent = await run_in_threadpool(download.make, _visit(request, library))
        except CodemillError as error:
            return _problem_page(request, error)
        name = f"attachment; filename*=UTF-8''{quote(sent.name)}"
        return StreamingResponse(
            sent.chunks, media_type=sent.media_type, headers={"content-disposition": name}
        )

    return handle


def _visit(request: "Request", library: Library) -> Visit:
    query = parse_qsl(request.url.query, keep_blank_values=True, errors="replace")
    path = request.url.path.removesuffix(".json")
    return Visit(library, path, dict(request.path_params), tuple(query))


async def _read_form(request: "Request") -> Pairs:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_FORM_BYTES:
            raise UserError(Problem("the form", "holds more than 64 KiB", "write less"))
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000)
    return tuple(fields)


def _status(error: CodemillError) -> int:
    return 404 if isinstance(error, NotFoundError) else 400 if isinstance(error, UserError) else 503


def _problem_page(request: "Request", error: CodemillError) -> "Response":
    from starlette.responses import HTMLResponse

    return HTMLResponse(render("problem.html", problems=error.problems, assets=assets()), _status(error))


@cache
def assets() -> dict[str, str]:
    """The address of each file of the style, with a part that changes when the file does."""
    return {
        path.name: f"/static/{path.name}?{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
        for path in sorted(_STATIC.iterdir())
    }


async def _static(request: "Request") -> "Response":
    from starlette.responses import PlainTextResponse, Response

    name = request.path_params["name"]
    if name not in assets():
        return PlainTextResponse("no such file\n", 404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"cache-control": "max-age=31536000, immutable"} if request.url.query else {}
    return Response((_STATIC / name).read_bytes(), media_type=kind, headers=headers)
