"""Encrypted files by CID in a Kubo node, over its RPC: the wire and nothing else; blocks.py does all checking.

`ipfshttpclient` 0.7 stays in this file (stack.md). Its `connect()` refuses every Kubo since 0.8, so the node is asked
plainly, and a node that names blocks differently is found by its first answer. Its own streaming reads a block or an
error of any length into memory, so its session is taken one level lower and every answer has a limit (ADR 0024).

Every call says `offline`: a block counts as there only if this node itself has it. Blocks are put one by one, children
first, and become garbage-proof by one recursive pin of the root, which the node grants only if all of them are there.
"""

from __future__ import annotations

import io
import ipaddress
import json
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from ledger.errors import ConfigurationError, IntegrityError, NotFoundError, UnavailableError, UnreadableError
from notary.cid import LEAF_BYTES, RAW, parse_cid
from notary.stores.blocks import CheckedStore

CONNECT_SECONDS, QUIET_SECONDS, CALL_SECONDS, PIN_SECONDS = 5.0, 30.0, 120.0, 3600.0
"""Until it takes a connection; without a byte of the answer; for one block; for a pin, which walks the whole file."""
_ANSWER_BYTES, _LINE_BYTES, _PIECE = 1 << 20, 1 << 12, 1 << 16
_ABSENT = ("ipld: could not find", "blockservice: key not found", "block not found")
"""How versions of Kubo say that a block isn't there. Anything else it says is an outage, never an absence."""


class KuboStore(CheckedStore):
    """Blocks in the node at `address` (`/ip4/…/tcp/5001` or `http://…:5001`). Threads may share it."""

    def __init__(
        self,
        address: str,
        *,
        quiet: float = QUIET_SECONDS,
        call: float = CALL_SECONDS,
        connect: float = CONNECT_SECONDS,
    ) -> None:
        self.address = multiaddr_of(address)
        self._connect, self._quiet, self._whole = connect, quiet, call
        self._own = threading.local()

    def version(self) -> str:
        """What the node says it is, such as `0.44.0`."""
        return str(_member(self._json("version"), "Version", self.address))[:40]

    def pins(self) -> Iterator[str]:
        """CIDs of our profile that the node pins recursively, ours or not, in no order."""
        rest = b""
        for piece in self._stream("pin/ls", opts={"type": "recursive", "stream": "true"}, seconds=PIN_SECONDS):
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) > _LINE_BYTES:
                raise self._odd()
            yield from filter(None, map(self._pinned, lines))
        yield from filter(None, [self._pinned(rest)])

    def keeps(self, cid: str) -> bool:
        """Whether the node pins the file recursively."""
        parse_cid(cid)
        try:
            found = self._json("pin/ls", [cid], {"type": "recursive"})
        except _Refused as refusal:
            if "not pinned" in refusal.reason:
                return False
            raise self._unasked(refusal.reason) from None
        return cid in _member(found, "Keys", self.address)

    def _put_block(self, cid: str, block: bytes) -> None:
        codec = "raw" if parse_cid(cid)[1] == RAW else "dag-pb"
        opts = {"cid-codec": codec, "mhtype": "sha2-256", "mhlen": "32"}
        made = _member(self._plain("block/put", opts=opts, block=block), "Key", self.address)
        if made != cid:
            raise IntegrityError("content.node_names", address=self.address, cid=cid, found=str(made)[:80])

    def _get_block(self, cid: str) -> bytes:
        try:
            return b"".join(self._stream("block/get", [cid], limit=LEAF_BYTES))
        except _Refused as refusal:
            raise self._absent(cid, refusal) from None

    def _has_block(self, cid: str) -> bool:
        try:
            return bool(_member(self._json("block/stat", [cid]), "Key", self.address) == cid)
        except _Refused as refusal:
            if isinstance(self._absent(cid, refusal), NotFoundError):
                return False
            raise self._unasked(refusal.reason) from None

    def _keep(self, cid: str) -> None:
        """UnavailableError if a block isn't there (the node collected garbage meanwhile): the file is put again."""
        opts = {"recursive": "true", "progress": "true"}
        try:
            said = b"".join(self._stream("pin/add", [cid], opts, limit=_ANSWER_BYTES, seconds=PIN_SECONDS))
        except _Refused as refusal:
            raise self._unasked(refusal.reason) from None
        lines = [self._parsed(line) for line in said.splitlines() if line.strip()]
        if not any(cid in (line.get("Pins") or []) for line in lines):
            raise self._odd()

    def _let_go(self, cid: str) -> None:
        try:
            self._json("pin/rm", [cid], {"recursive": "true"})
        except _Refused as refusal:
            if "not pinned" not in refusal.reason:
                raise self._unasked(refusal.reason) from None

    def _drop_block(self, cid: str) -> None:
        """A block that another pin of the node holds stays: somebody else keeps it."""
        found = self._plain("block/rm", [cid], {"force": "true"})
        error = str(found.get("Error", ""))
        if error and not error.startswith("pinned"):
            raise self._unasked(error)

    # -- the wire -----------------------------------------------------------------------------------------------------

    def _plain(
        self, path: str, args: Sequence[str] = (), opts: dict[str, str] | None = None, block: bytes | None = None
    ) -> dict[str, Any]:
        try:
            return self._json(path, args, opts, block)
        except _Refused as refusal:
            raise self._unasked(refusal.reason) from None

    def _json(
        self, path: str, args: Sequence[str] = (), opts: dict[str, str] | None = None, block: bytes | None = None
    ) -> dict[str, Any]:
        return self._parsed(b"".join(self._stream(path, args, opts, block=block, limit=_ANSWER_BYTES)))

    def _stream(
        self,
        path: str,
        args: Sequence[str] = (),
        opts: dict[str, str] | None = None,
        *,
        block: bytes | None = None,
        limit: int | None = None,
        seconds: float | None = None,
    ) -> Iterator[bytes]:
        """The answer, piece by piece; at most `limit` bytes and one piece. Every foreign exception ends here."""
        from ipfshttpclient import exceptions, multipart  # type: ignore[import-untyped]
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        until = time.monotonic() + (seconds or self._whole)
        data, headers = None, None
        if block is not None:
            data, headers = multipart.stream_files(io.BytesIO(block), chunk_size=_PIECE)
        found = 0
        try:
            answer = self._session().request(
                f"/{path}", args, opts=opts or {}, decoder="none", stream=True, offline=True,
                data=data, headers=headers, timeout=(self._connect, self._quiet),
            )  # fmt: skip
            with answer as pieces:
                for piece in pieces:
                    yield piece
                    found += len(piece)
                    if limit is not None and found > limit:
                        return  # more than anything of ours: whoever asked finds that it isn't what was named
                    if time.monotonic() > until:
                        raise self._unasked("slow")
        except exceptions.ErrorResponse as error:
            raise _Refused(str(error)[:300]) from None
        except (exceptions.Error, RequestException, HTTPError, OSError, ValueError) as error:
            raise self._unasked(type(error).__name__) from None

    def _session(self) -> Any:
        session = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = _open_session(self.address)
        return session

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except ValueError:
            raise self._odd() from None
        if not isinstance(found, dict):
            raise self._odd()
        return found

    def _pinned(self, line: bytes) -> str | None:
        if not line.strip():
            return None
        cid = str(self._parsed(line).get("Cid", ""))
        try:
            parse_cid(cid)
        except UnreadableError:
            return None  # of another profile: not ours
        return cid

    def _absent(self, cid: str, refusal: _Refused) -> NotFoundError | UnavailableError:
        if any(words in refusal.reason for words in _ABSENT):
            return NotFoundError("content.not_found", cid=cid)
        return self._unasked(refusal.reason)

    def _unasked(self, reason: str) -> UnavailableError:
        return UnavailableError("content.node_unavailable", retry_after=10, address=self.address, reason=reason[:120])

    def _odd(self) -> UnavailableError:
        return UnavailableError("content.node_odd", retry_after=60, address=self.address)


