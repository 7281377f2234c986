"""Reports about W3C credentials and evidence bundles as JSON: the same on the command line and over HTTP.

Pure but for the catalogue of texts. A report of a receipt or disclosure in them is notary.report_json's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.texts import Language, catalogue, text
from notary.event_proof import EventJudgement
from notary.exports.bundle_judging import counting
from notary.exports.credential import Credential
from notary.exports.credential_checks import CredentialCheck
from notary.exports.evidence_bundle import EvidenceBundle
from notary.report import EXIT_CODES, Outcome, Report, Verdict
from notary.report_json import to_value
from notary.report_text import verdict_texts

CREDENTIAL_SCHEMA = "chuzheng-credential-report/1"
BUNDLE_SCHEMA = "chuzheng-bundle-report/1"
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def credential_check_text(check: CredentialCheck, language: Language) -> str:
    """What a check of a credential found, in words."""
    own = f"vc.{check.name}.{check.case}"
    return text(own if own in catalogue() else f"vc.list.{check.case}", language)


def event_message(judged: EventJudgement, language: Language) -> str:
    """What came of an event, and why; a reason is the one that a receipt's check 7 gives, where that speaks of no
    receipt."""
    own, why = f"event.{judged.code}", f"event.why.{judged.code}"
    if own in catalogue():
        return text(own, language)
    why = why if why in catalogue() else f"reason.{judged.code}"
    return text(f"event.{judged.outcome.value}", language, why=text(why, language))


def credential_title(check: CredentialCheck, language: Language) -> str:
    """What a check of a credential asks: the signature, or which of the two lists."""
    return text(f"web.credential.{check.name}", language)


def credential_verdict(
    report: Report, checks: Sequence[CredentialCheck], verdict: Verdict, language: Language
) -> tuple[str, str, str, CredentialCheck | None]:
    """Word, sentence and cause of the whole, and the check that decided it where the disclosure's report didn't (it
    may well say *valid* of a credential that isn't)."""
    if verdict is report.answer:
        words = verdict_texts(report, language)
        return words.word, words.sentence, words.cause, None
    deciding = next((c for c in checks if c.outcome is Outcome.FAIL), checks[0])
    said = credential_check_text(deciding, language)
    cause = text("web.credential.cause", language, title=credential_title(deciding, language), said=said)
    key = f"verdict.{verdict.value}"
    return text(key, language), text(f"{key}.sentence", language), cause, deciding


def credential_value(
    credential: Credential, report: Report, checks: Sequence[CredentialCheck], verdict: Verdict
) -> dict[str, Any]:
    """`verdict`: of signature, lists and disclosure together."""
    code = EXIT_CODES[verdict]
    told = {language: credential_verdict(report, checks, verdict, language) for language in LANGUAGES}
    return {
        "schema": CREDENTIAL_SCHEMA, "ok": code == 0, "code": "vc.judged", "exit_code": code, **_told("vc.judged"),
        "verdict": verdict.value, **{f"verdict_{language}": each[0] for language, each in told.items()},
        **{f"cause_{language}": each[2] for language, each in told.items()},
        "issuer": credential.issuer, "issued_at": credential.issued_at, "key_id": credential.key_id,
        "checks": [
            {"name": check.name, "outcome": check.outcome.value, "case": check.case,
             **{f"message_{language}": credential_check_text(check, language) for language in LANGUAGES}}
            for check in checks
        ],
        "report": to_value(report),
    }  # fmt: skip


def bundle_value(
    bundle: EvidenceBundle, reports: Mapping[str, Report], events: Mapping[str, tuple[str, EventJudgement]], code: int
) -> dict[str, Any]:
    """`events`: by name, (contract, what came of it); `code`: the worst part's exit code."""
    counts, key = counting(reports), "bundle.sound" if code == 0 else "bundle.not_all"
    return {
        "schema": BUNDLE_SCHEMA, "ok": code == 0, "code": key, "exit_code": code, **_told(key),
        "network": bundle.network, "sha256": bundle.sha256.hex(),
        "grant": None if bundle.grant is None else bundle.grant.hex(),
        "lacking": [{"code": each, **_told(f"cli.bundle.lacking.{each}")} for each in sorted(bundle.lacking)],
        "reports": [
            {"name": name, "counts": name in counts, "report": to_value(report)} for name, report in reports.items()
        ],
        "events": [
            {"name": name, "contract": contract, "outcome": judged.outcome.value, "code": f"event.{judged.code}",
             **{f"message_{language}": event_message(judged, language) for language in LANGUAGES}}
            for name, (contract, judged) in events.items()
        ],
    }  # fmt: skip


def _told(key: str) -> dict[str, str]:
    return {f"message_{language}": text(key, language) for language in LANGUAGES}
