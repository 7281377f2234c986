"""Which language an answer is in: `?lang=`, then Accept-Language, then Chinese (interfaces.md)."""

from __future__ import annotations

from starlette.requests import Request

from ledger.texts import LANGUAGES, Language


def language_of(request: Request) -> Language:
    """`zh` or `en` for this request."""
    asked = request.query_params.get("lang")
    for language in LANGUAGES:
        if asked == language:
            return language
    return preferred(request.headers.get("accept-language", ""))


def preferred(header: str) -> Language:
    """The best of our languages in an Accept-Language header; what doesn't parse is absent (RFC 9110 §12.5.4)."""
    best: tuple[float, int, Language] = (0.0, 0, "zh")
    for position, item in enumerate(header.split(",")[:20]):
        tag, _, weight = item.strip().partition(";")
        quality = _quality(weight)
        for language in LANGUAGES:
            if tag.strip().lower().split("-")[0] == language and (quality, -position) > best[:2]:
                best = (quality, -position, language)
    return best[2]


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
