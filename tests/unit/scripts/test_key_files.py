"""`doctor` looks at every file in `keys/`: what is missing, open, damaged or another key is named, with what to do."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import quote

import pytest

from api.auth import TokenStore
from api.keyring import Keyring
from api.settings import Settings
from ledger.crypto.keys import create_signing_key
from ledger.texts import LANGUAGES
from ledger.types import ChainHash, Contract, Digest, Millis, Origin, Role
from notary.checkpoint import Checkpoint, sign_checkpoint
from notary.trust import make_trust
from notary.trust_file import LogKey
from scripts.checking import CHECKS, Finding, examine
from tests.fakes.chain import ANCHOR_LOG
from tests.fakes.notary import FOREIGN, ISSUER, ORIGIN
from tests.unit.scripts.conftest import Chuzheng

HASH = ChainHash("0x" + "11" * 32)
LOG = quote(ORIGIN, safe="")
YEAR_2000, YEAR_2100 = Millis(946_684_800_000), Millis(4_102_444_800_000)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A data folder whose keys are all in order: one log with a checkpoint, tokens, a trust file that names them."""
    made = Settings(home=tmp_path / "home")
    made.home.mkdir(mode=0o700)
    keyring = Keyring(made.keys_dir)
    keyring.make_machine_keys()
    keyring.make_department_keys(ISSUER, ORIGIN, lanes=2)
    create_signing_key(made.keys_dir / "issuers" / f"{ISSUER}.pem")
    TokenStore(made.tokens_path).issue(ISSUER, Role.ANCHOR)
    folder = made.logs_dir / LOG
    folder.mkdir(parents=True)
    note = sign_checkpoint(Checkpoint(ORIGIN, 3, Digest(bytes(32))), ORIGIN, keyring.log_key(ORIGIN))
    (folder / "checkpoint").write_text(note, encoding="utf-8")
    (made.logs_dir / "index").mkdir()
    listed(made)
    monkeypatch.setattr("scripts.checking.CHECKS", {"keys": CHECKS["keys"]})
    return made


def listed(settings: Settings, *, origin: Origin = ORIGIN, until: Millis | None = None) -> None:
    """The trust file, with the key that the log has now under the name of `origin`."""
    keyring = Keyring(settings.keys_dir)
    key = LogKey(origin, origin, keyring.log_key(ORIGIN).public_key, YEAR_2000, until)
    data = make_trust(
        network="test", chain_id=1, genesis_hash=HASH, finality="none",
        council=[(ISSUER, keyring.council())], contracts=[Contract("AnchorLog", ANCHOR_LOG, HASH, 0)], log_keys=[key],
        issued_at=YEAR_2000, as_of_block=1, expires=YEAR_2100,
    )  # fmt: skip
    settings.trust_dir.mkdir(exist_ok=True)
    settings.trust_path.write_bytes(data)


def found(settings: Settings) -> list[tuple[str, bool]]:
    """(case, needed) of every finding; each names its place in both languages, and says what to do."""
    findings = [finding for finding in examine(settings) if not finding.ok]
    for finding in findings:
        for language in LANGUAGES:
            assert str(settings.keys_dir) in finding.told(language) or ORIGIN in finding.told(language)
            assert len(finding.told(language).split("。" if language == "zh" else ". ")) >= 2
    return [(finding.case, finding.needed) for finding in findings]


def path(settings: Settings, name: str) -> Path:
    return settings.keys_dir / name.format(log=LOG, issuer=ISSUER)


ALL = (
    "owner.key", "council.pem", "snapshot.pem", "storage.key", "tokens.json", "logs/{log}.pem",
    "operators/{issuer}.key", "operators/{issuer}.2.key", "issuers/{issuer}.pem", "wraps/{issuer}.pem",
)  # fmt: skip


def test_keys__all_in_order__one_line(settings: Settings) -> None:
    assert examine(settings) == [Finding("keys")]


def test_keys__draft_that_is_gone_before_it_is_looked_at__passed_over(settings: Settings) -> None:
    (settings.keys_dir / "tokens.json.draft").symlink_to("put in place")  # listed, and not there
    assert examine(settings) == [Finding("keys")]


