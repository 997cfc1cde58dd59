"""The documents against the code: links lead somewhere, quoted texts are printed, commands and settings exist."""

from __future__ import annotations

import ast
import pkgutil
import re
from functools import cache
from pathlib import Path

import click
import pytest
from tools import reference

from tameflare import settings
from tameflare.cli.main import cli
from tameflare.core.decision import Reason
from tameflare.core.reasons import MEANING
from tameflare.proxy.steps import STEPS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("changelog.d/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@cache
def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(found), f"{page.name} links to {target}"


def test_every_page_is_reached_from_the_index() -> None:
    linked = set(re.findall(r"\]\(([^)#\s]+)", text(ROOT / "docs/index.md")))
    pages = {str(page.relative_to(ROOT / "docs")) for page in PAGES if page.is_relative_to(ROOT / "docs")}
    unlisted = {page for page in pages if not page.startswith("decisions/")} - linked - {"index.md"}
    assert not unlisted


# --- troubleshooting quotes what is printed ---------------------------------------------------------------------------


@cache
def printed() -> str:
    """Every string of the product, f-strings with `…` in the place of what is filled in."""
    found = []
    for module in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(text(module))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.append("".join(_piece(value) for value in node.values))
    found += [re.sub(r"\$\{[^}]*\}", "…", text(file)) for file in (ROOT / "src").rglob("*.cjs")]
    return "\n".join(found)


def _piece(value: ast.expr) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else "…"


FOREIGN = {"CERTIFICATE_VERIFY_FAILED", "tf logs"}  # printed by others, and a command
SYMPTOMS = [
    quoted
    for heading in re.findall(r"^### (.*)$", text(ROOT / "docs/troubleshooting.md"), re.MULTILINE)
    for quoted in re.findall(r"`([^`]+)`", heading)
    if quoted not in FOREIGN
]


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_a_symptom_is_a_text_that_the_product_prints(symptom: str) -> None:
    pieces = [re.escape(piece.strip()) for piece in symptom.split("…") if piece.strip()]
    assert re.search(r"[^\n]*".join(pieces), printed()), symptom


@pytest.mark.parametrize(
    "wording",
    ["Unauthorized", "Forbidden", "Kill switch is active", "Invalid email or password", "Account is suspended",
     "Secrets stored without encryption"],
)  # fmt: skip
def test_texts_that_people_search_for_are_printed_to_the_letter(wording: str) -> None:
    assert wording in printed()


# --- commands, settings, reasons --------------------------------------------------------------------------------------


def code_blocks(page: Path) -> str:
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL))


COMMANDS = sorted(
    {
        line.split("tf ", 1)[1].partition("#")[0].strip()
        for page in PAGES
        for line in code_blocks(page).splitlines()
        if re.match(r"\s*(\w+=\S+ )*tf ", line)
    }
)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_in_a_document_exists(line: str) -> None:
    command: click.Command = cli
    context = click.Context(cli, info_name="tf")
    words = line.split()
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        assert found is not None, line
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
    used = [word.partition("=")[0] for word in words[: words.index("--") if "--" in words else None]]
    assert {word for word in used if re.match(r"--?[a-z]", word)} <= known | {"--help"}, line


def test_every_setting_that_a_document_names_exists() -> None:
    known = {setting.name for setting in settings.ALL} | {"TF_LISTEN_FD", "TF_AGENT_KEY"}
    ours = re.compile(r"`((?:TF|SETTINGS)_[A-Z_]+)(?:=[^`]*)?`")
    named = {name: page.name for page in PAGES for name in ours.findall(text(page))}
    assert set(named) <= known, {name: page for name, page in named.items() if name not in known}


def test_every_reason_is_explained() -> None:
    assert set(MEANING) == set(Reason)
    assert all(sentence.endswith(".") for sentence in MEANING.values())


@pytest.mark.parametrize("page", reference.PAGES)
def test_a_reference_page_is_fresh(page: str) -> None:
    assert text(reference.FOLDER / page) == reference.text(page), "run `make docs`"


# --- names of the code ------------------------------------------------------------------------------------------------

ROOMS = "core|connectors|wire|link|proxy|control|cli|demo|supervisor|settings|process"
DOTTED = re.compile(rf"`(?:tameflare\.)?((?:{ROOMS})\.[A-Za-z_][\w.]*)`")
SYMBOLS = sorted({name for page in PAGES for name in DOTTED.findall(text(page))})


def test_the_architecture_page_names_the_code() -> None:
    assert len(DOTTED.findall(text(ROOT / "docs/architecture.md"))) > 40


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_name_in_a_document_is_there(symbol: str) -> None:
    assert pkgutil.resolve_name(f"tameflare.{symbol}") is not None


def test_the_architecture_page_walks_the_steps_in_their_order() -> None:
    page = text(ROOT / "docs/architecture.md")
    places = [page.find(f"- `proxy.steps.{step.__name__}`") for step in STEPS]
    assert -1 not in places
    assert places == sorted(places)
