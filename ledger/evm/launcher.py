"""The embedded chain: one anvil process on loopback, its state on disk, and copies of the state that surely parse.

anvil rewrites its state file in place: a kill may tear it, and then it doesn't start. So a thread keeps the last copy
that parses (`state.good.json`), and a start begins from it where the file itself is torn. The genesis block is part of
the state: it stays the same over restarts, and a folder without state begins another chain.

Two anvils on one folder would write over each other's blocks, so the child holds a kernel lock on it for as long as it
lives, also when whoever started it is gone. Nothing in the folder is readable by others, whatever the umask says.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import platform
import shutil
import subprocess  # the child is a fixed program with fixed arguments
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ledger.errors import ConfigurationError, UnavailableError
from ledger.evm.rpc import Rpc

CHAIN_ID = 420_000
STATE = "state.json"
GOOD = "state.good.json"
HISTORY = "history"
"""Folder of states of past blocks that anvil moves out of its memory; of use to the process that wrote them only."""
LOCK = "lock"
LOCK_PATIENCE = 5.0
"""Seconds that a start waits for the last chain's end."""
BLOCK_GAS = 500_000_000
IDLE_AFTER = 30.0
IDLE_BLOCK_TIME = 10
"""seconds"""
BINARY = "CHUZHENG_ANVIL_BIN"
log = logging.getLogger(__name__)


def find_anvil(roots: Sequence[Path] = ()) -> Path:
    """The program: named by CHUZHENG_ANVIL_BIN, else from node_modules at or above `roots` and this project."""
    named = os.environ.get(BINARY)
    if named:
        if not os.access(named, os.X_OK):
            raise ConfigurationError("chain.anvil_missing", path=named)
        return Path(named)
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform, sys.platform)
    machine = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    tail = Path("node_modules", "@foundry-rs", f"anvil-{system}-{machine}", "bin", "anvil")
    for root in (*roots, Path(__file__).resolve().parents[2], Path.cwd()):
        if os.access(root / tail, os.X_OK):
            return root / tail
    raise ConfigurationError("chain.anvil_missing", path=str(tail))


class EmbeddedChain:
    """A running anvil. `url` and `pid` while it runs; `stop` ends it by its own pid and keeps its state."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, url: str, block_time: int) -> None:
        self._process = process
        self._block_time = block_time
        self._folder = folder
        self.url = url
        self._stop = threading.Event()
        self._copied: tuple[int, int] | None = None
        self._keeper = threading.Thread(target=self._keep, name="chain-state", daemon=True)
        self._keeper.start()
        self._pacer = threading.Thread(target=self._pace, name="chain-pace", daemon=True)
        self._pacer.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self, timeout: float = 10.0) -> None:
        """Let it write its state and end; after `timeout` seconds it is killed and the last good copy counts."""
        self._stop.set()
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._join(timeout)
        self._copy()

    def kill(self) -> None:
        """kill -9, for drills: up to an interval of blocks is lost."""
        self._stop.set()
        self._process.kill()
        self._process.wait()
        self._join(10)

    def _join(self, timeout: float) -> None:
        for thread in (self._keeper, self._pacer):
            thread.join(timeout)

    def _keep(self) -> None:
        wait = 1.0
        while self.running and not self._stop.wait(wait):
            started = time.monotonic()
            self._copy()
            wait = max(1.0, 20 * (time.monotonic() - started))  # a large state mustn't keep a core busy

    def _pace(self) -> None:
        """A block a second while something waits for one, one in ten when nothing has for a while: every block is in
        the state file for ever, 1.3 kB each. Should this thread be gone, the chain goes on at the pace it has."""
        rpc = Rpc(self.url, timeout=5)
        busy, slow = time.monotonic(), False
        while self.running and not self._stop.wait(0.25):
            with contextlib.suppress(UnavailableError):
                pending = int(rpc.call("txpool_status")["pending"], 16) > 0
                busy = time.monotonic() if pending else busy
                wanted = time.monotonic() - busy > IDLE_AFTER
                if wanted != slow:
                    rpc.call("evm_setIntervalMining", IDLE_BLOCK_TIME if wanted else self._block_time)
                    slow = wanted

    def _copy(self) -> None:
        """Copy the state if it changed and is whole."""
        with contextlib.suppress(OSError):
            source = self._folder / STATE
            stat = source.stat()
            mark = (stat.st_mtime_ns, stat.st_size)
            if mark == self._copied:
                return
            data = source.read_bytes()
            if whole(data):
                _replace(self._folder / GOOD, data)
                self._copied = mark


def whole(data: bytes) -> bool:
    """Whether a state was written to its end. A torn one is a beginning of it, and no beginning of an object closes
    all that it opens; its strings are hex and hold no braces. Parsing a long chain's state would take gigabytes."""
    if not data[-64:].rstrip().endswith(b"}"):
        return False
    closed = all(data.count(opening) == data.count(closing) for opening, closing in ((b"{", b"}"), (b"[", b"]")))
    return closed or parses(data)