@pytest.mark.parametrize("name", ALL)
def test_keys__damaged__named_with_what_to_do(settings: Settings, name: str) -> None:
    for content in (b"", b"torn", b"-----BEGIN PRIVATE KEY-----\n"):
        path(settings, name).write_bytes(content)
        assert found(settings) == [("damaged", True)]
        assert str(path(settings, name)) in examine(settings)[0].told("zh")


@pytest.mark.parametrize("name", ALL)
def test_keys__open_to_others__named(settings: Settings, name: str) -> None:
    path(settings, name).chmod(0o640)
    assert ("open", True) in found(settings)
    assert "damaged" not in dict(found(settings))


def test_keys__all_open__one_line_with_how_many(settings: Settings) -> None:
    for each in settings.keys_dir.rglob("*"):
        each.chmod(0o755)
    [finding] = [finding for finding in examine(settings) if not finding.ok]
    assert (finding.case, finding.params["count"]) == ("open", len(list(settings.keys_dir.rglob("*"))))


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("council.pem", True),
        ("storage.key", True),
        ("logs/{log}.pem", True),
        ("operators/{issuer}.key", True),
        ("snapshot.pem", False),
        ("tokens.json", False),
    ],
)
def test_keys__gone__named(settings: Settings, name: str, needed: bool) -> None:
    path(settings, name).unlink()
    assert found(settings) == [("gone", needed)]


def test_keys__gone_key_of_a_log_without_entries__named_where_its_operator_is(settings: Settings) -> None:
    shutil.rmtree(settings.logs_dir)
    path(settings, "logs/{log}.pem").unlink()
    assert found(settings) == [("gone", False)]
    path(settings, "operators/{issuer}.key").unlink()  # another machine's log
    assert found(settings) == []


def test_keys__next_and_former_ones_of_a_log__looked_at_too(settings: Settings) -> None:
    keys = Keyring(settings.keys_dir).log_key(ORIGIN)
    keys.prepare()
    keys.switch(3)
    keys.prepare()
    listed(settings)
    assert found(settings) == []
    for name in ("next", "below-3"):
        whole = path(settings, f"logs/{{log}}.keys/{name}.pem").read_bytes()
        path(settings, f"logs/{{log}}.keys/{name}.pem").write_bytes(b"torn")
        assert found(settings) == [("damaged", True)]
        path(settings, f"logs/{{log}}.keys/{name}.pem").write_bytes(whole)


def test_keys__log_key_that_others_do_not_know__told_from_one_that_is_new(settings: Settings) -> None:
    path(settings, "logs/{log}.pem").unlink()
    create_signing_key(path(settings, "logs/{log}.pem"))
    assert found(settings) == [("other", True)]
    settings.trust_path.unlink()  # its own line; the log itself still says that it isn't the key
    assert found(settings) == [("not_signed", True)]
    listed(settings, origin=FOREIGN)
    assert found(settings) == [("unlisted", False)]
    listed(settings, until=Millis(YEAR_2000 + 1))
    assert found(settings) == [("ended", True)]


def test_keys__council_key_that_the_trust_file_does_not_name__named(settings: Settings) -> None:
    path(settings, "council.pem").unlink()
    create_signing_key(path(settings, "council.pem"))
    assert found(settings) == [("other_council", True)]
    formal = settings.model_copy(update={"engine_profile": "quorum-qbft"})  # its members keep theirs elsewhere
    path(settings, "council.pem").unlink()
    assert found(formal) == []


def test_doctor__damaged_key__fails_and_no_secret_is_told(settings: Settings, chuzheng: Chuzheng) -> None:
    secret = path(settings, "operators/{issuer}.key").read_text(encoding="ascii").strip()
    path(settings, "operators/{issuer}.key").write_text(secret[:-2], encoding="ascii")
    done = chuzheng("doctor", "--home", settings.home, "--json")
    assert done.code == 1
    [check] = done.json["checks"]
    assert (check["name"], check["case"], check["ok"]) == ("keys", "damaged", False)
    assert secret[:16] not in done.out + done.err
