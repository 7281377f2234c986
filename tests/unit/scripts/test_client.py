"""The client over a fake transport: what is sent again, what a problem becomes, tokens, addresses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.errors import ChuzhengError, DeniedError, UnavailableError
from scripts import client as room
from scripts.client import Client, read_token
from scripts.problems import ServerError, UsageError

Answer = Callable[[httpx.Request], httpx.Response]
PROBLEM = {"code": "already_anchored", "message_zh": "有了", "message_en": "there"}


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], Client]:
    """A client whose server is a function; waiting takes no time."""
    real = httpx.Client

    def made(answer: Answer) -> Client:
        transport = httpx.MockTransport(answer)
        monkeypatch.setattr(
            "scripts.client.httpx.Client", lambda **arguments: real(**{**arguments, "transport": transport})
        )
        return Client("http://server.example/", "czt_x_y", attempts=3)

    monkeypatch.setattr("scripts.client.time.sleep", lambda seconds: None)
    return made


def in_turn(*answers: httpx.Response | Exception) -> tuple[Answer, list[httpx.Request]]:
    left, seen = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return answer, seen


def problem(status: int, **members: Any) -> httpx.Response:
    return httpx.Response(status, json={**PROBLEM, **members}, headers={"Retry-After": "0"})


@pytest.mark.parametrize(
    ("status", "times"), [(400, 1), (401, 1), (403, 1), (404, 1), (409, 1), (422, 1), (429, 3), (500, 1), (503, 3)]
)
def test_send__problem__the_servers_own_words_and_only_busy_ones_again(
    answering: Callable[[Answer], Client], status: int, times: int
) -> None:
    answer, seen = in_turn(*(problem(status) for _ in range(3)))
    with pytest.raises(ServerError) as raised:
        answering(answer).send("GET", "x")
    assert (raised.value.status, raised.value.code, len(seen)) == (status, "already_anchored", times)


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(502, text="<html>Bad gateway"),
        httpx.Response(404, json={"jsonrpc": "2.0"}),
        httpx.Response(404, json=[1]),
        httpx.Response(404, content=b"\xff\xfe"),
        httpx.Response(302, headers={"Location": "https://portal.example"}),
    ],
)
def test_send__not_an_answer_of_ours__unavailable_names_the_address(
    answering: Callable[[Answer], Client], response: httpx.Response
) -> None:
    answer, _ = in_turn(response)
    with pytest.raises(UnavailableError) as raised:
        answering(answer).send("GET", "x")
    assert raised.value.code == "cli.server_answer"
    assert raised.value.params["url"] == "http://server.example"


def test_get_json__success_that_is_no_object__unavailable(answering: Callable[[Answer], Client]) -> None:
    answer, _ = in_turn(httpx.Response(200, text="welcome"), httpx.Response(200, json=[]))
    client = answering(answer)
    for _ in range(2):
        with pytest.raises(UnavailableError):
            client.get_json("x")


def test_send__lost_on_the_way__whole_body_again(answering: Callable[[Answer], Client]) -> None:
    answer, seen = in_turn(httpx.ReadTimeout("slow"), httpx.ConnectError("away"), httpx.Response(200, json={}))

    def body() -> Iterator[bytes]:
        yield from (b"one", b"two")

    answering(answer).send("POST", "documents", stream=body)
    assert [request.content for request in seen] == [b"onetwo"] * 3
    assert seen[0].headers["Authorization"] == "Bearer czt_x_y"


def test_send__never_answered__unavailable_with_the_kind_only(answering: Callable[[Answer], Client]) -> None:
    answer, _ = in_turn(*(httpx.ConnectError("secret detail") for _ in range(3)))
    with pytest.raises(UnavailableError) as raised:
        answering(answer).send("GET", "x")
    assert raised.value.params == {"url": "http://server.example", "kind": "ConnectError"}


def test_send__error_of_the_body__is_the_callers(answering: Callable[[Answer], Client]) -> None:
    def body() -> Iterator[bytes]:
        yield b"one"
        raise UsageError("file.changed", path="x")

    answer, _ = in_turn(httpx.Response(200))
    with pytest.raises(ChuzhengError, match=r"file\.changed"):
        answering(answer).send("POST", "documents", stream=body)


@pytest.mark.parametrize(
    "url", ["", "server", "ftp://x", "http://", "http://x:port", "http://[::1", "file:///etc/passwd"]
)
def test_address__not_one_of_a_server__usage_error(url: str) -> None:
    with pytest.raises(UsageError, match=r"cli\.url"):
        Client(url)


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "cli.no_token"), (" \n", "cli.no_token"), ("令牌", "cli.token_form"), ("a b", "cli.token_form"),
     ("a\x00b", "cli.token_form"), ("x" * 600, "cli.token_form")],
)  # fmt: skip
def test_token__none_or_not_one__denied(text: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DeniedError, match=code.replace(".", r"\.")):
        read_token(file)
    if "\x00" not in text:
        monkeypatch.setenv("CHUZHENG_TOKEN", text)
        with pytest.raises(DeniedError, match=code.replace(".", r"\.")):
            read_token(None)


def test_token__from_a_file__before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHUZHENG_TOKEN", "czt_env")
    assert read_token(None) == "czt_env"
    (tmp_path / "token").write_text("czt_file\n", encoding="ascii")
    assert read_token(tmp_path / "token") == "czt_file"
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DeniedError, match=r"cli\.token_file"):
            read_token(path)
    (tmp_path / "bin").write_bytes(b"\xff\xfe")
    with pytest.raises(DeniedError, match=r"cli\.token_file"):
        read_token(tmp_path / "bin")


def test_problem__as_json__keeps_what_the_server_said() -> None:
    answered = room.problem_of(httpx.Response(422, content=json.dumps(PROBLEM)), "http://x")
    assert isinstance(answered, ServerError)
    assert answered.problem["message_zh"] == "有了"
