"""Texts that are no policy: told with their place, whatever they are, in bounded time."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tameflare.core.policy import limits, source
from tameflare.core.policy.nodes import Faults
from tameflare.core.policy.parse import Parsed, parse_file, parse_policy

GOOD = "name: a\nrules:\n  - {name: b, decision: deny}\n"


def told(text: str) -> list[str]:
    return [str(fault) for fault in parse_policy(text).diagnostics]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeff" + GOOD, "1:1: the invisible character U+FEFF; save the file as UTF-8 without a byte order mark"),
        ("name: a\x00b", "1:8: the invisible character U+0000; remove it"),
        ("name: a\rrules: []", "1:8: the invisible character U+000D; end lines with a line feed"),
        ("name: a\n# \u202edeny", "2:3: the invisible character U+202E; remove it"),
        ("name: a # \u2028rules:", "1:11: the invisible character U+2028; remove it"),
        ("name: a\x85rules:", "1:8: the invisible character U+0085; remove it"),
        ("name: \ud800", "1:7: the invisible character U+D800; remove it"),
        ("", "1:1: no policy; write at least `name` and `rules`"),
        ("# only a comment\n", "1:1: no policy; write at least `name` and `rules`"),
        (
            GOOD + "---\n" + GOOD,
            "4:1: a second document; one policy is one document; `tf policy lint` reads files of several",
        ),
        ("x" * (limits.SOURCE + 1), "1:1: a policy of 65,537 characters; a policy has at most 65,536; split it"),
    ],
    ids=["bom", "nul", "cr", "bidi", "ls", "nel", "surrogate", "empty", "comment", "two", "long"],
)
def test_a_text_that_is_no_policy(text: str, expected: str) -> None:
    assert told(text) == [expected]


def test_every_invisible_character_is_told() -> None:
    assert len(told("name: \u202ea\nrules: \u2066b\n")) == 2


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000,
        "{" * 60_000,
        "- " * 30_000,
        "? " * 30_000,
        "[a: " * 15_000,
        "{a: " * 15_000,
        "a: &a [" + "*a, " * 15_000 + "]",
        "!" * 60_000,
        "&a " * 20_000,
        "a: >\n" + " b\n\n" * 10_000,
        '"' + "\\x41" * 15_000 + '"',
        "a: b\n" * 13_000,
        "- a\n" * 16_000,
        "name: a\nrules: [" + "{name: a}, " * 5_000 + "]",
        "name: a\nrules:\n - name: a\n   conditions: " + "{not: " * 5_000,
        "rules:\n - conditions:\n    any:\n"
        + "     - {field: parameters.a, operator: matches, value: '\\pL{1000}'}\n" * 900,
    ],
    ids=lambda text: text[:12],
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    assert told(text)
    assert time.process_time() - began < 2.0


def test_faults_are_told_up_to_a_number() -> None:
    assert len(told("name: a\nrules: [" + "5, " * 199 + "]")) == limits.FAULTS


def test_a_policy_may_end_lines_as_windows_does() -> None:
    assert parse_policy(GOOD.replace("\n", "\r\n")).policy == parse_policy(GOOD).policy


def test_yaml_of_python_alone_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [GOOD, "name: [a", "a: *b", "a: !!int 5", "- - a", "name: 'it''s'\nrules: {}", "[" * 500]
    fast = [parse_policy(text).policy for text in texts]
    monkeypatch.setattr(source, "LOADER", yaml.SafeLoader)
    assert [parse_policy(text).policy for text in texts] == fast


# --- files of several -------------------------------------------------------------------------------------------------


def test_a_file_of_several() -> None:
    text = f"# ours\n---\n{GOOD}--- # the second\nname: [\n---\n\n# none\n---\n{GOOD}"
    found = parse_file(text)
    assert [parsed.first_line for parsed in found] == [3, 7, 12]
    assert [parsed.policy is not None for parsed in found] == [True, False, True]
    assert found[0].source == found[2].source == GOOD
    assert found[1].diagnostics[0].line in {7, 8}
    assert parse_file("# nothing\n---\n") == []


def test_a_file_may_be_only_so_large() -> None:
    (found,) = parse_file("#" * (limits.FILE + 1))
    assert "a file of" in found.diagnostics[0].message


def test_dashes_inside_of_a_text_are_none_between_policies() -> None:
    (found,) = parse_file("name: a\ndescription: |\n  one\n  ---\n  two\nrules:\n  - {name: b, decision: deny}\n")
    assert found.policy is not None
    assert found.policy.description == "one\n---\ntwo\n"


@settings(max_examples=100)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@`,? \n\t~0.", max_size=60))
def test_any_text_is_read_or_told(text: str) -> None:
    parsed = parse_policy(text)
    assert isinstance(parsed, Parsed)
    assert (parsed.policy is None) is bool(parsed.diagnostics)
    faults = Faults()
    assert source.read(text, 1, faults) is None or not faults or parsed.diagnostics
    lines = text.count("\n") + 1
    assert all(1 <= fault.line <= lines + 1 and fault.column >= 1 for fault in parsed.diagnostics)


def test_a_policy_has_so_many_values_and_no_more() -> None:
    (fault,) = told(f"name: a\nrules: [{'a,' * limits.NODES}]")
    assert fault == "2:39999: more than 20,000 values; split the policy"


def test_a_fault_behind_many_others_is_one_still() -> None:
    rules = "  - {name: a, decision: deny}\n" * (limits.FAULTS + 5)
    total = '{field: "total(parameters.a, window: 1d, by: people)", operator: less_than, value: 5}'
    text = f"name: a\nrules:\n{rules}  - {{name: b, decision: deny, conditions: {total}}}\n"
    assert parse_policy(text).policy is None
    assert len(told(text)) == limits.FAULTS


def test_a_fault_is_told_on_one_line_and_drives_no_terminal() -> None:
    (fault,) = told('name: a\nscope: {action_types: "a\\nb"}\nrules: [{name: b, decision: deny}]')
    assert fault.startswith("2:23: pattern `a b` holds a character outside")
    (fault,) = told('name: a\nrules: [{name: b, decision: deny, conditions: {field: type, operator: "\\ex"}}]')
    assert fault.startswith("2:71: `operator` holds a character that nobody sees")
