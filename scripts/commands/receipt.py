"""`chuzheng receipt upgrade` and `export`: receipts as they grow, many of one log in bundles, and as other formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import ChuzhengError, InputError, IntegrityError
from scripts import output
from scripts.commands.anchor import ends_it_all
from scripts.commands.exports import export
from scripts.commands.files import beside, read_file, replace_file
from scripts.commands.options import Json, Url
from scripts.commands.splitting import split
from scripts.help import App
from scripts.problems import SeveralError

if TYPE_CHECKING:
    from notary.receipt import Receipt
    from scripts.client import Client

SUFFIX = ".receipt.json"
BUNDLE = 1_000
"""Consecutive receipts asked for at once."""
WORTH_IT = 8
"""A bundle is asked for from this many receipts on, if at least one in WORTH_IT of what it brings is wanted."""

receipt_app = App(help="凭证。/ Receipts.")


def register(app: App) -> None:
    receipt_app.command("export")(export)
    receipt_app.command("split")(split)
    app.add_typer(receipt_app, name="receipt")


@dataclass(frozen=True, slots=True)
class Held:
    """A receipt in a file."""

    path: Path
    receipt: Receipt


@receipt_app.command("upgrade")
def upgrade(
    what: Annotated[list[Path], typer.Argument(help="凭证文件或目录 / receipts or folders of them")],
    url: Url = None,
    json_: Json = False,
) -> None:
    """取最新阶段的凭证（已上链的证明），保留盐。/ Fetch newer receipts (proof that they are on the chain); the salt
    stays."""
    from api.settings import load
    from scripts.client import connect

    paths = list(dict.fromkeys(path for each in what for path in receipts_in(each)))
    failures: list[tuple[str, ChuzhengError]] = []
    stages: dict[str, int] = {}
    with (
        connect(load({"public_url": url}).settings.url) as server,
        output.progress(output.words("cli.upgrading"), len(paths)) as bar,
    ):
        for path, found in upgraded(server, paths):
            if isinstance(found, ChuzhengError):
                failures.append((str(path), found))
            else:
                stages[found.stage.value] = stages.get(found.stage.value, 0) + 1
            bar.advance(bar.task_ids[0])
    if len(failures) == len(paths) == 1:
        raise failures[0][1]
    if failures:
        raise SeveralError("cli.some_failed", failures=failures, done=len(paths) - len(failures))
    counts: dict[str, Any] = {name: stages.get(name, 0) for name in ("anchored", "included", "promised")}
    payload = output.message("chuzheng-upgraded/1", "cli.upgraded", **counts)
    output.finish({**payload, "stages": stages}, as_json=json_)
    if stages.keys() - {"anchored"}:
        output.say("cli.upgraded.again")


def receipts_in(what: Path) -> list[Path]:
    """The receipts that `what` names: of a folder its own and those of its CSV files; of an original the one beside."""
    if what.is_dir():
        found = [*what.glob(f"*{SUFFIX}"), *what.glob(f"*.receipts/*{SUFFIX}")]
        if not found:
            raise InputError("cli.no_receipts", path=str(what))
        return sorted(found)
    if not what.name.endswith(SUFFIX) and beside(what, SUFFIX).is_file():
        return [beside(what, SUFFIX)]
    return [what]


def upgraded(server: Client, paths: Sequence[Path]) -> Iterator[tuple[Path, Receipt | ChuzhengError]]:
    """Each file with its newest receipt, written where it grew, or with what went wrong. The server sees no salt."""
    from ledger.types import Stage
    from notary.receipt import parse_receipt

    waiting: list[Held] = []
    for path in paths:
        try:
            held = Held(path, parse_receipt(read_file(path)))
        except ChuzhengError as error:
            yield path, error
            continue
        if held.receipt.stage is Stage.ANCHORED:
            yield path, held.receipt
        else:
            waiting.append(held)
    for group in _runs(waiting):
        newest: dict[int, Receipt] = {}
        if len(group) >= WORTH_IT:
            newest = _bundle(server, group)
        for held in group:
            try:
                yield held.path, _grown(server, held, newest.get(held.receipt.index))
            except ChuzhengError as error:
                if ends_it_all(error):
                    raise
                yield held.path, error


def _runs(waiting: Sequence[Held]) -> Iterator[list[Held]]:
    """Receipts of one log whose indexes lie close together, at most BUNDLE apart."""
    run: list[Held] = []
    for held in sorted(waiting, key=lambda h: (h.receipt.origin, h.receipt.index)):
        first = run[0].receipt if run else held.receipt
        span = held.receipt.index - first.index + 1
        if run and (held.receipt.origin != first.origin or span > min(BUNDLE, WORTH_IT * (len(run) + 1))):
            yield run
            run = []
        run.append(held)
    if run:
        yield run


def _bundle(server: Client, run: Sequence[Held]) -> dict[int, Receipt]:
    """The newest receipts from the first to the last of `run`, by index."""
    from notary.receipts import parse_bundle, split

    first, last = run[0].receipt, run[-1].receipt
    bundle = parse_bundle(server.receipts(first.origin, first.index, last.index - first.index + 1))
    return {r.index: r for r in split(bundle)}


def _grown(server: Client, held: Held, new: Receipt | None) -> Receipt:
    """The newest receipt of the same entry, written over the old one if it is of a later stage."""
    from notary.receipt import parse_receipt

    old = held.receipt
    if new is None:
        new = parse_receipt(server.receipt(old.origin, old.index, salted=False))
    if (new.entry, new.origin, new.index) != (old.entry, old.origin, old.index):
        raise IntegrityError("cli.other_entry", path=str(held.path), index=old.index)
    if new.stage == old.stage:
        return old
    new = replace(new, salt=old.salt, issuer_signature=old.issuer_signature)
    replace_file(held.path, new.to_json())
    return new
