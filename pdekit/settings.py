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
        except tomllib.TOMLDecodeError:
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
        faults = [_fault(model, e, text) for e in error.errors()]
        raise BadInput("\n".join([f"{where} has {len(faults)} fault(s):", *faults])) from None


def _fault(model: type[BaseModel], error: Any, text: str) -> str:
    path = [str(part) for part in error["loc"]]
    line = _line(text, path)
    place = ".".join(path) + (f" (line {line})" if line else "")
    if error["type"] == "extra_forbidden":
        known = _keys(model, error["loc"][:-1])
        near = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"allowed: {', '.join(sorted(known))}"
        return f"  {place}: unknown key; {hint}"
    if error["type"] == "missing":
        return f"  {place}: this key is required"
    message = error["msg"].removeprefix("Value error, ")
    return f"  {place}: {message}; found: {error['input']!r}"


def _keys(model: Any, path: Iterable[Any]) -> list[str]:
    for part in path:
        info = getattr(model, "model_fields", {}).get(part)
        model = _inner(info.annotation) if info else None
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
