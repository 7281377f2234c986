"""A log by its public files: the same entries and paths as the log itself, and outages that are none of its answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from ledger.errors import UnavailableError
from notary.entry import leaf_of
from notary.merkle import inclusion_path
from notary.stores.tiles import TileLog
from scripts.remote import RemoteLog, log_of
from tests.fakes.log import KEY_NAME, ORIGIN, RememberingSigner, make_entries

SIZE = 700
ENTRIES = make_entries(SIZE)
Serve = Callable[[Callable[[str], httpx.Response]], RemoteLog]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """A RemoteLog whose server is a function from the path below the log's address."""
    real = httpx.Client

    def made(answer: Callable[[str], httpx.Response]) -> RemoteLog:
        def handle(request: httpx.Request) -> httpx.Response:
            _, _, rest = request.url.raw_path.decode().partition("/api/v1/logs/")
            origin, _, path = rest.partition("/")
            assert unquote(origin) == ORIGIN
            return answer(path)

        transport = httpx.MockTransport(handle)
        monkeypatch.setattr("scripts.client.httpx.Client", lambda **more: real(**{**more, "transport": transport}))
        monkeypatch.setattr("scripts.client.time.sleep", lambda seconds: None)
        return log_of("http://log.example")

    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed log on disk."""
    path = tmp_path_factory.mktemp("log")
    log = TileLog(path, ORIGIN)
    with log.appending() as appending:
        appending.append(0, ENTRIES)
    log.seal(RememberingSigner(), KEY_NAME)
    return path


def files(folder: Path) -> Callable[[str], httpx.Response]:
    def answer(path: str) -> httpx.Response:
        file = folder / path
        if not file.is_file():
            return httpx.Response(404, json={"code": "log.tile_missing", "message_zh": "无", "message_en": "none"})
        return httpx.Response(200, content=file.read_bytes())

    return answer


def test_remote__every_entry_and_path__as_in_the_log(serve: Serve, folder: Path) -> None:
    remote = serve(files(folder))
    leaves = [leaf_of(entry) for entry in ENTRIES]
    for index in (0, 1, 255, 256, 511, 512, SIZE - 1):
        assert remote.entry(ORIGIN, index) == ENTRIES[index]
        assert list(remote.inclusion(ORIGIN, index, SIZE)) == inclusion_path(leaves, index)
    assert remote.entry(ORIGIN, SIZE) is None


def test_remote__no_checkpoint_yet__none(serve: Serve, tmp_path: Path) -> None:
    remote = serve(files(tmp_path))
    assert remote.checkpoint(ORIGIN) is None
    assert remote.entry(ORIGIN, 0) is None


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(500, text="broken"),
        httpx.Response(403, json={"code": "auth.missing", "message_zh": "", "message_en": ""}),
        httpx.Response(200, content=b"\xff\xfe"),
    ],
)
def test_remote__answers_nonsense__unavailable(serve: Serve, response: httpx.Response) -> None:
    with pytest.raises(UnavailableError):
        serve(lambda path: response).checkpoint(ORIGIN)


def test_remote__identifiers__are_not_in_its_files(serve: Serve, folder: Path) -> None:
    with pytest.raises(UnavailableError):
        serve(files(folder)).locate("1.2.156.3005.2.A.B.C.001.X")
