"""Making the 存证证明: verify, put the page together, draw it. The page says what the verification found, as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.commands.judging import Asked, judge_presented
from scripts.problems import UsageError

if TYPE_CHECKING:
    from notary.disclosure import Disclosure
    from notary.exports.evidence_bundle import EvidenceBundle
    from notary.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Made:
    """The file; `code`: the exit code that the verification alone would have had; `operator`: whether it is named."""

    data: bytes
    number: str
    verdict: str
    code: int
    operator: bool


def make_certificate(
    bundle: EvidenceBundle, receipt: Receipt, disclosure: Disclosure | None, *, asked: Asked, names: Sequence[str],
    operator: str | None, issuer_name: str | None, english: bool,
) -> Made:  # fmt: skip
    """The page about one part of a bundle. UsageError for a member that its disclosure doesn't show."""
    from importlib.metadata import version

    from api.settings import Settings, load
    from ledger.texts import Language
    from notary.certificate_pdf import draw_certificate
    from notary.evidence import Presented
    from notary.exports.certificate_page import Circumstances, page_of
    from notary.qr import QrProof
    from notary.qr_picture import draw_qr

    shown = {} if disclosure is None else disclosure.shown
    for name in names:
        if name not in shown:
            raise UsageError("cli.certificate.show", member=name[:60])
    settings = load({"public_url": asked.url}).settings
    language: Language = "en" if english else "zh"
    contact = "contact_en" if english else "contact_zh"
    if operator is None and getattr(settings, contact) != Settings.model_fields[contact].default:
        operator = getattr(settings, contact)
    report, _ = judge_presented(Presented(receipt, disclosure=disclosure), asked, None, bundle)
    about = Circumstances(
        operator, version("chuzheng"), issuer_name,
        bundle.sha256, {name: shown[name] for name in names},
    )  # fmt: skip
    page = page_of(report, receipt, about, language)
    code = draw_qr(f"{settings.url}/verify", QrProof.of(receipt, None, []).to_text())
    return Made(draw_certificate(page, code), page.number, page.verdict, report.exit_code, operator is not None)
