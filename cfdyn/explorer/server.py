"""The server of ``cfdyn explore``: on loopback alone, for whoever has the token that is in the address."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cfdyn.errors import CfdynError, UsageError
from cfdyn.explorer.branches import checked_over
from cfdyn.explorer.document import SERVED, document, policy, script, source
from cfdyn.explorer.jobs import Busy, Computing
from cfdyn.explorer.menu import menu
from cfdyn.explorer.question import Question
from cfdyn.explorer.worker import checked_period
from cfdyn.outside import Unfit, parsed_json
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

ADDRESS = "127.0.0.1"
MOST_BODY, MOST_CONNECTIONS, IDLE_SECONDS = 2**16, 256, 5
JOBS = ("study", "cycles", "prove", "branches")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}  # fmt: skip


class Refused(Exception):
    """A request that is not answered: status and sentence."""


def guarding(token: str, port: int) -> Callable[[Callable[[Request], Any]], Callable[[Request], Any]]:
    """What lets nobody in but a page of this server that has the token, and makes a sentence of what is refused."""
    from starlette.responses import JSONResponse

    hosts = {f"{name}:{port}" for name in (ADDRESS, "localhost")}

    def admit(request: Request) -> None:
        if request.headers.getlist("host") not in [[host] for host in hosts]:
            raise Refused(403, "this server has another name")
        if any(origin not in {f"http://{host}" for host in hosts} for origin in request.headers.getlist("origin")):
            raise Refused(403, "pages of other servers get no answer")
        given = request.headers.get("x-token") or (request.query_params.get("token", "") if request.url.path == "/" else "")
        if not secrets.compare_digest(given.encode(), token.encode()):
            raise Refused(403, "open the address that cfdyn explore has printed: its token is missing or wrong")

    def guarded(answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def asked(request: Request) -> Any:
            try:
                admit(request)
                return await answer(request)
            except Refused as refused:
                status, words = refused.args
            except Busy as busy:
                status, words = 429, str(busy)
            except CfdynError as problem:
                status, words = 400, str(problem)
            return JSONResponse({"error": words}, status, HEADERS)

        return asked

    return guarded


def shown(found: Mapping[str, Any], question: Question) -> dict[str, Any]:
    """The scene of an answer, with what its page knows of the server; a UsageError where there is none."""
    if "error" in found:
        raise UsageError(found["error"])
    return {**found["answer"], "server": {"question": asdict(question), "optimizers": menu()}}


def application(computing: Computing, first: Question, token: str, port: int) -> Starlette:
    """The answers to a page; no path of a request is one on the disk."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Route

    rules = policy(source("page.css").strip(), script(SERVED), served=True) + "; frame-ancestors 'none'"

    async def page(request: Request) -> Any:
        scene = shown(await run_in_threadpool(computing.scene, first), first)
        return HTMLResponse(document(scene, SERVED), headers={**HEADERS, "Content-Security-Policy": rules})

    async def scene(request: Request) -> Any:
        question = Question.of(await body(request))
        return JSONResponse(shown(await run_in_threadpool(computing.scene, question), question), headers=HEADERS)

    async def begin(request: Request) -> Any:
        asked = await body(request)
        if not isinstance(asked, Mapping) or set(asked) - {"over"} != {"task", "period", "question"} or asked["task"] not in JOBS:
            raise UsageError(f"a job is an object with a task ({', '.join(JOBS)}), a period, a question, and for branches over")
        if asked["task"] == "branches":
            checked_over(asked.get("over"))
        job = computing.begin(asked["task"], Question.of(asked["question"]), checked_period(asked["period"]), asked.get("over"))
        return JSONResponse({"job": job}, headers=HEADERS)

    async def job(request: Request) -> Any:
        found = computing.job(request.path_params["number"])
        if request.method == "DELETE":
            await run_in_threadpool(found.cancel)
        return JSONResponse(found.tell(), headers=HEADERS)

    routes = [("/", page, "GET"), ("/scene", scene, "POST"), ("/jobs", begin, "POST"),
              ("/jobs/{number:int}", job, "GET"), ("/jobs/{number:int}", job, "DELETE")]  # fmt: skip
    guarded = guarding(token, port)
    return Starlette(routes=[Route(path, guarded(answer), methods=[method]) for path, answer, method in routes])


async def body(request: Request) -> Any:
    """The JSON of a request, of at most 64 kB: more is not read."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refused(415, "a request is JSON")
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > MOST_BODY:
            raise Refused(413, f"a request has at most {MOST_BODY} bytes")
    try:
        return parsed_json(data)
    except Unfit as problem:
        raise UsageError(f"the request {problem}") from None


def listening(port: int) -> socket.socket:
    """A socket on loopback; a UsageError if the port is taken. 0: a free one."""
    made = socket.socket()
    try:
        made.bind((ADDRESS, port))
        made.listen(256)
    except (OSError, OverflowError):
        made.close()
        raise UsageError(f"port {port} is taken or not allowed; choose another with --port, or none for a free one") from None
    return made


def serve(own: Loss | Map | None, first: Question, ranges: Mapping[str, Any], port: int, tell: Callable[[str], None]) -> None:
    """Answer until Ctrl-C; ``tell`` takes the address."""
    try:
        import starlette  # noqa: F401
        import uvicorn
        import wasmtime  # noqa: F401
    except ImportError:
        raise UsageError("a page with a server needs wasmtime, starlette and uvicorn: pip install 'cfdyn[explore]'; "
                         "`cf.live` writes a page that needs no server") from None  # fmt: skip

    class Announced(uvicorn.Server):
        """Its address is told once Ctrl-C ends it in order."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            tell(f"http://{ADDRESS}:{chosen}/?token={token}")

    with listening(port) as made:
        token, chosen = secrets.token_urlsafe(32), made.getsockname()[1]
        computing = Computing(own, ranges)
        try:
            app = application(computing, first, token, chosen)
            config = uvicorn.Config(app, log_level="critical", access_log=False, server_header=False, ws="none", lifespan="off",
                                    limit_concurrency=MOST_CONNECTIONS,
                                    timeout_keep_alive=IDLE_SECONDS, proxy_headers=False)  # fmt: skip
            Announced(config).run(sockets=[made])
        finally:
            computing.end()
