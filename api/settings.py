"""Settings: one frozen object, read once at start and handed down; nothing reads the environment anywhere else.

Order: flags > `CHUZHENG_*` > `chuzheng.toml` (found upwards, then in the data folder) > defaults (interfaces.md).
`load` also says where each value came from, for `config show`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from ledger.errors import ConfigurationError
from ledger.lanes import MOST
from ledger.texts import text

FILE_NAME = "chuzheng.toml"


class Settings(BaseSettings):
    """Every setting with its default. Built directly it reads neither environment nor files (tests); see `load`."""

    model_config = SettingsConfigDict(env_prefix="CHUZHENG_", extra="forbid", frozen=True, env_ignore_empty=True)

    home: Path = Field(default=Path("chuzheng-data"), description="Data folder: keys, logs, database, content, trust")
    host: str = Field(default="127.0.0.1", description="Address that the HTTP server listens on")
    port: int = Field(default=8420, ge=1, le=65535, description="Port of the HTTP server")
    trusted_proxies: str = Field(
        default="", description="Addresses or networks of proxies whose X-Forwarded-For counts, comma between; none"
    )
    public_url: str | None = Field(default=None, description="Address under which others reach the page")
    rpc_url: str = Field(default="http://127.0.0.1:8545", description="JSON-RPC address of the chain's node")
    second_rpc_url: str | None = Field(default=None, description="A second node, of another operator, to compare with")
    database_url: str | None = Field(default=None, description="SQLAlchemy address; default: SQLite in the data folder")
    backups_dir: Path | None = Field(
        default=None, description="Folder of backups, backup-YYYY-MM-DD: erasure lists them"
    )
    marks_dir: Path | None = Field(
        default=None, description="Folder of high-water marks, outside of what is backed up; none"
    )
    engine_profile: str = Field(default="anvil", description="Engine profile of the chain (nodes.md)")
    lanes: int = Field(
        default=1,
        ge=1,
        le=MOST,
        description="Operator keys of each department: they send side by side; restart all processes together",
    )
    trust_file: Path | None = Field(default=None, description="Trust file; default: trust/trust.json in `home`")
    trust_pin: str | None = Field(default=None, description="Hash of the first trust file, hex (official notice)")

    head_log: str = Field(default="", description="Origin of our log that keeps the network's heads, daily; none")
    head_peers: str = Field(
        default="", description="Other operators' logs that get our heads, daily: ORIGIN=URL, comma between"
    )
    witnesses: str = Field(default="", description="Witnesses to ask for cosignatures: NAME=URL, comma between")
    content_store: str = Field(
        default="embedded", description="Where files are kept: embedded, folder:PATH, kubo or kubo:ADDRESS"
    )
    content_second: str | None = Field(default=None, description="A second store that every file is copied to")
    ipfs_api: str | None = Field(default=None, description="RPC address of the Kubo node that `kubo` means")

    max_record_bytes: int = Field(default=1 << 20, ge=1024, description="Largest record, bytes")
    max_bulk_bytes: int = Field(default=16 << 20, ge=1024, description="Largest bulk body, bytes")
    max_bulk_items: int = Field(default=10_000, ge=1, le=10_000, description="Most records or entries in one call")
    max_document_bytes: int = Field(default=1 << 30, ge=1, description="Largest file that may be uploaded, bytes")
    max_check_bytes: int = Field(default=64 << 20, ge=1024, description="Largest upload of the plain form, bytes")
    max_writes: int = Field(default=64, ge=1, description="Writes taken at once; more are told to come back")
    api_processes: int = Field(
        default=1,
        ge=1,
        le=16,
        description="API processes on one port; paces, limits and metrics are each process's own",
    )
    worker_threads: int = Field(default=72, ge=4, description="Threads for blocking calls")
    lookups_per_minute: int = Field(default=30, ge=1, description="Public look-ups by identifier per address")
    checks_per_minute: int = Field(default=120, ge=1, description="Public verifications per address")
    chain_slow: int = Field(default=2, ge=1, description="Seconds for one answer above which the node is slow")
    chain_max_age: int = Field(default=60, ge=1, description="Seconds without a new block until `ready` says no")

    contact_zh: str = Field(default="本服务的运行单位", description="Whom the page names for help, Chinese")
    contact_en: str = Field(default="the operator of this service", description="Whom the page names for help, English")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least log level")

    @classmethod
    def settings_customise_sources(  # type: ignore[override]  # the sources that we don't take needn't be named
        cls, settings_cls: Any, init_settings: Any, **_: Any
    ) -> tuple[Any, ...]:
        return (init_settings,)

    @property
    def keys_dir(self) -> Path:
        return self.home / "keys"

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"

    @property
    def chain_dir(self) -> Path:
        return self.home / "chain"

    @property
    def content_dir(self) -> Path:
        return self.home / "content"

    @property
    def trust_dir(self) -> Path:
        return self.home / "trust"

    @property
    def trust_path(self) -> Path:
        return self.trust_file or self.trust_dir / "trust.json"

    @property
    def lists_dir(self) -> Path:
        return self.home / "lists"

    @property
    def snapshots_dir(self) -> Path:
        return self.home / "snapshots"

    @property
    def deployment_path(self) -> Path:
        return self.home / "deployment.json"

    @property
    def directory_path(self) -> Path:
        """Names and contacts of departments, for people: the chain holds codes only."""
        return self.home / "departments.json"

    @property
    def tokens_path(self) -> Path:
        return self.keys_dir / "tokens.json"

    @property
    def uploads_dir(self) -> Path:
        """Uploads in flight; on the data folder's disk, so that a full disk shows here first."""
        return self.home / "uploads"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'chuzheng.sqlite'}"

    @property
    def witness_urls(self) -> dict[str, str]:
        """Address by the witness's name; ConfigurationError `settings.invalid` where it isn't NAME=URL."""
        return _addresses("witnesses", self.witnesses, "NAME=URL")

    @property
    def head_peer_urls(self) -> dict[str, str]:
        """Address by the origin of another operator's log; ConfigurationError where it isn't ORIGIN=URL."""
        return _addresses("head_peers", self.head_peers, "ORIGIN=URL")

    @property
    def outside_dir(self) -> Path:
        """How we stand with witnesses and other operators' logs; what they gave us for our heads."""
        return self.home / "outside"

    @property
    def url(self) -> str:
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def _addresses(setting: str, text: str, form: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, sign, url = item.partition("=")
        if not sign or not name or not url.startswith(("http://", "https://")):
            raise ConfigurationError("settings.invalid", name=setting, source=item[:80], reason=form)
        found[name.strip()] = url.strip().rstrip("/")
    return found


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and, per name, `flag`, `CHUZHENG_NAME`, the file's path or `default`."""

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None


def load(
    flags: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] | None = None, start: Path | None = None
) -> Loaded:
    """Read all sources. ConfigurationError `settings.invalid` names the setting, its source and what is wrong."""
    given = {k: v for k, v in (flags or {}).items() if v is not None}
    from_env = _environment(os.environ if environ is None else environ)
    file = _find(start or Path.cwd(), given.get("home") or from_env.get("home"))
    from_file = _toml(file) if file else {}
    origins = {name: "default" for name in Settings.model_fields}
    origins |= dict.fromkeys(from_file, str(file))
    origins |= {name: f"CHUZHENG_{name.upper()}" for name in from_env}
    origins |= dict.fromkeys(given, "flag")
    try:
        settings = Settings(**{**from_file, **from_env, **given})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "?"
        raise ConfigurationError(
            "settings.invalid", name=name, source=origins.get(name, "default"), reason=first["msg"]
        ) from None
    return Loaded(settings, origins, file)


