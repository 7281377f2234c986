"""What strangers send isn't kept: remembered answers are for texts of the length that such a thing has."""

from __future__ import annotations

from functools import _lru_cache_wrapper

import pytest

from ledger import certificates
from ledger.codes import certificate_ids, uscc
from ledger.errors import UnreadableError
from notary import entry
from tests.apart import apart

LONG = "A" * 5_000


def remembered() -> int:
    modules = (certificates, certificate_ids, uscc, entry)
    caches = [f for module in modules for f in vars(module).values() if isinstance(f, _lru_cache_wrapper)]
    assert len(caches) >= 5
    return sum(cache.cache_info().currsize for cache in caches)


def test_codes__texts_of_any_length__not_remembered() -> None:
    assert apart(more_remembered) == 0


def more_remembered() -> int:
    before = remembered()
    assert uscc.check_uscc(LONG) == "length"
    assert certificate_ids.check_type(LONG) == "type-length"
    for segments in ((LONG, "B", "C", "001"), ("B", LONG, "C", "001"), ("B", "C", LONG, "001")):
        check = certificate_ids.check_character(*segments)
        assert certificate_ids.check_identifier(certificate_ids.ROOT + ".".join((*segments, check)))
    assert certificates.parse_day(LONG) is None
    assert certificates.parse_share("0" * 5_000 + "1/2") is None
    with pytest.raises(UnreadableError):
        entry.parse_origin(f"chuzheng/n/{LONG}")
    return remembered() - before
