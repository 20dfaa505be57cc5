"""TOML files that users write: read, overridden, checked; every fault reported together with its path and line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomlkit
from pydantic import BaseModel, ConfigDict, ValidationError

from pdekit.errors import BadInput


class Settings(BaseModel):
    """Base of recipes, cards and plans: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=BaseModel)


def read_toml(path: Path) -> str:
    """The text of a TOML file. Raises BadInput where it is missing or not UTF-8 text."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput.of(f"there is no file {str(path)!r}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput.of(f"{str(path)!r} cannot be read as text.", found=str(error)) from None


def parse(text: str, *, where: str, overrides: Mapping[str, Any] | Iterable[str] | None = None) -> dict[str, Any]:
    """A TOML text as a dict, with `overrides` applied: {"a.b": value} or ["a.b=value"]. Raises BadInput."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput.of("this is not valid TOML.", where=where, found=str(error)) from None
    except RecursionError:
        raise BadInput.of("this TOML is nested too deeply.", where=where) from None
    for key, value in override_pairs(overrides).items():
        _set(tree, key, value)
    return tree


def override_pairs(overrides: Mapping[str, Any] | Iterable[str] | None) -> dict[str, Any]:
    """Overrides as {"a.b": value}; in "a.b=value" the value is TOML, a bare word is a string."""
    if overrides is None:
        return {}
    if isinstance(overrides, Mapping):
        return dict(overrides)
    pairs: dict[str, Any] = {}
    for item in overrides:
        key, equals, value = item.partition("=")
        key, value = key.strip(), value.strip()
        if not equals or not key:
            raise BadInput.of("an override cannot be read.", found=repr(item), allowed="key=value, e.g. grid.points=64")
        try:
            pairs[key] = tomllib.loads(f"value = {value}")["value"]
        except (tomllib.TOMLDecodeError, RecursionError):
            if re.fullmatch(r"[\w./+-]+", value) is None:
                raise BadInput.of(
                    "an override cannot be read.", found=repr(item), allowed="a TOML value or one bare word"
                ) from None
            pairs[key] = value
    return pairs


def _set(tree: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    for part in path:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise BadInput.of(f"the override {key!r} goes through {part!r}, which is not a table.")
    tree[last] = value


def to_toml(tree: Mapping[str, Any]) -> str:
    """A dict as TOML text (None is left out)."""

    def clean(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {k: clean(v) for k, v in value.items() if v is not None}
        if isinstance(value, list | tuple):
            return [clean(v) for v in value]
        return value

    return tomlkit.dumps(clean(tree))


def check(model: type[S], tree: Mapping[str, Any], *, where: str, text: str = "") -> S:
    """Turn a dict into `model`, or raise one BadInput that lists all faults with key, line and nearest known name."""
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        source = _Source(tree, text)
        faults: dict[str, list[str]] = {}
        for e in error.errors():
            place, message = _fault(model, e, source)
            faults.setdefault(place, []).append(message)
        lines = [f"  {place}: {' or: '.join(dict.fromkeys(messages))}" for place, messages in faults.items()]
        raise BadInput("\n".join([f"{where} has {len(lines)} fault(s):", *lines])) from None


class _Source:
    """Where a value came from: the text, with its line, or an override."""

    def __init__(self, tree: Mapping[str, Any], text: str) -> None:
        self.tree = tree
        self.text = text
        try:
            self.written = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError):
            self.written = {}

    def path(self, loc: tuple[Any, ...], missing: bool) -> list[str]:
        """The keys of a fault, without what pydantic adds for the branches of a union."""
        keys: list[str] = []
        value: Any = self.tree
        for k, part in enumerate(loc):
            inside = part in value if isinstance(value, Mapping) else isinstance(value, list) and isinstance(part, int)
            if inside:
                value = value[part]
            if inside or (missing and k == len(loc) - 1):
                keys.append(str(part))
        return keys

    def place(self, path: list[str]) -> str:
        """`a.b (line 3)`, or `a.b (as overridden)` where the value is not the one of the text."""
        key = ".".join(path) or "the file"
        if not self.text:
            return key
        found, written = _at(self.tree, path), _at(self.written, path)
        if found is not None and repr(found) != repr(written):
            return f"{key} (as overridden)"
        line = _line(self.text, path)
        return f"{key} (line {line})" if line else key


def _at(tree: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(tree, Mapping):
            tree = tree.get(part)
        elif isinstance(tree, list) and part.isdigit() and int(part) < len(tree):
            tree = tree[int(part)]
        else:
            return None
    return tree


def _fault(model: type[BaseModel], error: Any, source: _Source) -> tuple[str, str]:
    """(place, message) of one fault."""
    path = source.path(error["loc"], error["type"] == "missing")
    place = source.place(path)
    if error["type"] == "extra_forbidden":
        known = _keys(model, error["loc"][:-1])
        near = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"allowed: {', '.join(sorted(known))}"
        return place, f"unknown key; {hint}"
    if error["type"] == "missing":
        return place, "this key is required"
    message = error["msg"].removeprefix("Value error, ")
    if "found: " in message or isinstance(error["input"], Mapping):
        return place, message
    return place, f"{message}; found: {error['input']!r}"


def _keys(model: Any, path: Iterable[Any]) -> list[str]:
    """Known keys of the table at `path`; a part that is no key (of a dict, a list, a union) stays in its model."""
    for part in path:
        info = getattr(model, "model_fields", {}).get(part)
        if info:
            model = _inner(info.annotation)
    return list(getattr(model, "model_fields", {}))


def _inner(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _inner(inner)
        if found is not None:
            return found
    return None


def _line(text: str, path: list[str]) -> int | None:
    """The line on which the last key of `path` stands under its table, as well as a scan can tell."""
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[+([\w.\-\"]+)\]+", line)
        if head:
            table = head[1].replace('"', "").split(".")
            if table == path:
                return number
        key = re.match(r'\s*"?([\w.\-]+)"?\s*=', line)
        if key and [*table, *key[1].split(".")] == path[: len(table) + len(key[1].split("."))]:
            return number
    return None
