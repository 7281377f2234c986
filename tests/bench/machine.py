"""What a figure was measured on: said beside every figure, because without it the figure says nothing."""

from __future__ import annotations

import os
import platform
import ssl
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

_SEEN = ("cryptography", "sqlalchemy", "fastapi", "uvicorn", "uvloop")


def machine_line() -> str:
    """Processor, cores, memory and system, in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"Machine: {_processor()}, {cores} cores, {_memory_gib():.0f} GiB memory, "
        f"{platform.system()} {platform.release()}, temporary files on {filesystem(Path(tempfile.gettempdir()))}"
    )


def software_line() -> str:
    """Python, the two OpenSSLs that are in play, and the libraries that the figures hang on."""
    from cryptography.hazmat.backends.openssl import backend

    libraries = ", ".join(f"{name} {version(name)}" for name in _SEEN)
    return (
        f"Software: Python {platform.python_version()}, {ssl.OPENSSL_VERSION} (hashlib), "
        f"{backend.openssl_version_text()} (cryptography), {libraries}"
    )


def load() -> float:
    """How many other things wanted a core over the last minute."""
    return os.getloadavg()[0]


def filesystem(path: Path) -> str:
    """Kind of the file system that `path` lies on."""
    try:
        done = subprocess.run(["stat", "-f", "-c", "%T", str(path)], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "an unknown file system"
    return done.stdout.strip()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError):
        return 0.0
