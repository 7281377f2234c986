"""What `chuzheng backfill` says while it runs, and how bundles are split."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.errors import ConfigurationError
from notary.receipt import parse_receipt
from notary.receipts import parse_bundle
from scripts.commands.backfill import fitted, progress_line, source_url
from scripts.help import cells
from tests.fakes.backfilling import cells_of, csv_file, fill
from tests.fakes.notary import ISSUER, Rig
from tests.unit.scripts.conftest import Chuzheng


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((10_000, 10_000, 0.25, 0.25, 2.0), "10,000 rows 25.0% 5,000/s left 0:00:06"),
        ((30_000, 10_000, 0.75, 0.25, 3600.0), "30,000 rows 75.0% 3/s left 1:00:00"),
        ((5, 5, 1.0, 1.0, 1.0), "5 rows 100.0% 5/s left 0:00:00"),
        ((5, 0, 0.0, 0.0, 0.0), "5 rows 0.0% -/s left 0:00:00"),
    ],
)
def test_progress__rate_and_time_left__of_this_run(
    arguments: tuple[int, int, float, float, float], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHUZHENG_LANG", "en")
    assert progress_line(*arguments) == expected
    monkeypatch.setenv("CHUZHENG_LANG", "zh")
    assert "剩余" in progress_line(*arguments)


@pytest.mark.parametrize("width", [1, 10, 20, 40])
def test_progress__narrow_terminal__fits(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHUZHENG_LANG", "zh")
    assert cells(fitted(progress_line(10, 10, 0.5, 0.5, 1.0), width)) <= width


def test_backfill__manifest_is_a_file__said_before_anything_is_read(chuzheng: Chuzheng, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine", encoding="utf-8")
    words = ["backfill", "x.csv", "--manifest", str(tmp_path / "kept.txt"), "--department", str(ISSUER), "--json"]
    done = chuzheng(*words)
    assert (done.code, done.json["code"]) == (2, "backfill.no_folder")
    assert (tmp_path / "kept.txt").read_text(encoding="utf-8") == "mine"


def test_source_url__file_that_others_read__named_with_its_own_mode(tmp_path: Path) -> None:
    path = tmp_path / "source.url"
    path.write_text("sqlite:///x", encoding="utf-8")
    path.chmod(0o644)
    with pytest.raises(ConfigurationError) as told:
        source_url(path)
    assert told.value.params["mode"] == "0644"


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    rig = Rig(tmp_path / "home")
    fill(rig, csv_file(tmp_path / "x.csv", [cells_of(n) for n in range(5)]), tmp_path / "m", salts=tmp_path / "s")
    rig.notary.close()
    return tmp_path


def test_split__bundle_and_its_salts__single_receipts(filled: Path, chuzheng: Chuzheng) -> None:
    bundles = sorted((filled / "m").glob("receipts/*/*"))
    salts = sorted((filled / "s").glob("*/*"))
    bundle = parse_bundle(bundles[0].read_bytes())
    done = chuzheng("receipt", "split", bundles[0], "--into", "r", "--json")
    assert (done.code, done.json["count"]) == (0, 4)
    plain = [parse_receipt(path.read_bytes()) for path in sorted(Path("r").iterdir())]
    assert [receipt.index for receipt in plain] == [0, 1, 2, 3]
    assert [receipt.entry.to_bytes() for receipt in plain] == [bundle.entry(n) for n in range(4)]
    assert not any(receipt.salt for receipt in plain)
    one = chuzheng("receipt", "split", bundles[0], "--into", "s1", "--salts", salts[0], "--index", "2")
    assert one.code == 0
    assert [path.name for path in Path("s1").iterdir()] == ["000000000002.receipt.json"]
    assert parse_receipt(next(Path("s1").iterdir()).read_bytes()).salt is not None


@pytest.mark.parametrize("size", [0, 3 << 20])
@pytest.mark.parametrize("words", [["verify"], ["receipt", "upgrade"], ["verify", "x.pdf", "--receipt"]])
def test_bundle__where_a_receipt_is_asked_for__says_which_command_splits_it(
    filled: Path, chuzheng: Chuzheng, words: list[str], size: int
) -> None:
    """Of 10,000 receipts one is longer than any receipt may be."""
    Path("x.pdf").write_bytes(b"%PDF")
    bundle = sorted((filled / "m").glob("receipts/*/*"))[0]
    bundle.write_bytes(bundle.read_bytes() + b" " * size)
    done = chuzheng(*words, bundle, "--json")
    assert (done.code, done.json["code"]) == (19, "receipts.not_single")
    assert "receipt split" in done.json["message_en"]


def test_split__salts_of_another_bundle_or_an_index_outside__refused(filled: Path, chuzheng: Chuzheng) -> None:
    bundles = sorted((filled / "m").glob("receipts/*/*"))
    salts = sorted((filled / "s").glob("*/*"))
    assert "backfill.salts_differ" in chuzheng("receipt", "split", bundles[0], "--into", "r", "--salts", salts[1]).err
    assert chuzheng("receipt", "split", bundles[0], "--into", "r", "--index", "9").code == 2
    assert not Path("r").exists()
    assert chuzheng("receipt", "split", salts[0], "--into", "r").code == 19
