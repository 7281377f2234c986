"""A report's bytes are put together from known pieces: they are always what its value gives as JSON."""

from __future__ import annotations

import json
from string import Formatter

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.statuses import Decision, DecisionCode
from ledger.texts import catalogue
from ledger.types import BlockTime, DepartmentCode, Digest, Kind, Millis, Stage
from notary.report import AsOf, Check, CheckName, IssueTime, Level, Note, Outcome, Registered, Report, TextKey, Verdict
from notary.report_json import to_json, to_value

NAMED = {f"check.{name.value}.": name for name in CheckName}
CASES = [
    (name, key.removeprefix(start)) for key in catalogue() for start, name in NAMED.items() if key.startswith(start)
]
NOTES = [key.removeprefix("note.") for key in catalogue() if key.startswith("note.")]
TEXT = st.text(max_size=20) | st.sampled_from(['"', "\\", "\0", "{}", "{0}", "{case}", "𠮷", "\x7f", ""])
PARAM = TEXT | st.integers() | st.builds(TextKey, st.sampled_from(["period.no_end", "reason.offline"]), TEXT)
REGISTERED = st.builds(
    Registered, TEXT, st.integers(0, 99), TEXT, st.sampled_from(list(Kind)), st.just(Millis(3)),
    st.none() | st.sampled_from(list(Stage)), st.binary(min_size=32, max_size=32).map(Digest),
)  # fmt: skip
RESUMED = Decision(2, DecisionCode.RESUMED, 0, DepartmentCode("114200000099912773"), BlockTime(1), BlockTime(2))


def places(key: str) -> set[str]:
    texts = catalogue().get(key, {"zh": "", "en": ""})
    return {name for text in texts.values() for _, name, _, _ in Formatter().parse(text) if name}


@st.composite
def checks(draw: st.DrawFn) -> Check:
    name, case = draw(st.sampled_from(CASES))
    case = case.removesuffix(".unknown")
    own = f"check.{name.value}.{case}"
    params = {place: draw(PARAM) for place in sorted(places(own) | places(f"{own}.unknown"))}
    seen = st.none() | TEXT
    return Check(name, draw(st.sampled_from(list(Outcome))), case, params, draw(seen), draw(seen), draw(seen))


@st.composite
def reports(draw: st.DrawFn) -> Report:
    found = tuple(draw(st.lists(checks(), max_size=12)))
    answer = draw(st.sampled_from(list(Verdict)))
    noted = draw(st.lists(st.sampled_from(NOTES), max_size=2))
    return Report(
        subject=draw(TEXT),
        checks=found,
        needed=frozenset(draw(st.sets(st.sampled_from(list(CheckName))))),
        verdict=draw(st.sampled_from([answer, None])) if found else answer,
        answer=answer,
        deciding=draw(st.sampled_from(found)) if found and answer is not Verdict.VALID else None,
        at=Millis(1),
        now=Millis(2),
        as_of=draw(st.none() | st.builds(AsOf, TEXT, st.none() | st.integers(0, 9), st.just(BlockTime(7)))),
        issue_time=draw(
            st.none() | st.builds(IssueTime, st.integers(0, 9).map(BlockTime), st.booleans(), st.booleans())
        ),
        level=draw(st.none() | st.sampled_from(list(Level))),
        registered=draw(st.none() | REGISTERED),
        network=draw(TEXT),
        finality=draw(st.none() | TEXT | st.just("none")),
        decision=draw(st.none() | st.just(RESUMED)),
        notes=tuple(Note(code, {place: draw(TEXT) for place in sorted(places(f"note.{code}"))}) for code in noted),
        contact=draw(st.none() | TEXT),
    )


@settings(max_examples=150, deadline=None)
@given(reports())
def test_to_json__any_report__is_the_json_of_its_value(report: Report) -> None:
    try:
        expected = json.dumps(to_value(report), ensure_ascii=False, separators=(",", ":")).encode()
    except KeyError:  # a verdict without a status sentence, or the like: no report that verify makes
        return
    assert to_json(report) == expected
    assert json.loads(to_json(report)) == to_value(report)
