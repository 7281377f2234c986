"""Keys of departments, a test for each sentence: two people, rotation, ends, compromise; what a key is worth at T."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.errors import ChuzhengError
from ledger.keys import (
    COUNCIL,
    Acting,
    KeyId,
    Keys,
    NewKey,
    Suite,
    compromise,
    confirm,
    end,
    propose,
    public_key_fault,
    validity,
    validity_at,
)
from ledger.types import BlockTime, DepartmentCode, Digest

CODE = DepartmentCode("11420000011043080X")
ONE, TWO, MACHINE = Acting(CODE, b"one"), Acting(CODE, b"two"), Acting(CODE)
KEY, OTHER = KeyId(b"\x01" * 32), KeyId(b"\x02" * 32)
NEW = NewKey(CODE, Suite.ED25519, 1, b"\x07" * 32)
SM2_POINT = bytes.fromhex(
    "0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)


def t(value: int) -> BlockTime:
    return BlockTime(value)


def proposed(keys: Keys, new: NewKey = NEW, *, key_id: KeyId = KEY, by: Acting = ONE, now: int = 100) -> Keys:
    return propose(keys, key_id, new, by, member=True, now=t(now))


def confirmed(keys: Keys, *, key_id: KeyId = KEY, by: Acting = TWO, now: int = 110) -> Keys:
    return confirm(keys, key_id, by, member=True, now=t(now))


@pytest.fixture
def key() -> Keys:
    """A key that two people added at 110."""
    return confirmed(proposed({}))


def worth(keys: Keys, *instants: int, key_id: KeyId = KEY) -> str:
    """v(alid), i(nvalid), u(nknown) at each instant."""
    return "".join(validity_at(keys[key_id].key, t(i))[0] for i in instants)


@pytest.mark.parametrize(
    ("at", "expected"),
    [(9, "invalid"), (10, "valid"), (19, "valid"), (20, "unknown"), (29, "unknown"), (30, "invalid"), (40, "invalid")],
)
def test_validity__each_instant__half_open(at: int, expected: str) -> None:
    assert validity(t(10), t(40), t(30), t(20), t(at)) == expected


def test_key__two_people__valid_from_the_confirmation(key: Keys) -> None:
    assert worth(proposed({}), 100, 110, 10_000) == "iii"
    assert worth(key, 109, 110, 10_000) == "ivv"


def test_key__same_person_machine_or_suspended__refused() -> None:
    for by, code in (
        (ONE, "same_person"),
        (MACHINE, "person_needed"),
        (replace(TWO, suspended=True), "suspended"),
        (replace(TWO, entitled=False), "not_entitled"),
    ):
        with pytest.raises(ChuzhengError, match=code):
            confirmed(proposed({}), by=by)
    assert worth(confirmed(proposed({}), by=COUNCIL), 110) == "v"
    assert worth(proposed({}, by=COUNCIL), 99, 100) == "iv"


def test_key__resent__changes_nothing(key: Keys) -> None:
    assert confirmed(key) is key
    assert proposed(key) is key
    with pytest.raises(ChuzhengError, match="id_used"):
        proposed(key, replace(NEW, until=t(500)))


def test_key__certificate_s_end__ends_it() -> None:
    new = replace(NEW, certificate=Digest(b"\x09" * 32), certificate_until=t(300), until=t(400))
    assert worth(confirmed(proposed({}, new)), 299, 300) == "vi"


def test_key__rotated__the_old_one_ends_when_the_new_one_begins(key: Keys) -> None:
    new = replace(NEW, public_key=b"\x08" * 32, replaces=KEY, since=t(500))
    rotated = confirmed(proposed(key, new, key_id=OTHER), key_id=OTHER)
    assert (worth(rotated, 499, 500), worth(rotated, 499, 500, key_id=OTHER)) == ("vi", "iv")


def test_key__public_key_of_a_wrap_key__never_signs(key: Keys) -> None:
    with pytest.raises(ChuzhengError, match="public_key_used"):
        proposed(key, replace(NEW, purpose=2), key_id=OTHER)
    ended = end(key, KEY, t(0), ONE, t(200))
    with pytest.raises(ChuzhengError, match="public_key_used"):
        proposed(ended, replace(NEW, purpose=2), key_id=OTHER)
    withdrawn = end(proposed({}), KEY, t(0), MACHINE, t(105))
    assert proposed(withdrawn, replace(NEW, purpose=2), key_id=OTHER)


def test_end__only_earlier(key: Keys) -> None:
    ended = end(key, KEY, t(500), MACHINE, t(200))
    assert worth(ended, 499, 500) == "vi"
    assert end(ended, KEY, t(600), ONE, t(200)) is ended
    assert worth(end(ended, KEY, t(0), COUNCIL, t(300)), 299, 300) == "vi"


def test_compromise__department_s_date_before_its_block__unknown_until_the_council_says(key: Keys) -> None:
    claimed = compromise(key, KEY, t(200), MACHINE, t(300))
    assert worth(claimed, 199, 200, 299, 300) == "vuui"
    assert compromise(claimed, KEY, t(250), ONE, t(310)) is claimed
    assert worth(compromise(claimed, KEY, t(200), COUNCIL, t(400)), 199, 200, 300) == "vii"
    assert worth(compromise(claimed, KEY, t(260), COUNCIL, t(400)), 259, 260) == "vi"
    # The Council finds that it was later than said: the report's own block stands.
    assert worth(compromise(claimed, KEY, t(350), COUNCIL, t(400)), 299, 300) == "vi"


def test_compromise__from_now_on__certain_at_once(key: Keys) -> None:
    reported = compromise(key, KEY, t(999), ONE, t(300))
    assert worth(reported, 299, 300) == "vi"
    with pytest.raises(ChuzhengError, match="date_missing"):
        compromise(key, KEY, t(0), ONE, t(300))
    with pytest.raises(ChuzhengError, match="not_confirmed"):
        compromise(proposed({}), KEY, t(1), ONE, t(300))
    with pytest.raises(ChuzhengError, match="key_unknown"):
        compromise({}, KEY, t(1), COUNCIL, t(300))


def test_public_key__of_its_own_curve_only() -> None:
    private = ec.derive_private_key(12345, ec.SECP256R1())
    p256 = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    hybrid = bytes([6 + (p256[64] & 1)]) + p256[1:]
    faults = {
        (Suite.P256, p256): 0,
        (Suite.SM2, SM2_POINT): 0,
        (Suite.SM2, p256): 4,
        (Suite.P256, SM2_POINT): 4,
        (Suite.P256, hybrid): 3,
        (Suite.P256, p256 + b"\0"): 2,
        (Suite.ED25519, bytes(32)): 4,
        (Suite.ED25519, b"\x01" * 31): 2,
        (7, p256): 1,
    }
    assert {given: public_key_fault(*given) for given in faults} == faults
