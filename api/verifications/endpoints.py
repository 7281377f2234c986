"""Verifications: what was presented in, a report out. Public, paced; keeps and logs nothing of it."""

from __future__ import annotations

from asyncio import sleep
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.bodies import read_body
from api.direct import direct
from api.limits import JSON, media_type
from api.parts import Parts, PartsDep, address_of
from api.problems import problems
from api.statuses.answers import status_body
from api.verifications.exports import judge_bundle, judge_credential
from api.verifications.judging import collect_quickly, judge, judge_identifier, present
from api.verifications.schemas import ReportBody, VerificationRequest
from api.verifications.submission import Submission, from_json
from notary.export_reports import bundle_value, credential_value
from notary.report import EXIT_CODES, Report
from notary.report_json import to_json, to_value
from notary.report_text import report_text

QUICK = 32 << 10
"""Bytes of a request that is judged in the server's loop, in less than a millisecond; a larger one has a thread."""
router = APIRouter(prefix="/verifications", tags=["verifications"])
MOST = 4 << 20
"""Bytes of a request: a record of 1 MiB and a receipt of 256 KiB, as JSON text within JSON."""


async def _directly(request: Request) -> Response:
    return await _verify(request, request.app.state.parts)


@router.post(
    "",
    summary="Verify a record, disclosure, file (by its digests), receipt or identifier",
    response_class=Response,
    responses={
        200: {"description": "The report", "content": {"application/json": {"schema": ReportBody}}},
        **problems(400, 404, 413, 415, 422, 429, 503),
    },
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": VerificationRequest}}}},
)
@direct(_directly)
async def verify_now(request: Request, parts: PartsDep) -> Response:
    """A verdict is never an HTTP error: 200 with the report, also for `mismatch` or `cannot_check`."""
    return await _verify(request, parts)


async def _verify(request: Request, parts: Parts) -> Response:
    """In four turns of the loop: all that wait are parsed, then all collected for, judged, answered. Each turn is code
    of its own, and the processor's caches don't hold all four: together they cost a quarter more for each request."""
    parts.checks.take(address_of(request))
    media_type(request, JSON)
    body = await read_body(request, MOST)
    submission = from_json(body, MOST).check()
    if len(body) <= QUICK and not submission.identifier_alone and submission.qr is None and not submission.whole:
        presented = present(submission)
        await sleep(0)
        if (judged := collect_quickly(parts, presented, submission.at)) is not None:
            await sleep(0)
            report = judged()
            await sleep(0)
            return _report(parts, report)
    return await run_in_threadpool(_answer, request, parts, submission)


def _answer(request: Request, parts: Parts, submission: Submission) -> Response:
    headers = {"Cache-Control": "no-store"}
    if submission.whole:
        return JSONResponse(_judged(parts, submission), headers=headers)
    if submission.identifier_alone:
        parts.lookups.take(address_of(request))
        report, standing = judge_identifier(parts, submission)
        body = to_value(report)
        body["status"] = None if standing is None else status_body(parts, standing, submission.at)
        body |= {"text_zh": report_text(report, "zh"), "text_en": report_text(report, "en")}
        return JSONResponse(body, headers=headers)
    return _report(parts, judge(parts, present(submission, parts.log_reader), submission.at))


def _judged(parts: Parts, submission: Submission) -> dict[str, Any]:
    """The report about a credential or a bundle, as the command line gives it."""
    if submission.credential is not None:
        copy = judge_credential(parts, submission.credential, submission.at)
        parts.meters.verdicts.labels(copy.verdict.value).inc()
        return credential_value(copy.credential, copy.report, copy.checks, copy.verdict)
    found = judge_bundle(parts, submission.bundle or b"", submission.at)
    parts.meters.verdicts.labels(found.verdict.value).inc()
    return bundle_value(found.bundle, found.reports, found.events, EXIT_CODES[found.verdict])


def _report(parts: Parts, report: Report) -> Response:
    headers = {"Cache-Control": "no-store"}
    parts.meters.verdicts.labels(report.answer.value).inc()
    return Response(to_json(report), media_type="application/json", headers=headers)
