"""The public page: one form, with or without scripts, and the description of the interface for people."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool

from api.bodies import read_body
from api.console import view
from api.errors import named, status_of
from api.forms import FORM, Limits, form_of, is_form
from api.language import language_of
from api.parts import Parts, PartsDep, address_of
from api.verifications.endpoints import MOST
from api.verifications.exports import judge_bundle, judge_credential
from api.verifications.judging import judge, judge_identifier, present
from api.verifications.submission import (
    MOST_PASTED,
    PartUnreadable,
    Submission,
    add_file,
    from_json,
    instant,
    sort_text,
    with_code,
)
from ledger.errors import InputError
from ledger.texts import Language, text

router = APIRouter(include_in_schema=False)
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
MOST_FILES = 12
Answer = view.ReportView | view.BundleView | view.StatusView | view.ProblemView


@router.get("/", response_class=HTMLResponse)
def verify_page(request: Request, parts: PartsDep) -> HTMLResponse:
    """The empty form."""
    return _page("verify.html", parts, language_of(request), result=None)


@router.get("/verify", response_class=HTMLResponse)
def verify_page_again(request: Request, parts: PartsDep) -> HTMLResponse:
    """The same, for who reloads after a plain form."""
    return _page("verify.html", parts, language_of(request), result=None)


@router.post("/verify", response_class=HTMLResponse)
async def verify_submitted(request: Request, parts: PartsDep) -> HTMLResponse:
    """A plain form is answered with the whole page, the page's own script with the result alone."""
    language = language_of(request)
    scripted = request.headers.get("content-type", "").startswith("application/json")
    status = 200
    try:
        parts.checks.take(address_of(request))
        if scripted:
            submission = from_json(await read_body(request, MOST), MOST)
        else:
            submission = await _from_form(request, parts)
        answer = await run_in_threadpool(_answer, request, parts, submission.check(), language)
    except Exception as error:  # who sees a page gets a page, whatever happened
        problem = named(request, error)
        part = error.part if isinstance(error, PartUnreadable) else None
        status, answer = status_of(problem), view.of_problem(problem, language, part)
    if scripted:
        return _page(f"{answer.kind}.html", parts, language, status, result=answer)
    return _page("verify.html", parts, language, status, result=answer)


@router.get("/api/v1/docs", response_class=HTMLResponse)
def describe(request: Request, parts: PartsDep) -> HTMLResponse:
    """The description of the interface as a page, without scripts from elsewhere."""
    return _page("docs.html", parts, language_of(request), api=request.app.openapi(), here=request.url.path)


def _answer(request: Request, parts: Parts, submission: Submission, language: Language) -> Answer:
    if submission.identifier_alone:
        parts.lookups.take(address_of(request))
        report, standing = judge_identifier(parts, submission)
        return view.of_standing(report, standing, parts, language)
    if submission.credential is not None:
        copy = judge_credential(parts, submission.credential, submission.at)
        parts.meters.verdicts.labels(copy.verdict.value).inc()
        return view.of_credential(copy, parts, language)
    if submission.bundle is not None:
        found = judge_bundle(parts, submission.bundle, submission.at)
        parts.meters.verdicts.labels(found.verdict.value).inc()
        return view.of_bundle(found, parts, language)
    presented = present(submission, parts.log_reader)
    report = judge(parts, presented, submission.at)
    parts.meters.verdicts.labels(report.answer.value).inc()
    return view.of_report(report, presented, parts, language)


async def _from_form(request: Request, parts: Parts) -> Submission:
    """The uploaded form; its files are gone when it has been sorted."""
    found = request.headers.get("content-type", "")
    if not is_form(found):
        raise InputError("request.media_type", found=found[:100] or "-", expected=FORM)
    limits = Limits(parts.settings.max_check_bytes, files=MOST_FILES, texts=8, text=MOST_PASTED)
    async with form_of(request, parts.settings.uploads_dir, limits) as form:
        submission = sort_text(
            Submission(identifier=form.text("identifier"), shown=form.text("shown"), at=instant(form.text("at")))
        )
        for item in form.files.get("files", []):
            if item.name:
                submission = await run_in_threadpool(add_file, submission, item.name, item.size, item.file)
        if len(named := [item for item in form.files.get("files", []) if item.name]) == 1:
            submission = await run_in_threadpool(with_code, submission, named[0].name, named[0].file)
        return submission


def _page(
    template: str, parts: Parts, language: Language, status: int = 200, *, here: str = "/", **values: Any
) -> HTMLResponse:
    def translate(key: str, **params: Any) -> str:
        return text(key, language, **params)

    contact = parts.settings.contact_zh if language == "zh" else parts.settings.contact_en
    render = partial(_templates.get_template(template).render, t=translate, lang=language, contact=contact)
    html = render(test_chain=parts.test_chain, here=here, **values)
    headers = {
        "Cache-Control": "no-store",
        "Content-Language": "zh-CN" if language == "zh" else "en",
        "Vary": "Accept-Language",
    }
    return HTMLResponse(html, status_code=status, headers=headers)
