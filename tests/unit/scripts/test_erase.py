"""`chuzheng erase`: says what stays, asks, needs two persons; `apply` holds a restored database to a list."""

from __future__ import annotations

import io
import json
import os
import shlex
from pathlib import Path

import pytest

from api.auth import Desk, person_hash
from notary.erasures import Erased, parse_erasures, write_erasures
from scripts.erased import read_lists
from scripts.output import folded
from tests.fakes.house import ISSUER, House
from tests.unit.scripts.conftest import Chuzheng, IntoApp

ORDER = "鄂法令〔2026〕12号"


def tokens(house: House, tmp_path: Path) -> tuple[Path, Path]:
    """Two persons' token files."""
    made = []
    for person in ("A-001", "B-002"):
        token = house.parts.tokens.issue(ISSUER, Desk.ERASURE, "", person_hash(b"k" * 32, person))
        file = tmp_path / f"{person}.token"
        file.write_text(token)
        made.append(file)
    return made[0], made[1]


def test_erase__proposed_confirmed_shown(house: House, server: IntoApp, chuzheng: Chuzheng, tmp_path: Path) -> None:
    one, two = tokens(house, tmp_path)
    receipt = house.accept(house.certificate())
    file = tmp_path / "x.receipt.json"
    file.write_bytes(receipt.to_json())
    shown = chuzheng("erase", "show", file, "--token-file", one)
    assert shown.code == 0
    assert "Receipts that were handed out" in shown.out
    proposed = chuzheng("erase", "propose", file, "--order", ORDER, "--yes", "--token-file", one, "--json")
    assert (proposed.code, proposed.json["state"]) == (0, "proposed"), proposed.err
    same = chuzheng("erase", "confirm", file, "--order", ORDER, "--yes", "--token-file", one)
    assert (same.code, "erasure.same_person" in same.err) == (4, True)
    done = chuzheng("erase", "confirm", house.origin, receipt.index, "--order", ORDER, "--yes", "--token-file", two)
    assert done.code == 0, done.err
    assert "Erased (鄂法令〔2026〕12号)" in done.out
    assert "Backups of the database" in done.out
    after = chuzheng("erase", "show", file, "--token-file", two, "--notices", tmp_path / "notices", "--json")
    assert (after.json["state"], after.json["files"]) == ("done", [])
    assert "No notices to send" in after.err
    assert not (tmp_path / "notices").exists()
    told = chuzheng("erase", "show", file, "--token-file", two).out
    assert "What can't be recalled:" in told
    assert "What goes:" not in told  # it is gone
    assert "What goes:" in shown.out


@pytest.mark.parametrize("language", ["zh", "en"])
def test_erase__tables_too_large_to_write_anew__named_with_the_command(
    house: House,
    server: IntoApp,
    chuzheng: Chuzheng,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
) -> None:
    monkeypatch.setenv("CHUZHENG_LANG", language)
    monkeypatch.setattr(
        "notary.stores.erasures.ErasureStore.only_freed", lambda self: ["record_keys", "records"]
    )  # PostgreSQL's answer (tests/integration/test_postgres.py)
    one, two = tokens(house, tmp_path)
    index = house.accept(house.certificate()).index
    assert "VACUUM" not in chuzheng("erase", "show", house.origin, index, "--token-file", one).out
    for what, whose in (("propose", one), ("confirm", two)):
        done = chuzheng("erase", what, house.origin, index, "--order", ORDER, "--yes", "--token-file", whose)
        assert ("\n  VACUUM FULL record_keys, records;\n" in done.out) == (what == "confirm"), done.err
    shown = chuzheng("erase", "show", house.origin, index, "--token-file", two)
    assert "\n  VACUUM FULL record_keys, records;\n" in shown.out
    assert all(words in shown.out for words in ("record_keys, records", "2026-02-02", "psql"))
    assert shown.out.encode("gbk")


def test_release__a_record_that_was_erased__said_and_once(
    house: House, server: IntoApp, chuzheng: Chuzheng, tmp_path: Path
) -> None:
    one, two = tokens(house, tmp_path)
    index = house.accept(house.certificate()).index
    record = tmp_path / "x.record.json"
    record.write_text(json.dumps(house.certificate()), encoding="utf-8")
    for what, whose in (("propose", one), ("confirm", two)):
        assert chuzheng("erase", what, house.origin, index, "--order", ORDER, "--yes", "--token-file", whose).code == 0
    release = ("erase", "release", record, "--order", "〔2027〕3")
    proposed = chuzheng(*release, "--token-file", one, "--json")
    assert (proposed.code, proposed.json["released"]) == (0, False), proposed.err
    proposal = proposed.json["proposal"]
    assert proposal in proposed.json["message_zh"]
    assert "--order …" in proposed.json["message_zh"]  # from the order itself
    alone = chuzheng(*release, "--proposal", proposal, "--token-file", one)
    assert (alone.code, "erasure.same_person" in alone.err) == (4, True)
    for _ in range(2):  # sent again it is answered as the first time
        done = chuzheng(*release, "--proposal", proposal, "--token-file", two, "--json")
        assert (done.code, done.json["released"], done.json["ok"]) == (0, True, True), done.err
        assert chuzheng(*release, "--token-file", one, "--json").json["proposal"] == proposal
    house.accept(house.certificate())


