"""`chuzheng log fsck`, `doctor`, `config`: looking after one machine; nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import ChuzhengError
from ledger.texts import Language, error_text
from scripts import output
from scripts.commands import auditing, heads
from scripts.commands.files import write_new
from scripts.commands.options import Home, Json
from scripts.help import App
from scripts.problems import UsageError

if TYPE_CHECKING:
    from scripts.audit import Audit

log_app = App(help="日志维护。/ Looking after logs.")
config_app = App(help="设置。/ Settings.")


def register(app: App) -> None:
    auditing.register(log_app)
    heads.register(log_app)
    app.add_typer(log_app, name="log")
    app.command("doctor")(doctor)
    app.add_typer(config_app, name="config")


@log_app.command("fsck")
def fsck(
    origin: Annotated[str | None, typer.Argument(help="日志来源，默认全部 / origin of a log, default: all")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="每日快查：最近部分和抽样 / daily: the newest part and a sample")
    ] = False,
    since: Annotated[int | None, typer.Option(min=0, help="只查此序号之后 / from this index on")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="接着上次中断处继续 / go on where it was cut off")] = False,
    no_files: Annotated[bool, typer.Option("--no-files", help="不查文件内容 / leave files out")] = False,
    home: Home = None,
    json_: Json = False,
) -> int:
    """由条目重建每个根，与检查点、链、数据库比对；复核每份记录与文件。/ Rebuild every root; check records and files."""
    from api.settings import load
    from scripts.audit import Choice, audit_logs
    from scripts.checking import check_indexes

    language = output.language()
    if quick and (since is not None or resume):
        raise UsageError("cli.usage.value", name="--quick", reason="--since, --resume")
    choice = Choice(quick, since, resume, files=not no_files)
    settings = load({"home": home}).settings
    damaged: list[ChuzhengError] = []
    with output.progress("fsck", None) as bar:
        task = bar.task_ids[0]
        audits = audit_logs(
            settings, origin, choice,
            progress=lambda name, done, of: bar.update(task, description=name, completed=done, total=of),
            damaged=damaged.append,
        )  # fmt: skip
    if not audits:
        raise UsageError("cli.no_logs")
    index = check_indexes(settings) if origin is None and not quick else []
    wrong = sum(len(audit.findings) + audit.untold for audit in audits) + len(index) + len(damaged)
    sound = wrong == 0
    chain_asked = all(audit.chain.why is None for audit in audits)
    key = "cli.fsck.wrong" if not sound else "cli.fsck.sound" if chain_asked else "cli.fsck.without_chain"
    payload = output.message("chuzheng-fsck/1", key, ok=sound, count=wrong) | {"chain_asked": chain_asked}
    lines = [f"!! {error_text(finding, language)}  [{finding.code}]" for finding in damaged]
    for audit in audits:
        lines += _audit_lines(audit, language)
    if origin is None and not quick:
        lines.append(f"{'!! ' if index else 'OK '} logs/index")
        lines += [f"    {error_text(finding, language)}  [{finding.code}]" for finding in index]
    lines.append(payload[f"message_{language}"])
    told = {"logs": [_audit_json(audit) for audit in audits], "index": _told(index), "files": _told(damaged)}
    output.result({**payload, **told}, "\n".join(lines), as_json=json_)
    return output.EXIT_UNEXPECTED if not sound else output.EXIT_OK if chain_asked else output.EXIT_CANNOT_ASK


def _audit_lines(audit: Audit, language: Language) -> list[str]:
    """One log: its line, what was looked at, every finding."""
    log, counts = audit.log, audit.counts
    lines = [f"{'OK ' if audit.sound else '!! '} {log.origin}  {log.checked:,}/{log.durable:,}"]
    if audit.chain.why is None:
        lines.append("    " + output.words("cli.fsck.chain", heads=audit.chain.heads, block=audit.chain.block))
    else:
        lines.append("    " + output.words("cli.fsck.chain_unknown", why=audit.chain.why))
    if counts is not None:
        which = "cli.fsck.sampled" if audit.sampled else "cli.fsck.records"
        lines.append("    " + output.words(which, records=counts.records, files=counts.files, opened=counts.opened))
    lines += [f"    {error_text(finding, language)}  [{finding.code}]" for finding in audit.findings]
    if audit.untold:
        lines.append("    " + output.words("cli.fsck.untold", count=f"{audit.untold:,}"))
    return lines + ["    " + output.words("cli.fsck.proof", path=path) for path in audit.proofs]


def _audit_json(audit: Audit) -> dict[str, Any]:
    log, counts = audit.log, audit.counts
    records = None if counts is None else {
        "first": audit.first, "end": audit.end, "sampled": audit.sampled, "records": counts.records,
        "files": counts.files, "files_opened": counts.opened,
    }  # fmt: skip
    return {
        "origin": log.origin, "sealed": log.sealed, "durable": log.durable, "checked": log.checked,
        "root": log.root.hex(), "records": records, "proofs": [str(path) for path in audit.proofs],
        "chain": {"asked": audit.chain.why is None, "block": audit.chain.block, "heads": audit.chain.heads,
                  "why": audit.chain.why},
        "findings": _told(audit.findings), "untold": audit.untold,
    }  # fmt: skip


def _told(findings: Sequence[ChuzhengError]) -> list[dict[str, Any]]:
    return [
        {"code": f.code, "index": f.params.get("index"), "message_zh": error_text(f, "zh"),
         "message_en": error_text(f, "en")}
        for f in findings
    ]  # fmt: skip


@log_app.command("reindex")
def reindex(home: Home = None, json_: Json = False) -> None:
    """由条目重建承诺值索引，服务可照常运行。/ Make the index of commitments anew; the service may run."""
    from api.settings import load
    from scripts.checking import remake_index

    language = output.language()
    count = remake_index(load({"home": home}).settings)
    payload = output.message("chuzheng-reindex/1", "cli.reindex.done", ok=True, count=count)
    output.result({**payload, "entries": count}, payload[f"message_{language}"], as_json=json_)


@log_app.command("reopen")
def reopen(
    origin: Annotated[str, typer.Argument(help="被理事会关闭的日志 / the log that the Council closed")],
    shard: Annotated[str | None, typer.Argument(help="新分片名（小写字母数字）/ name of the new shard")] = None,
    good: Annotated[
        str | None,
        typer.Option(help="本单位自己登记的序号：all，或每行一个序号的文件 / own indexes: all, or a file, one a line"),
    ] = None,
    home: Home = None,
    json_: Json = False,
) -> None:
    """密钥被盗、日志被关闭后：先列出作废的条目，再在新分片中重新登记。/ After a closing: list what it struck out, then
    register the good entries again in a new shard."""
    from scripts.commands.reopening import list_struck, reopen_log

    if shard is None:
        list_struck(origin, home, as_json=json_)
    elif good is None:
        raise UsageError("cli.usage.value", name="--good", reason="all | FILE")
    else:
        reopen_log(origin, shard, good, home, as_json=json_)


@log_app.command("rotate-key")
def rotate_key(
    origin: Annotated[str, typer.Argument(help="日志来源 / origin of the log")],
    lost: Annotated[
        bool, typer.Option("--lost", help="现用密钥已丢失，没有备份 / the present key is lost, without a backup")
    ] = False,
    home: Home = None,
    json_: Json = False,
) -> None:
    """更换登记簿的签名密钥：先准备并公告，信任文件列出后再运行一次即启用。/ Replace a log's key: prepares it;
    run again once the trust file lists it, uses it."""
    from scripts.commands.rotating import replace_lost, rotate

    (replace_lost if lost else rotate)(origin, home, as_json=json_)


def doctor(home: Home = None, json_: Json = False) -> int:
    """逐项检查，给出原因和办法。/ Check this machine; each line with cause and fix. Exit 1 if a needed one fails."""
    from api.settings import load
    from scripts.checking import examine

    language = output.language()
    findings = examine(load({"home": home}).settings)
    failed = sum(1 for f in findings if f.needed and not f.ok)
    key = "cli.doctor.well" if not failed else "cli.doctor.ill"
    payload: dict[str, Any] = output.message("chuzheng-doctor/1", key, ok=not failed, count=failed)
    payload["checks"] = [f.as_json() for f in findings]
    lines = [f"{f.mark} {f.told(language)}" for f in findings]
    output.result(payload, "\n".join([*lines, payload[f"message_{language}"]]), as_json=json_)
    return output.EXIT_OK if not failed else output.EXIT_UNEXPECTED


@config_app.command("show")
def config_show(home: Home = None, json_: Json = False) -> None:
    """每项设置的值及其来源。/ Every setting, its value, and where it came from."""
    from importlib.metadata import version

    from api.settings import load

    loaded = load({"home": home})
    values = {
        name: (None if value is None else value if isinstance(value, int) else str(value), loaded.origins[name])
        for name, value in loaded.settings
    }
    if loaded.settings.database_url:
        from ledger.store.engine import shown

        values["database_url"] = (shown(loaded.settings.database_url), loaded.origins["database_url"])
    file = str(loaded.file) if loaded.file else None
    payload = {
        **output.message("chuzheng-config/1", "cli.config.shown" if file else "cli.config.no_file", file=file),
        "version": version("chuzheng"), "file": file,
        "settings": {name: {"value": value, "from": source} for name, (value, source) in values.items()},
    }  # fmt: skip
    width = max(map(len, values))
    sources = {"default": output.words("cli.config.default"), "flag": output.words("cli.config.flag")}
    lines = [
        f"{name:<{width}}  {'-' if value is None else value}  ({sources.get(source, source)})"
        for name, (value, source) in values.items()
    ]
    head = f"chuzheng {version('chuzheng')}  {payload[f'message_{output.language()}']}"
    output.result(payload, "\n".join([head, *lines]), as_json=json_)


@config_app.command("init")
def config_init(
    path: Annotated[Path, typer.Argument(help="要写的文件 / file to write")] = Path("chuzheng.toml"),
    json_: Json = False,
) -> None:
    """写一份带说明的设置文件，全部为默认值。/ Write a settings file: every default, commented out, explained."""
    from api.settings import explained

    write_new(path, explained().encode())
    payload = output.message("chuzheng-config/1", "cli.config.written", path=str(path))
    output.finish({**payload, "path": str(path)}, as_json=json_)


@config_app.command("token")
def config_token(
    department: Annotated[str, typer.Argument(help="部门统一社会信用代码 / department's code")],
    role: Annotated[str, typer.Option(help="ANCHOR | STATUS | ERASURE | LIBRARY | HEADS")] = "ANCHOR",
    person: Annotated[
        str | None,
        typer.Option(
            help="ERASURE 必填：持有人的人员编号，只存带密钥的哈希 / needed for ERASURE: whose it is, kept hashed"
        ),
    ] = None,
    home: Home = None,
    json_: Json = False,
) -> None:
    """发一个新的写入令牌，只显示一次。/ A new token for writing, shown once."""
    from api.auth import Desk, TokenStore, person_hash
    from api.keyring import Keyring
    from api.settings import load
    from ledger.types import DepartmentCode, Role

    settings = load({"home": home}).settings
    bits = {role.name: role for role in (Role.ANCHOR, Role.STATUS, *Desk)}
    if role not in bits:
        raise UsageError("cli.usage.value", name="--role", reason=" | ".join(bits))
    if role == "ERASURE" and not (person or "").strip():
        raise UsageError("cli.usage.value", name="--person", reason="1 …")
    if department not in (keyring := Keyring(settings.keys_dir)).operators():
        raise UsageError("cli.no_department", department=department)
    whose = person_hash(keyring.storage_key(), person) if person else b""
    token = TokenStore(settings.tokens_path).issue(DepartmentCode(department), bits[role], "config token", whose)
    payload = output.message("chuzheng-token/1", "cli.token")
    output.result({**payload, "department": department, "role": role, "token": token}, token, as_json=json_)
    output.say("cli.token")