class _Refused(Exception):
    """The node answered that it won't, in words that differ from version to version."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def multiaddr_of(address: str) -> str:
    """The node's address as the library wants it. ConfigurationError `content.address` for anything else."""
    from ipfshttpclient import exceptions
    from ipfshttpclient.http_common import multiaddr_to_url_data  # type: ignore[import-untyped]

    found = address.strip().rstrip("/")
    try:
        if found.startswith(("http://", "https://")):
            parts = urlsplit(found)
            if parts.path or parts.query or parts.username or not parts.hostname:
                raise ValueError
            port = parts.port or (443 if parts.scheme == "https" else 80)
            found = f"/{_kind(parts.hostname)}/{parts.hostname}/tcp/{port}/{parts.scheme}"
        if not found.endswith(("/http", "/https")):
            found += "/http"
        multiaddr_to_url_data(found, "api/v0")
    except (ValueError, exceptions.Error):
        raise ConfigurationError("content.address", found=address[:120]) from None
    return found


def _kind(host: str) -> str:
    try:
        return f"ip{ipaddress.ip_address(host).version}"
    except ValueError:
        return "dns"


def _open_session(address: str) -> Any:
    """The library's session with every answer read in small pieces, errors too, and never through a proxy."""
    from ipfshttpclient import exceptions
    from ipfshttpclient.http_requests import ClientSync  # type: ignore[import-untyped]

    class Session(ClientSync):  # type: ignore[misc]
        def _make_session(self) -> Any:
            session = super()._make_session()
            session.max_redirects = 0  # no node of ours sends us elsewhere
            return session

        def _request(self, *args: Any, chunk_size: int | None, **named: Any) -> Any:
            return super()._request(*args, chunk_size=_PIECE, **named)

        def _do_raise_for_status(self, response: Any) -> None:
            if response.status_code < 300:
                return
            said = next(response.iter_content(chunk_size=_PIECE), b"")
            try:
                message = json.loads(said)["Message"]
            except (ValueError, TypeError, KeyError):
                raise exceptions.StatusError(OSError(f"HTTP {response.status_code}")) from None
            raise exceptions.ErrorResponse(str(message), None)

    session = Session(address, "api/v0")
    session._request_proxies = {"no_proxy": "*"}  # whoever speaks to it rules the node: no stranger in between
    # The library's age; it is told when the first connection is made, long after this.
    warnings.filterwarnings("ignore", "The 'strict' parameter", FutureWarning, r"urllib3\.poolmanager")
    session.open_session()
    return session


def _member(found: dict[str, Any], name: str, address: str) -> Any:
    if name not in found:
        raise UnavailableError("content.node_odd", retry_after=60, address=address)
    return found[name]
