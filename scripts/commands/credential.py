"""W3C credentials on the command line: made of a disclosure with the issuer's key, and judged.

A credential is judged twice: its disclosure as any other, and beside that the department's signature and the lists.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.errors import ChuzhengError, InputError, NotFoundError
from ledger.texts import Language, text
from ledger.types import Millis
from scripts import output
from scripts.commands.files import read_file
from scripts.commands.judging import Asked, judge_presented
from scripts.problems import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from notary.disclosure import Disclosure
    from notary.evidence import DepartmentKey, Evidence, Unavailable
    from notary.exports.credential import Credential
    from notary.exports.credential_checks import CredentialCheck
    from notary.exports.status_credential import StatusList
    from notary.report import Report, Verdict


def make_credential(
    what: Path, disclosure: Disclosure | None, key: Path | None, key_id: str | None, url: str | None
) -> bytes:
    """The token; UsageError without a disclosure or a key. The server is asked for the key's id only."""
    from api.settings import load
    from ledger.crypto.keys import load_department_signer
    from notary.exports.credential import sign_credential

    if disclosure is None:
        raise UsageError("cli.export.vc_disclosure")
    if key is None:
        raise UsageError("cli.export.vc_key")
    base = load({"public_url": url}).settings.url
    signer = load_department_signer(f"file:{key}")
    if key_id is None:
        key_id = _key_id(base, disclosure.receipt.entry.issuer, signer.public_key)
    return sign_credential(read_file(what), base, signer, key_id=key_id, issued_at=time.time_ns() // 1_000_000_000)


def _key_id(base: str, department: str, public_key: bytes) -> str:
    from notary.exports.jose import key_of_method
    from scripts.client import connect

    with connect(base) as server:
        document = server.get_json(f"departments/{department}/issuer")
    for method in document.get("verificationMethod", []):
        found = key_of_method(method)
        if found is not None and found[1] == public_key:
            return found[0]
    raise NotFoundError("vc.no_key_id", department=department)


def judge_credential(path: Path, asked: Asked, at: Millis | None, list_files: Sequence[Path], *, as_json: bool) -> int:
    """Judge the token and print what came of it; the exit code."""
    from notary.evidence import Presented
    from notary.export_reports import credential_value
    from notary.exports.credential import parse_credential
    from notary.exports.credential_checks import check_credential, verdict_of
    from notary.exports.status_credential import parse_status_list
    from notary.report import EXIT_CODES

    credential = parse_credential(read_file(path))
    disclosure = credential.disclosure
    report, evidence = judge_presented(Presented(disclosure.receipt, disclosure=disclosure), asked, at)
    lists = [parse_status_list(read_file(each)) for each in list_files]
    if not asked.offline and not lists:
        lists = _fetched(credential, asked.url)
    checks = check_credential(credential, _keys(credential, evidence, asked), lists, report.now)
    verdict = verdict_of(report, checks, lists)
    payload = credential_value(credential, report, checks, verdict)
    output.result(payload, _lines(report, checks, verdict, output.language()), as_json=as_json)
    return EXIT_CODES[verdict]


def _keys(credential: Credential, evidence: Evidence, asked: Asked) -> Sequence[DepartmentKey] | Unavailable:
    from notary.collect import signing_keys
    from notary.evidence import OFFLINE, Unavailable

    if isinstance(evidence.keys, tuple):
        return evidence.keys
    if asked.trust is None:
        return Unavailable("no_trust")
    if asked.offline:
        return OFFLINE
    from api.settings import load
    from scripts.remote import chain_of

    rpc_url = load({"rpc_url": asked.rpc_url}).settings.rpc_url
    return signing_keys(chain_of(rpc_url, asked.trust), credential.disclosure.receipt.entry.issuer)


def _fetched(credential: Credential, url: str | None) -> list[StatusList]:
    """The lists from the server that is asked anyway; an address that only the token names isn't called."""
    from api.settings import load
    from notary.exports.credential import PURPOSES, list_of
    from notary.exports.status_credential import parse_status_list
    from notary.exports.status_place import place_of
    from scripts.client import connect

    base = load({"public_url": url}).settings.url
    if credential.base != base:
        return []
    receipt = credential.disclosure.receipt
    number, _ = place_of(receipt.origin, receipt.index)
    found = []
    for purpose in PURPOSES:
        path = list_of(base, receipt.origin, number, purpose).removeprefix(f"{base}/api/v1/")
        try:
            with connect(base) as server:
                found.append(parse_status_list(server.send("GET", path).content))
        except InputError:
            raise
        except ChuzhengError:
            continue  # an outage, or no key there: the check says that there is no list
    return found


def _lines(report: Report, checks: Sequence[CredentialCheck], verdict: Verdict, language: Language) -> str:
    """The verdict of the whole first: the disclosure's own, further down, may be another."""
    from notary.export_reports import credential_check_text, credential_title, credential_verdict
    from notary.report_text import outcome_word, report_text

    word, sentence, cause, deciding = credential_verdict(report, checks, verdict, language)
    lines = [word, sentence]
    if cause:
        lines.append(text("report.cause", language, value=cause))
    if deciding is not None:
        lines.append(text("report.next", language, value=text("web.credential.next", language)))
    lines += ["", text("vc.judged", language)]
    for check in checks:
        said = credential_check_text(check, language)
        told = text("web.credential.cause", language, title=credential_title(check, language), said=said)
        lines.append(f"[{outcome_word(check.outcome, language)}] {told}")
    return "\n".join([*lines, "", text("vc.disclosure_follows", language), report_text(report, language)])
