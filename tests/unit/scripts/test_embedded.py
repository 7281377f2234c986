"""What an embedded network's start refuses before it makes anything anew."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from api.keyring import Keyring
from api.settings import Settings
from ledger.errors import ConfigurationError
from notary.entry import make_origin
from scripts.embedded import prepare
from scripts.samples import sample_network


def test_prepare__log_without_its_key__refused_and_no_key_made_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.embedded._network_name", lambda settings, rpc: "test")
    settings = Settings(home=tmp_path)
    origin = make_origin("test", next(iter(sample_network().issuers)).code)
    (settings.logs_dir / quote(origin, safe="")).mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"cli\.up\.log_key") as caught:
        prepare(settings)
    assert caught.value.params["origin"] == origin
    assert Keyring(settings.keys_dir).origins() == []
