"""The witness over HTTP: C2SP tlog-witness, `POST /add-checkpoint` and `GET /<origin hash>/checkpoint`.

Small on purpose: no database, no chain, no other room of this server. Whoever asks proves who it is by the log's own
signature, so there is no login; what is too large or doesn't parse costs one read.
"""

from __future__ import annotations

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ledger.errors import IntegrityError, UnavailableError, UnreadableError
from notary.cosignature import witness_vkey
from notary.stores.witness import Answered, Witness
from notary.trust_file import WitnessKey
from notary.witnessing import MAX_REQUEST_BYTES, SIZE_TYPE, Status, parse_submission

NOTE = "text/plain; charset=utf-8"
_SAID = {
    Status.WRONG_OLD: "the old size is larger than the checkpoint",
    Status.UNKNOWN_KEY: "no valid signature by a known key of this log",
    Status.UNKNOWN_LOG: "unknown log",
    Status.INCONSISTENT: "the checkpoint doesn't extend what was cosigned",
}
"""Machines read the status; these words are for whoever looks at the traffic."""
_log = structlog.get_logger("witness")


def witness_app(witness: Witness) -> Starlette:
    """The application of one witness."""

    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_REQUEST_BYTES:
                return PlainTextResponse("too large\n", 400)
        try:
            answered = await run_in_threadpool(_answer, witness, bytes(body))
        except UnreadableError:
            return PlainTextResponse("unreadable request\n", 400)
        except UnavailableError as error:
            _log.error("witness.unavailable", code=error.code)
            return PlainTextResponse("try again later\n", 503, headers={"Retry-After": "30"})
        except IntegrityError as error:
            _log.critical("witness.state", code=error.code)
            return PlainTextResponse("state damaged\n", 500)
        if answered.split is not None:
            _log.critical("witness.equivocation", origin=answered.split.origin, what=answered.split.what.value)
        decision = answered.decision
        if decision.status is Status.COSIGN:
            return Response(answered.lines, media_type=NOTE)
        if decision.status is Status.OTHER_SIZE:
            return Response(f"{decision.size}\n", 409, headers={"Content-Type": SIZE_TYPE})
        return PlainTextResponse(f"{_SAID[decision.status]}\n", int(decision.status))

    async def checkpoint(request: Request) -> Response:
        try:
            note = await run_in_threadpool(witness.checkpoint, request.path_params["digest"])
        except UnavailableError:
            return PlainTextResponse("try again later\n", 503, headers={"Retry-After": "30"})
        if note is None:
            return PlainTextResponse("nothing cosigned\n", 404)
        return Response(note, media_type=NOTE, headers={"Cache-Control": "no-cache"})

    async def who(request: Request) -> Response:
        vkey = witness_vkey(WitnessKey(witness.name, witness.signer.public_key))
        return PlainTextResponse(f"{vkey}\n")

    return Starlette(
        routes=[
            Route("/", who),
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/{digest}/checkpoint", checkpoint),
        ]
    )


def serve_witness(witness: Witness, host: str, port: int) -> None:
    """Until told to stop."""
    import uvicorn

    uvicorn.run(
        witness_app(witness), host=host, port=port, loop="uvloop", http="httptools", ws="none", access_log=False,
        server_header=False, log_level="error", timeout_keep_alive=75, timeout_graceful_shutdown=5,
    )  # fmt: skip


def _answer(witness: Witness, body: bytes) -> Answered:
    return witness.add(parse_submission(body))
