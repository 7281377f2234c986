"""Tokens: made once, kept hashed, refused alike."""

from __future__ import annotations

import fcntl
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from api.auth import Desk, StoredToken, TokenStore, ensure_tokens, tokens_shown
from ledger.errors import ConfigurationError, DeniedError
from ledger.types import DepartmentCode, Role

CODE = DepartmentCode("11420000MB9543829Q")


def test_token__issued__is_known_and_its_secret_nowhere_on_disk(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "keys" / "tokens.json")
    token = store.issue(CODE, Role.ANCHOR)
    caller = store.caller(token)
    assert (caller.department, caller.roles) == (CODE, Role.ANCHOR)
    secret = token.split("_", 2)[2]
    assert secret not in (tmp_path / "keys" / "tokens.json").read_text()
    assert stat.S_IMODE((tmp_path / "keys" / "tokens.json").stat().st_mode) == 0o600
    assert len(secret) >= 43


CHANGES: dict[str, Callable[[str], str]] = {
    "shorter": lambda t: t[:-1],
    "longer": lambda t: t + "A",
    "upper case": lambda t: t.upper(),
    "empty": lambda t: "",
    "not ASCII": lambda t: "é",
    "other prefix": lambda t: t.replace("czt", "cz", 1),
    "other id": lambda t: "czt_000000000000_" + t.split("_", 2)[2],
}


@pytest.mark.parametrize("change", CHANGES)
def test_token__changed__is_refused(tmp_path: Path, change: str) -> None:
    store = TokenStore(tmp_path / "tokens.json")
    token = store.issue(CODE, Role.ANCHOR)
    with pytest.raises(DeniedError) as caught:
        store.caller(CHANGES[change](token))
    assert caught.value.code == "auth.token"


def test_token__ended_by_another_process__is_refused_without_restart(tmp_path: Path) -> None:
    store, other = TokenStore(tmp_path / "t.json"), TokenStore(tmp_path / "t.json")
    token = store.issue(CODE, Role.STATUS)
    assert store.caller(token)
    assert other.end(store.all()[0].id)
    assert not other.end("nothing")
    with pytest.raises(DeniedError):
        store.caller(token)


def test_token__ended_by_another_process_while_one_is_issued__stays_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = TokenStore(tmp_path / "t.json"), TokenStore(tmp_path / "t.json")
    stolen = store.issue(CODE, Role.STATUS)
    [kept] = store.all()
    reached, lock = threading.Event(), fcntl.flock

    def end() -> None:
        assert other.end(kept.id)
        reached.set()

    thread = threading.Thread(target=end)

    def locking(handle: int, how: int) -> None:
        if threading.current_thread() is thread:
            reached.set()  # it has to wait, as it should
        lock(handle, how)

    class Between(TokenStore):
        def _load(self) -> dict[str, StoredToken]:
            found = super()._load()
            if thread.ident is None:
                thread.start()
                reached.wait()
            return found

    monkeypatch.setattr(fcntl, "flock", locking)
    new = Between(tmp_path / "t.json").issue(CODE, Role.ANCHOR)
    thread.join()
    assert store.caller(new)
    with pytest.raises(DeniedError):
        store.caller(stolen)


def test_token__role__is_checked_by_bit(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "t.json")
    caller = store.caller(store.issue(CODE, Role.ANCHOR | Role.GATEWAY))
    caller.require(Role.GATEWAY)
    with pytest.raises(DeniedError) as caught:
        caller.require(Role.STATUS)
    assert caught.value.code == "auth.role"


def test_ensure__second_start__makes_none(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "t.json")
    made = ensure_tokens(store, [CODE])
    assert [(d, r) for d, r, _ in made] == [(CODE, Role.ANCHOR), (CODE, Role.STATUS)]
    tokens_shown(store)
    assert ensure_tokens(TokenStore(tmp_path / "t.json"), [CODE]) == []
    assert [store.caller(token).roles for _, _, token in made] == [Role.ANCHOR, Role.STATUS]


def test_ensure__a_start_ended_before_they_were_shown__made_again_and_the_others_are_as_they_were(
    tmp_path: Path,
) -> None:
    store = TokenStore(tmp_path / "t.json")
    own = store.issue(CODE, Desk.ERASURE, "config token")
    lost = ensure_tokens(store, [CODE])
    made = ensure_tokens(TokenStore(tmp_path / "t.json"), [CODE])
    assert [(d, r) for d, r, _ in made] == [(CODE, Role.ANCHOR), (CODE, Role.STATUS)]
    tokens_shown(store)
    for _, _, token in lost:
        with pytest.raises(DeniedError, match=r"auth\.token"):
            store.caller(token)
    assert len(store.all()) == 3  # a start that fails again and again leaves one set
    for token in (own, *(token for _, _, token in made)):
        assert store.caller(token)
    store.end(store.all()[1].id)  # one that was shown and ended since is made again, too, as ever
    assert len(ensure_tokens(store, [CODE])) == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema":"chuzheng-tokens/2","tokens":[]}'])
def test_tokens_file__damaged__says_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        TokenStore(tmp_path / "t.json").all()
    assert caught.value.code == "auth.tokens_file"
