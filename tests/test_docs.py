"""Words are tested: what README and docs say about commands, links, settings and figures is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
from typer.main import get_command

from api.settings import Settings
from ledger.texts import Language, text
from notary.report import EXIT_CODES
from scripts import output
from scripts.cli import app
from tests.bench.__main__ import names as benches
from tests.bench.written import TITLES

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "scripts" / "samples" / "README.md"]
    if "design" not in page.relative_to(ROOT).parts  # that is what is meant, also where it isn't built yet
)
DESIGN = sorted((ROOT / "docs" / "design").glob("*.md"))
OPERATIONS = ROOT / "docs" / "operations.md"
BENCHMARKS = ROOT / "docs" / "benchmarks.md"

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(?<![\w./-])(?:\.venv/bin/)?chuzheng ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)(?![\w/.:])")
_FENCE = re.compile(r"^```.*?^```", re.M | re.S)
_INLINE = re.compile(r"`([^`\n]+)`")
_FLAG = re.compile(r"(?<!\S)(--[a-z][a-z-]*)")


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _code(page: str) -> Iterator[str]:
    """What stands as code: blocks line by line, and inline."""
    for block in _FENCE.findall(page):
        yield from block.splitlines()[1:-1]
    yield from _INLINE.findall(_FENCE.sub("", page))


def _tree(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _tree(inner, (*path, name))


COMMANDS = dict(_tree(get_command(app)))
GROUPS = {path for path, command in COMMANDS.items() if getattr(command, "commands", None)}


def _called(code: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """(words of the command, the rest of the line) of each call in a piece of code."""
    for found in _COMMAND.finditer(code):
        words = tuple(found.group(1).split())
        path = words if words[:1] in GROUPS else words[:1]
        yield path, code[found.end(1) if path == words else found.start(1) + len(words[0]) :]


def test_commands__tree__is_read() -> None:
    assert ("verify",) in COMMANDS
    assert ("log", "fsck") in COMMANDS
    assert isinstance(app, typer.Typer)


@pytest.mark.parametrize(
    ("code", "path"),
    [
        (".venv/bin/chuzheng log fsck --home X", ("log", "fsck")),
        ("chuzheng verify paper.pdf --offline", ("verify",)),
        ("cd x && chuzheng nothing at all", ("nothing",)),
        ("chuzheng log nothing", ("log", "nothing")),
    ],
)
def test_called__in_code__is_found(code: str, path: tuple[str, ...]) -> None:
    assert [found for found, _ in _called(code)] == [path]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_page__commands_in_it__exist_with_their_options(page: Path) -> None:
    wrong = []
    for code in _code(page.read_text(encoding="utf-8")):
        for path, rest in _called(code):
            if path not in COMMANDS:
                wrong.append(f"chuzheng {' '.join(path)}")
                continue
            options = {name for parameter in getattr(COMMANDS[path], "params", []) for name in parameter.opts}
            call = re.split(r"[|;&`)]|  +#", rest)[0]
            wrong += [
                f"chuzheng {' '.join(path)} {flag}" for flag in _FLAG.findall(call) if flag not in options | {"--help"}
            ]
    assert wrong == []


@pytest.mark.parametrize("page", [*PAGES, *DESIGN], ids=_name)
def test_page__relative_links__resolve(page: Path) -> None:
    missing = []
    for found in _LINK.finditer(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        target = found.group(1) or found.group(2)
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (page.parent / unquote(file)) if file else page
        if not linked.exists() or (anchor and linked.suffix == ".md" and unquote(anchor) not in _anchors(linked)):
            missing.append(target)
    assert missing == []


@pytest.mark.parametrize("page", [*PAGES, *DESIGN], ids=_name)
def test_page__paths__are_of_the_project_only(page: Path) -> None:
    """No machine's folders: an absolute path in a document is somebody's own."""
    words = page.read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.:/}])/(?:home|root|Users|work|tmp|opt|mnt)/[\w.-]+", words) == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.parts[-2] != "adr"], ids=_name)
def test_page__files_it_names__are_there(page: Path) -> None:
    named = {
        code
        for code in _INLINE.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
        if re.fullmatch(r"(?:api|contracts|docs|gateways|ledger|notary|scripts|tests)/[\w./*-]+", code)
    }
    assert {name for name in named if not any(ROOT.glob(name.rstrip("/")))} == set()


@pytest.mark.parametrize("page", [page for page in PAGES if page.parts[-2] != "adr"], ids=_name)
def test_page__scripts_it_calls__are_there(page: Path) -> None:
    called = {
        found
        for code in _code(page.read_text(encoding="utf-8"))
        for found in re.findall(r"(?:^|\s)bash ([\w./-]+\.sh)", code)
    }
    assert {script for script in called if not (ROOT / script).is_file()} == set()


@pytest.mark.parametrize(("page", "begins"), [("README.md", "Exit codes of"), ("README.zh.md", "退出码：")])
def test_readme__exit_codes__are_those_of_the_program(page: str, begins: str) -> None:
    [paragraph] = [part for part in (ROOT / page).read_text(encoding="utf-8").split("\n\n") if part.startswith(begins)]
    said = {int(code): words.strip() for code, words in re.findall(r"(\d+) ([^·\d.。]+)", paragraph)}
    others = {value for name, value in vars(output).items() if name.startswith("EXIT_") and isinstance(value, int)}
    assert set(said) == set(EXIT_CODES.values()) | others
    if page == "README.zh.md":
        assert {code: said[code] for code in EXIT_CODES.values()} == {
            code: text(f"verdict.{verdict.value}", "zh") for verdict, code in EXIT_CODES.items()
        }


@pytest.mark.parametrize(("page", "language"), [("README.md", "en"), ("README.zh.md", "zh")])
def test_readme__the_answer_that_it_shows__is_the_programs(page: str, language: Language) -> None:
    said = ("verdict.valid", "verdict.valid.sentence", "report.test_chain")
    shown = "\n".join(text(key, language) for key in said)
    assert f"```\n{shown}\n" in (ROOT / page).read_text(encoding="utf-8")


def test_operations__settings_tables__name_every_setting_and_no_other() -> None:
    for half in OPERATIONS.read_text(encoding="utf-8").split("# English", 1):
        table = half[half.rindex("## ") :]
        rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
        named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
        assert sorted(named) == sorted(Settings.model_fields)


def test_operations__both_halves__say_the_same_things() -> None:
    """Same headings in number, same tables row by row, same code blocks: a half that is edited alone is noticed."""
    chinese, english = OPERATIONS.read_text(encoding="utf-8").split("\n# English\n", 1)
    for pattern in (r"^## ", r"^### ", r"^\| `?[\w/.*-]", r"^\d\. "):
        assert len(re.findall(pattern, chinese, re.M)) == len(re.findall(pattern, english, re.M)), pattern
    blocks = [re.findall(r"^```bash\n.*?^```", half, re.M | re.S) for half in (chinese, english)]
    assert blocks[0] == blocks[1]


def test_benchmarks__each_section__says_machine_software_and_day() -> None:
    written = BENCHMARKS.read_text(encoding="utf-8")
    sections = re.findall(r"^<!-- bench:(\w+) -->\n(.*?)^<!-- end:\1 -->", written, re.M | re.S)
    assert {name for name, _ in sections} <= set(benches()) == set(TITLES)
    assert sections
    for name, section in sections:
        assert re.search(r"^Machine: .+, \d+ cores?, \d+ GiB memory, ", section, re.M), name
        assert re.search(r"^Software: Python 3\.\d+\.\d+, OpenSSL ", section, re.M), name
        assert re.search(r", 20\d\d-\d\d-\d\d, \d+ runs", section), name
        assert re.search(r"^\| .+ \| [\d.,]+ ", section, re.M), name


def _anchors(page: Path) -> set[str]:
    """Anchors as GitHub makes them from headings."""
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(plain.replace(" ", "-"))
    return found


def test_formats__tests_that_it_names__are_there() -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    named = {code for code in _INLINE.findall(page) if code.startswith("test_") and "/" not in code}
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.M)
    }
    assert len(named) > 40
    assert named - there == set()
