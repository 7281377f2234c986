"""QR codes to receipts and pictures: the log's part, and what a camera may bring."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from ledger.errors import InputError, UnavailableError, UnreadableError
from notary.collect import collect
from notary.disclosure import make_disclosure, parse_disclosure
from notary.evidence import Presented
from notary.qr import QrProof
from notary.qr_picture import MAX_PIXELS, draw_qr, read_picture
from notary.qr_receipt import read_qr, receipt_of
from notary.report import Verdict
from notary.verify import verify
from tests.fakes.registry import World, certificate

ADDRESS = "https://verify.example.gov.cn/verify"
SHOWN = ["schema", "kind", "issuer", "type", "valid_from", "valid_to"]


def world_of(count: int = 3) -> World:
    world = World()
    for number in range(count):
        world.register(certificate(f"A{number + 1}"))
    world.seal()
    world.anchor()
    return world


def proof_of(world: World, names: list[str]) -> QrProof:
    receipt = world.receipt(0)
    assert receipt.salt is not None
    return QrProof.of(receipt, parse_disclosure(make_disclosure(certificate("A1"), receipt.salt, [], receipt)), names)


def test_receipt__log_has_the_checkpoint__verifies_with_what_is_shown() -> None:
    world = world_of()
    proof = read_qr(f"{ADDRESS}#{proof_of(world, SHOWN).to_text()}")
    receipt = receipt_of(proof, world.log)
    presented = Presented(receipt, disclosure=proof.disclosure(receipt))
    report = verify(
        presented, collect(presented, world.trust, world.chain, world.log, world.now), world.trust, world.now, world.now
    )
    # The identifier isn't among what fits: what needs it is unknown, and nothing reads as valid without it.
    assert report.answer in (Verdict.CANNOT_CHECK, Verdict.VALID)
    assert {c.name.value for c in report.checks if c.outcome.value == "fail"} == set()


def test_receipt__log_has_grown_since__fresh_path_under_the_newest() -> None:
    world = world_of()
    proof = proof_of(world, [])
    world.register(certificate("B9"))
    world.seal()
    receipt = receipt_of(proof, world.log)
    assert receipt.head is not None
    assert receipt.head.size == 4
    assert receipt.index == proof.index


def test_receipt__log_that_is_behind_away_or_talks_nonsense__an_outage() -> None:
    world = world_of()
    proof = proof_of(world, [])
    with pytest.raises(UnavailableError, match=r"qr\.needs_log"):
        receipt_of(proof, None)
    with pytest.raises(UnavailableError, match=r"qr\.log_behind"):
        receipt_of(replace(proof, index=7, size=8, path=proof.path[:1] * 3), world.log)
    world.note = "nonsense"
    with pytest.raises(UnavailableError):
        receipt_of(proof, world.log)
    world.log.fail()
    with pytest.raises(UnavailableError):
        receipt_of(proof, world.log)


def test_read__moving_code__told_apart() -> None:
    with pytest.raises(InputError, match=r"qr\.ticket"):
        read_qr(f"{ADDRESS}#T{'A' * 26}")


@pytest.mark.parametrize("names", [[], ["issuer", "valid_to"], SHOWN])
def test_picture__drawn_and_read__the_same_text(names: list[str]) -> None:
    text = proof_of(world_of(), names).to_text()
    assert read_picture(io.BytesIO(draw_qr(ADDRESS, text))) == f"{ADDRESS}#{text}"


def test_picture__as_a_grey_photograph__turned_and_smaller__still_read() -> None:
    text = proof_of(world_of(), []).to_text()
    with Image.open(io.BytesIO(draw_qr(ADDRESS, text))) as drawn:
        turned = drawn.convert("L").rotate(7, expand=True, fillcolor=230).resize((drawn.width, drawn.height))
    out = io.BytesIO()
    turned.save(out, "JPEG", quality=70)
    assert read_picture(io.BytesIO(out.getvalue())) == f"{ADDRESS}#{text}"


def test_picture__svg__is_drawn_too() -> None:
    assert b"<svg" in draw_qr(ADDRESS, "A" * 300, picture="svg")


def picture_of(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("1", (width, height), 1).save(out, "PNG")
    return out.getvalue()


def test_picture__without_a_code__says_so() -> None:
    with pytest.raises(UnreadableError, match=r"qr\.none_found"):
        read_picture(io.BytesIO(picture_of(200, 200)))


def test_picture__of_two_codes__says_so() -> None:
    both = Image.new("L", (800, 400), 255)
    for number, place in ((1, 0), (2, 400)):
        with Image.open(io.BytesIO(draw_qr(ADDRESS, str(number) * 20))) as code:
            both.paste(code.resize((400, 400)), (place, 0))
    out = io.BytesIO()
    both.save(out, "PNG")
    with pytest.raises(InputError, match=r"qr\.several"):
        read_picture(io.BytesIO(out.getvalue()))


@pytest.mark.parametrize("data", [b"", b"no picture", picture_of(20, 20)[:-30], b"<svg/>"])
def test_picture__that_can_t_be_opened__says_so(data: bytes) -> None:
    with pytest.raises(InputError):
        read_picture(io.BytesIO(data))


def test_picture__huge_in_memory_though_small_as_a_file__refused() -> None:
    side = int(MAX_PIXELS**0.5) + 100
    with pytest.raises(InputError, match=r"qr\.picture"):
        read_picture(io.BytesIO(picture_of(side, side)))