def explained() -> str:
    """A chuzheng.toml of every setting: what it is, in both languages, and its default, commented out."""
    lines = ["# chuzheng.toml", f"# {text('setting.file', 'zh')}", f"# {text('setting.file', 'en')}"]
    for name, field in Settings.model_fields.items():
        value = json.dumps("" if field.default is None else field.default, default=str, ensure_ascii=False)
        lines += ["", f"# {text(f'setting.{name}', 'zh')} / {field.description}", f"# {name} = {value}"]
    return "\n".join(lines) + "\n"


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    source = EnvSettingsSource(Settings)
    source.env_vars = {k.lower(): v for k, v in environ.items() if v}
    return source()


def _find(start: Path, home: Any) -> Path | None:
    for folder in [start, *start.parents]:
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    inside = Path(home or Settings.model_fields["home"].default) / FILE_NAME
    return inside if inside.is_file() else None


def _toml(file: Path) -> dict[str, Any]:
    try:
        values = TomlConfigSettingsSource(Settings, toml_file=file)()
    except (OSError, ValueError) as error:
        raise ConfigurationError("settings.file_unreadable", file=str(file), reason=str(error)) from None
    values = {name: value for name, value in values.items() if value != ""}  # as for the environment: not set
    for name in ("home", "trust_file"):  # a path in the file is meant from the file's folder
        if isinstance(values.get(name), str):
            values[name] = file.parent / values[name]
    return values
