"""Finds cards and recipes by name, turns the first line of a card into a class, suggests the near name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import Field

from pdekit.errors import BadInput, unknown_name
from pdekit.settings import Settings, check, parse, read_toml

PACKAGE = Path(__file__).parent


class Card(Settings):
    """A solver card. Classical cards have `settings`, hybrid ones a `guess` among them; learned ones `model`, `scaling` and
    `training`, and those that learn trajectories `time`."""

    code: str
    format: int = Field(ge=1, le=1)
    title: str
    solves: list[str]
    source: str
    fails_when: str
    settings: dict[str, Any] = Field(default_factory=dict)
    ladder: dict[str, list[Any]] = Field(default_factory=dict)
    model: dict[str, Any] | None = None
    scaling: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    time: dict[str, Any] = Field(default_factory=dict)

    @property
    def learned(self) -> bool:
        """True where the card's solver must be trained before it can answer."""
        return self.model is not None

    @property
    def hybrid(self) -> bool:
        """True where the card's solver starts from the answer of another one, which has to be named."""
        return "guess" in self.settings


def card_folder(kind: str) -> Path:
    """Folder of the cards of one kind ("datasets", "solvers", "examples"): in the wheel, else in the checkout."""
    inside = PACKAGE / "cards" / kind
    return inside if inside.is_dir() else PACKAGE.parent / kind


def dataset_names() -> list[str]:
    """Names of all recipes."""
    return sorted(p.parent.name for p in card_folder("datasets").glob("*/recipe.toml"))


def solver_names() -> list[str]:
    """Names of all solver cards."""
    return sorted(p.stem for p in card_folder("solvers").glob("*.toml"))


def find_recipe(name: str) -> Path:
    """Path of a recipe, from a name in `datasets/` or a path to a TOML file or its folder. Raises BadInput."""
    path = Path(name)
    if path.is_dir() and (path / "recipe.toml").is_file():
        return path / "recipe.toml"
    if path.suffix == ".toml":
        return _existing(path, "recipe")
    found = card_folder("datasets") / name / "recipe.toml"
    if path.is_dir() and ("/" in name or not found.is_file()):
        raise BadInput.of(f"the folder {name!r} holds no recipe.toml.", hint="`pdekit list datasets`")
    if "/" in name or not found.is_file():
        raise unknown_name("data set", name, dataset_names(), hint="`pdekit list datasets`, or give a path to a .toml")
    return found


def find_card(name: str) -> Path:
    """Path of a solver card, from a name in `solvers/` or a path to a TOML file. Raises BadInput."""
    path = Path(name)
    if path.suffix == ".toml":
        return _existing(path, "solver card")
    found = card_folder("solvers") / f"{name}.toml"
    if "/" in name or not found.is_file():
        raise unknown_name("solver", name, solver_names(), hint="`pdekit list solvers`, or give a path to a .toml")
    return found


def _existing(path: Path, kind: str) -> Path:
    if not path.is_file():
        raise BadInput.of(f"there is no {kind} at {str(path)!r}.", hint="`pdekit list` shows what comes with pdekit")
    return path


def read_card(name: str | Path, overrides: Mapping[str, Any] | Iterable[str] | None = None) -> Card:
    """Read and check a solver card. Raises BadInput."""
    path = find_card(str(name))
    text = read_toml(path)
    card = check(Card, parse(text, where=str(path), overrides=overrides), where=f"solver card {path}", text=text)
    solver_class(card, where=f"solver card {path}")
    return card


def solver_class(card: Card, where: str = "") -> type:
    """The class that a card's first line names: below `pdekit`, or an entry point of group "pdekit.solvers"."""
    module, colon, name = card.code.partition(":")
    if not (module == "pdekit" or module.startswith("pdekit.")) or not colon:
        entries = {e.value: e for e in metadata.entry_points(group="pdekit.solvers")}
        if card.code in entries:
            return entries[card.code].load()
        raise BadInput.of(
            f"the code {card.code!r} of a card is not allowed.",
            where=where,
            allowed="'pdekit.<room>.<file>:<Class>', or an installed entry point of group 'pdekit.solvers'",
        )
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise BadInput.of(
            f"the code {card.code!r} of a card cannot be imported.", where=where, found=str(error)
        ) from None
    if not isinstance(found, type) or not hasattr(found, "solve"):
        raise BadInput.of(
            f"the code {card.code!r} of a card is not a solver.",
            where=where,
            found=type(found).__name__,
            allowed="a class with `prepare` and `solve`",
        )
    return found


def settings_of(cls: type) -> list[str]:
    """Keywords of a solver class, those that it hands on to its base classes included; `name` is not a setting."""
    names: list[str] = []
    for base in cls.__mro__:
        own = base.__dict__.get("__init__")
        if own is None:
            continue
        parameters = list(inspect.signature(own).parameters.values())[1:]
        names += [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            break
    return [name for name in dict.fromkeys(names) if name != "name"]


def default_of(cls: type, setting: str) -> Any:
    """The value that a solver class gives to a setting that its card leaves out. Raises BadInput where there is none."""
    for base in cls.__mro__:
        found = inspect.signature(base.__init__).parameters.get(setting) if "__init__" in base.__dict__ else None
        if found is not None and found.default is not inspect.Parameter.empty:
            return found.default
    raise unknown_name("setting", setting, settings_of(cls))


def build_solver(card: Card, name: str) -> Any:
    """The solver of a classical card, with its settings. Raises BadInput on unknown or wrong settings."""
    cls = solver_class(card)
    if card.learned:
        raise BadInput.of(
            f"solver {name!r} is learned and has to be trained first.",
            hint=f"pdekit train {name} FILE --out runs/{name}, then use runs/{name}",
        )
    known = settings_of(cls)
    for key in card.settings:
        if key not in known:
            raise unknown_name(f"setting of solver {name!r}", key, known)
    return cls(name=name, **card.settings)


def is_run(path: str | Path) -> bool:
    """True where `path` is a folder that `pdekit train` wrote."""
    return (Path(path) / "run.json").is_file() and (Path(path) / "card.toml").is_file()


def load_solver(name: str | Path, overrides: Mapping[str, Any] | Iterable[str] | None = None) -> Any:
    """A solver from a card name, a path to a card, or a run folder. Raises BadInput."""
    if is_run(name):
        path = Path(name) / "card.toml"
        text = read_toml(path)
        card = check(Card, parse(text, where=str(path)), where=f"solver card {path}", text=text)
        cls: Any = solver_class(card, where=f"solver card {path}")
        if not hasattr(cls, "load"):
            raise BadInput.of(
                f"the code {card.code!r} of a run is not a learned solver.", where=str(path), hint="train it again"
            )
        return cls.load(Path(name))
    if Path(name).is_dir():
        raise BadInput.of(
            f"{str(name)!r} is not a run folder.",
            allowed="a folder written by `pdekit train`, with run.json and card.toml",
        )
    return build_solver(read_card(name, overrides), Path(name).stem)