def test_erase__each_answer__says_what_to_do_next(
    house: House, server: IntoApp, chuzheng: Chuzheng, tmp_path: Path
) -> None:
    one, two = tokens(house, tmp_path)
    file = tmp_path / "x y.receipt.json"
    file.write_bytes(house.accept(house.certificate()).to_json())

    def last(what: str, *more: object) -> str:
        done = chuzheng("erase", what, "x y.receipt.json", *more)
        assert done.code == 0, done.err
        return done.out

    acting = ("--order", ORDER, "--yes", "--token-file")
    assert "chuzheng erase propose 'x y.receipt.json' --order …" in last("show", "--token-file", one)
    told = last("propose", *acting, one)
    assert [line.split()[2] for line in told.splitlines() if line.startswith("  chuzheng")] == ["confirm", "withdraw"]
    assert "no notices" in chuzheng("erase", "show", file, "--token-file", one, "--notices", "n").err
    [taken] = [shlex.split(line)[4:] for line in told.splitlines() if "erase withdraw" in line]
    assert "cli.usage" in chuzheng("erase", "withdraw", "x y.receipt.json", "--token-file", two).err  # which one?
    assert "chuzheng erase propose" in last("withdraw", *taken, "--token-file", two)
    last("propose", *acting, one)
    late = chuzheng("erase", "withdraw", file, *taken, "--token-file", two)  # sent again: the newer one stands
    assert (late.code, "erasure.other_proposal" in late.err) == (1, True)
    assert "destroy what the department itself still has" in last("confirm", *acting, two)


def test_erase__what_would_be_refused__said_before_anybody_reads_and_agrees(
    house: House, server: IntoApp, chuzheng: Chuzheng, tmp_path: Path
) -> None:
    one, two = tokens(house, tmp_path)
    index = house.accept(house.certificate()).index

    def refused(what: str, order: str, whose: Path) -> str:
        done = chuzheng("erase", what, house.origin, index, "--order", order, "--token-file", whose, "--json")
        assert done.code in (1, 2)
        return str(done.json["code"])

    assert refused("confirm", ORDER, two) == "erasure.not_proposed"
    proposed = ("erase", "propose", house.origin, index, "--order", ORDER, "--yes", "--token-file", one)
    assert chuzheng(*proposed).code == chuzheng(*proposed).code == 0  # the same again is the same
    assert refused("confirm", "another", two) == "erasure.other_order"
    assert refused("propose", "another", two) == "erasure.state"
    assert refused("confirm", ORDER, two) == "cli.usage.missing"  # this one may ask: --yes


def test_erase__file_that_is_not_there__named(
    server: IntoApp, house: House, chuzheng: Chuzheng, tmp_path: Path
) -> None:
    one, _ = tokens(house, tmp_path)
    done = chuzheng("erase", "show", "x.receipt.json", "--token-file", one)
    assert "file.missing" in done.err
    assert "cli.usage.missing" in chuzheng("erase", "show", house.origin, "--token-file", one).err


def test_folded__items__go_on_below_their_first_word(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def fileno(self) -> int:
            return 1

    monkeypatch.setattr("os.get_terminal_size", lambda number: os.terminal_size((30, 9)))
    lines = ["甲乙丙丁戊己庚辛壬癸子丑寅卯辰", "  - 甲乙丙丁戊己庚辛壬癸子丑寅"]
    assert folded(lines, Terminal()) == ["甲乙丙丁戊己庚辛壬癸子丑寅卯", "辰", "  - 甲乙丙丁戊己庚辛壬癸子丑", "    寅"]
    assert folded(lines, io.StringIO()) == lines


def test_erase__asked_and_declined__nothing_is_sent(
    house: House, server: IntoApp, chuzheng: Chuzheng, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = tokens(house, tmp_path)
    index = house.accept(house.certificate()).index
    said: list[str] = []
    answers = iter(["否", "", "n", "x", "x", "x"])

    def answer(text: str, **_: object) -> str:
        said.append(text)
        return next(answers)

    monkeypatch.setattr("typer.prompt", answer)
    for _ in range(4):  # what is no answer is asked again, but not for ever
        declined = chuzheng("erase", "propose", house.origin, index, "--order", ORDER, "--token-file", one)
        assert declined.code == 3
        assert "What can't be recalled:" in declined.err
        assert "Cancelled: nothing was done." in declined.err
    assert said == ["I have read this. Propose the erasure by 鄂法令〔2026〕12号? [y/N]"] * 6
    assert declined.err.count("Please answer y (yes) or n (no).") == 3
    assert not any(asked.startswith("POST") for asked in server.asked)
    unasked = chuzheng("erase", "propose", house.origin, index, "--order", ORDER, "--token-file", one, "--json")
    assert (unasked.code, unasked.json["code"]) == (2, "cli.usage.missing")


@pytest.mark.parametrize("word", ["y", "是", " YES "])
def test_erase__asked_and_agreed__proposed(
    house: House, server: IntoApp, chuzheng: Chuzheng, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    one, _ = tokens(house, tmp_path)
    index = house.accept(house.certificate()).index
    monkeypatch.setattr("typer.prompt", lambda *_, **__: word)
    assert chuzheng("erase", "propose", house.origin, index, "--order", ORDER, "--token-file", one).code == 0


@pytest.mark.parametrize("arguments", [("chuzheng/x",), ("chuzheng/x", "1")])
def test_erase__no_such_target__usage(
    chuzheng: Chuzheng, server: IntoApp, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chuzheng("erase", "show", *arguments).code == 2


def test_lists__a_list_or_a_snapshot__by_log(house: House) -> None:
    data = write_erasures(house.origin, [Erased(3, ORDER)])
    assert read_lists(data) == {house.origin: [Erased(3, ORDER)]}
    assert parse_erasures(data)[0] == house.origin
    assert json.loads(data)["erasures"] == [{"index": 3, "order": ORDER}]