def parses(data: bytes) -> bool:
    """Whether anvil would start from these bytes."""
    if not data[-64:].rstrip().endswith(b"}"):
        return False
    try:
        state = json.loads(data)
    except ValueError:
        return False
    return isinstance(state, dict) and "accounts" in state


def with_one_genesis(data: bytes) -> bytes | None:
    """The state without the genesis blocks of later starts; None where there is only one.

    At every start anvil makes a genesis block before it reads its state, and keeps both; with several in the file, the
    one that is read last stands for block 0, and their order is chance. The chain's own is the oldest.
    """
    state = json.loads(data)
    blocks = state.get("blocks") or []
    firsts = [b for b in blocks if int(b["header"]["number"], 16) == 0]
    if len(firsts) < 2:
        return None
    own = min(firsts, key=lambda b: int(b["header"]["timestamp"], 16))
    state["blocks"] = [own, *(b for b in blocks if int(b["header"]["number"], 16) != 0)]
    return json.dumps(state, separators=(",", ":")).encode()


def start_anvil(
    folder: Path,
    port: int,
    *,
    chain_id: int = CHAIN_ID,
    block_time: int = 1,
    interval: int = 2,
    binary: Path | None = None,
    timeout: float = 30.0,
) -> EmbeddedChain:
    """Start the chain whose state is in `folder`, on loopback; returns when it answers and its state is on disk once.

    No funded accounts: our own keys pay a gas price of 0. UnavailableError if it doesn't come up in `timeout` seconds,
    ConfigurationError `chain.folder_in_use` while another anvil has the folder.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _claimed(folder) as lock:
        _prepare(folder)
        command = [
            str(binary or find_anvil()),
            *("--host", "127.0.0.1", "--port", str(port), "--chain-id", str(chain_id), "--accounts", "0"),
            *("--base-fee", "0", "--gas-price", "0", "--gas-limit", str(BLOCK_GAS), "--hardfork", "london"),
            *("--block-time", str(block_time), "--state", str(folder / STATE), "--state-interval", str(interval)),
            # By default they go to the user's home, and a process that was killed leaves gigabytes there.
            *("--cache-path", str(folder / HISTORY), "--order", "fifo", "--no-cors", "--quiet"),
        ]
        process = _spawn(command, folder, lock)
    chain = EmbeddedChain(process, folder, f"http://127.0.0.1:{port}", block_time)
    try:
        _await(chain, folder, chain_id, timeout)
    except BaseException:
        chain.kill()
        raise
    return chain


def _spawn(command: Sequence[str], folder: Path, lock: int) -> subprocess.Popen[bytes]:
    """The child, which takes the lock along; whoever started it lets go of it after this."""
    output = os.open(folder / "anvil.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            pass_fds=(lock,), umask=0o077,
        )  # fmt: skip
    finally:
        os.close(output)
    os.pwrite(lock, f"{process.pid}\n".encode(), 0)
    return process


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[int]:
    """The folder's lock as a descriptor, held until the block ends and by every child that was given it."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        end = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
                    raise ConfigurationError("chain.folder_in_use", path=str(folder), pid=holder or "?") from None
                time.sleep(0.1)
        os.ftruncate(handle, 0)
        yield handle
    finally:
        os.close(handle)


def _await(chain: EmbeddedChain, folder: Path, chain_id: int, timeout: float) -> None:
    rpc = Rpc(chain.url, timeout=5)
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if not chain.running:
            raise UnavailableError("chain.not_started", log=str(folder / "anvil.log"))
        with contextlib.suppress(UnavailableError):
            if int(rpc.call("eth_chainId"), 16) != chain_id:
                raise ConfigurationError("chain.port_taken", url=chain.url)
            if (folder / GOOD).exists():  # from here on a crash keeps the genesis block
                return
        time.sleep(0.05)
    raise UnavailableError("chain.not_started", log=str(folder / "anvil.log"))


def _prepare(folder: Path) -> None:
    """Put the last good copy in the place of a torn state; what a process before this one kept for itself goes."""
    shutil.rmtree(folder / HISTORY, ignore_errors=True)
    state, good = folder / STATE, folder / GOOD
    data = state.read_bytes() if state.exists() else None
    torn = data is not None and not parses(data)
    if (data is None or torn) and good.exists():
        log.warning("the chain's state was torn by a crash: starting from the last whole copy")
        data, torn = good.read_bytes(), False
        _replace(state, data)
    if torn:
        raise ConfigurationError("chain.state_torn", path=str(state))
    if data is not None and (mended := with_one_genesis(data)) is not None:
        _replace(state, mended)


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(path.name + ".new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
