"""One of each: what a visitor may come with, and what the page then has to say. Each scene has a house of its own.

Used by the tests of the page and by pictures.py, which makes the pictures of the README.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.codes.certificate_ids import make_identifier
from ledger.keys import NewKey, Purpose, Suite
from ledger.statuses import DecisionCode
from notary.disclosure import make_disclosure
from notary.entry import status_key
from notary.exports.credential import sign_credential
from notary.qr import QrProof
from notary.qr_picture import draw_qr
from notary.receipt import Receipt
from tests.fakes.house import ISSUER, TYPE, House, Key, build_house
from tests.zips import Contents, make_bundle

NEXT_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Scene:
    """What the visitor chooses or types in; `files` by name."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


def play(name: str, folder: Path) -> tuple[House, Scene]:
    """The house of that scene, and what to bring to it."""
    finality = "depth:1" if name == "not_registered" else "none"  # on a test chain 7 fails with 6, and comes first
    house = build_house(folder / name, finality=finality, lookups_per_minute=1000, checks_per_minute=1000)
    house.chain.mine(at=house.clock.time // 1000)  # what is accepted now is anchored later than that
    return house, SCENES[name](house)


def _together(record: Mapping[str, Any], receipt: Receipt, **fields: str) -> Scene:
    data = json.dumps(record, ensure_ascii=False).encode()
    return Scene({"食品经营许可证.record.json": data, "食品经营许可证.receipt.json": receipt.to_json()}, fields)


def _anchored(house: House) -> tuple[dict[str, Any], Receipt]:
    record = house.certificate()
    return record, house.anchored(record)


def _decided(code: DecisionCode, **more: Any) -> Callable[[House], Scene]:
    def play(house: House) -> Scene:
        record, receipt = _anchored(house)
        house.chain.decide(status_key(ISSUER, receipt.entry.sha256), code, ISSUER, **more)
        house.clock.time += NEXT_DAY
        house.chain.mine(at=house.clock.time // 1000)
        return _together(record, receipt)

    return play


def _valid(house: House) -> Scene:
    return _together(*_anchored(house))


def _disclosed(house: House) -> Scene:
    record, receipt = _anchored(house)
    assert receipt.salt is not None
    return Scene(
        {"食品经营许可证.disclosure.json": make_disclosure(record, receipt.salt, ["name", "holders"], receipt)}
    )


def _mismatch(house: House) -> Scene:
    record, receipt = _anchored(house)
    return _together({**record, "valid_to": "2034-02-25"}, receipt)


def _not_registered(house: House) -> Scene:
    scene = _valid(house)
    house.chain.shorten(1)
    house.chain.mine(3, at=house.clock.time // 1000)
    return scene


def _expired(house: House) -> Scene:
    return _together(*_anchored(house), at="2029-03-01")


def _pending(house: House) -> Scene:
    record = house.certificate()
    return _together(record, house.accept(record))


def _cannot_check(house: House) -> Scene:
    scene = _valid(house)
    house.chain.fail()
    return scene


def _proof_invalid(house: House) -> Scene:
    record, receipt = _anchored(house)
    value = json.loads(receipt.to_json())
    head, _, signature = value["checkpoint"].rstrip("\n").rpartition(" ")
    middle = len(signature) // 2
    other = "B" if signature[middle] == "A" else "A"
    value["checkpoint"] = f"{head} {signature[:middle]}{other}{signature[middle + 1 :]}\n"
    scene = _together(record, receipt)
    return Scene({**scene.files, "食品经营许可证.receipt.json": json.dumps(value).encode()})


def _not_recognised(house: House) -> Scene:
    house.chain.suspend(ISSUER)
    return _valid(house)


def _unreadable(house: House) -> Scene:
    record, receipt = _anchored(house)
    scene = _together(record, receipt)
    return Scene({**scene.files, "食品经营许可证.receipt.json": receipt.to_json()[:-40]})


def _file_alone(house: House) -> Scene:
    return Scene({"公文.pdf": b"%PDF-1.7 a file"})


def _picture_alone(house: House) -> Scene:
    return Scene({"照片.jpg": b"\xff\xd8\xff\xe0 a picture"})


def _code(house: House) -> str:
    _, receipt = _anchored(house)
    return QrProof.of(receipt).to_text()


def _qr(house: House) -> Scene:
    return Scene(fields={"identifier": f"https://verify.example/verify#{_code(house)}"})


def _qr_picture(house: House) -> Scene:
    return Scene({"二维码.png": draw_qr("https://verify.example/verify", _code(house))})


def _identifier(house: House) -> Scene:
    record, _ = _anchored(house)
    return Scene(fields={"identifier": record["identifier"]})


def _person(house: House) -> dict[str, Any]:
    holder = {"name": "张三丰", "code_type": "411", "code": "P001234"}
    record = house.certificate(holders=[holder], identifier=make_identifier(TYPE, ISSUER, "PERSON0001", 1))
    house.anchored(record)
    return record


def _person_unproved(house: House) -> Scene:
    return Scene(fields={"identifier": _person(house)["identifier"]})


def _person_known(house: House) -> Scene:
    record = _person(house)
    return Scene(fields={"identifier": record["identifier"], "shown": "1234"})


def _identifier_mistyped(house: House) -> Scene:
    record, _ = _anchored(house)
    return Scene(fields={"identifier": record["identifier"].replace("OOCUWY", "00CUWY")})


KEY, KEY_ID = Key(21), bytes([5]) * 32
"""The issuer's own key, and its id on the chain."""


def _credential(house: House, *, signer: Key = KEY, then: DecisionCode | None = None) -> Scene:
    house.chain.add_key(KEY_ID, NewKey(ISSUER, int(Suite.ED25519), int(Purpose.SIGN), KEY.public_key))
    record, receipt = _anchored(house)
    assert receipt.salt is not None
    if then is not None:
        house.chain.decide(status_key(ISSUER, receipt.entry.sha256), then, ISSUER, cause=1)
    house.clock.time += NEXT_DAY
    house.chain.mine(at=house.clock.time // 1000)
    disclosure = make_disclosure(record, receipt.salt, ["name", "holders"], receipt)
    url, signed_at = house.parts.settings.url, house.clock.time // 1000 - 60
    token = sign_credential(disclosure, url, signer, key_id=KEY_ID.hex(), issued_at=signed_at)
    return Scene({"食品经营许可证.vc.jwt": token})


def _credential_pasted(house: House) -> Scene:
    [token] = _credential(house).files.values()
    return Scene(fields={"identifier": token.decode().strip()})


def _bundle(house: House, *, then: DecisionCode | None = None) -> Scene:
    record, receipt = _anchored(house)
    assert receipt.salt is not None
    if then is not None:
        house.chain.decide(status_key(ISSUER, receipt.entry.sha256), then, ISSUER, cause=1)
        house.clock.time += NEXT_DAY
        house.chain.mine(at=house.clock.time // 1000)
    disclosure = make_disclosure(record, receipt.salt, ["name"], receipt)
    lacking = frozenset({"events_unasked"})
    made = make_bundle(Contents("unit", (disclosure,), (receipt.to_json(),), lacking=lacking))
    return Scene({"一案.bundle.zip": made})


SCENES: dict[str, Callable[[House], Scene]] = {
    "valid": _valid,
    "disclosed": _disclosed,
    "mismatch": _mismatch,
    "not_registered": _not_registered,
    "suspended": _decided(DecisionCode.SUSPENDED, cause=1, until=1_775_000_000),
    "rescinded": _decided(DecisionCode.RESCINDED, cause=1, effective_from=0),
    "superseded": _decided(DecisionCode.SUPERSEDED, successor=bytes(range(32))),
    "expired": _expired,
    "pending": _pending,
    "cannot_check": _cannot_check,
    "proof_invalid": _proof_invalid,
    "issuer_not_recognised": _not_recognised,
    "unreadable": _unreadable,
    "file_alone": _file_alone,
    "picture_alone": _picture_alone,
    "credential": _credential,
    "credential_forged": lambda house: _credential(house, signer=Key(22)),
    "credential_revoked": lambda house: _credential(house, then=DecisionCode.REVOKED),
    "credential_pasted": _credential_pasted,
    "bundle": _bundle,
    "bundle_revoked": lambda house: _bundle(house, then=DecisionCode.REVOKED),
    "qr": _qr,
    "qr_picture": _qr_picture,
    "identifier": _identifier,
    "identifier_suspended": lambda house: (
        _decided(DecisionCode.SUSPENDED, cause=1)(house),
        Scene(fields={"identifier": house.certificate()["identifier"]}),
    )[1],
    "person_unproved": _person_unproved,
    "person_known": _person_known,
    "identifier_mistyped": _identifier_mistyped,
}
