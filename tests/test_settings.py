"""TOML settings: overrides by their rules, every fault of a file at once, with key, line and nearest name."""

import tomllib
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from pdekit.errors import BadInput
from pdekit.settings import Settings, check, override_pairs, parse, read_toml, to_toml


class Inner(Settings):
    count: Annotated[int, Field(ge=1)] = 1
    kind: Literal["a", "b"] = "a"
    size: int | list[int] = 1


class Outer(Settings):
    title: str
    inner: Inner = Inner()
    parts: dict[str, Inner] = Field(default_factory=dict)


TEXT = """title = "t"
[inner]
count = 2

[parts.first]
kind = "b"
"""


def test_a_file_becomes_its_model():
    outer = check(Outer, parse(TEXT, where="x"), where="x", text=TEXT)
    assert outer == Outer(title="t", inner=Inner(count=2), parts={"first": Inner(kind="b")})


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError):
        Inner().count = 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("a.b=64", 64),
        ("a.b = 1e-3", 1e-3),
        ("a.b=[1, 2]", [1, 2]),
        ("a.b=true", True),
        ('a.b="two words"', "two words"),
        ("a.b=word", "word"),
        ("a.b=runs/fno-2.h5", "runs/fno-2.h5"),
        ("a.b={c=1}", {"c": 1}),
        ("a.b=x=y", None),
        ("a.b=two words", None),
        ("a.b=", None),
        ("a.b=[1", None),
        ("=1", None),
        ("a.b", None),
    ],
)
def test_the_value_of_an_override_is_toml_or_one_bare_word(item, value):
    if value is None:
        with pytest.raises(BadInput, match="an override cannot be read"):
            override_pairs([item])
    else:
        assert override_pairs([item]) == {"a.b": value}


def test_an_override_changes_one_key_and_makes_the_tables_on_its_way():
    tree = parse(TEXT, where="x", overrides={"inner.count": 5, "parts.second.kind": "a"})
    assert tree == {"title": "t", "inner": {"count": 5}, "parts": {"first": {"kind": "b"}, "second": {"kind": "a"}}}


def test_later_overrides_win():
    assert override_pairs(["a=1", "a=2"]) == {"a": 2}


def test_an_override_through_a_value_is_refused():
    with pytest.raises(BadInput, match="goes through 'title', which is not a table"):
        parse(TEXT, where="x", overrides={"title.x": 1})


def faults(text: str, overrides: Any = None) -> list[str]:
    with pytest.raises(BadInput) as caught:
        check(Outer, parse(text, where="x", overrides=overrides), where="plan x", text=text)
    return str(caught.value).splitlines()


def test_all_faults_are_reported_together_with_their_lines():
    text = 'titel = "t"\n[inner]\ncount = 0\nkind = "c"\n[parts.first]\nsizes = 3\n'
    assert faults(text) == [
        "plan x has 5 fault(s):",
        "  title: this key is required",
        "  inner.count (line 3): Input should be greater than or equal to 1; found: 0",
        "  inner.kind (line 4): Input should be 'a' or 'b'; found: 'c'",
        "  parts.first.sizes (line 6): unknown key; did you mean 'size'?",
        "  titel (line 1): unknown key; did you mean 'title'?",
    ]


def test_an_overridden_value_is_not_blamed_on_a_line():
    assert faults(TEXT, {"inner.count": 0}) == [
        "plan x has 1 fault(s):",
        "  inner.count (as overridden): Input should be greater than or equal to 1; found: 0",
    ]


def test_the_branches_of_a_union_are_one_fault():
    (head, line) = faults(TEXT, {"inner.size": "x"})
    assert head == "plan x has 1 fault(s):"
    assert line.startswith("  inner.size (as overridden): Input should be a valid integer")
    assert " or: Input should be a valid list" in line


def test_a_far_name_lists_what_is_allowed():
    (_, line) = faults(TEXT + "zzz = 1\n")
    assert line == "  parts.first.zzz (line 7): unknown key; allowed: count, kind, size"


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_what_is_no_text_is_refused(tmp_path, content):
    path = tmp_path / "a.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.toml"):
        read_toml(path)


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2", "a = " + "[" * 9000])
def test_what_is_no_toml_is_refused_with_its_place(text):
    with pytest.raises(BadInput, match="in the place"):
        parse(text, where="the place")


scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=8)
keys = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=6)
trees = st.recursive(
    scalars | st.lists(scalars, max_size=3), lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(keys, trees, max_size=4))
def test_writing_and_reading_give_the_same(tree):
    assert tomllib.loads(to_toml(tree)) == tree


def test_none_is_left_out():
    assert tomllib.loads(to_toml({"a": None, "b": {"c": None, "d": 1}})) == {"b": {"d": 1}}
