"""A recipe: what data to make. The TOML file of formats/recipes-cards-plans.md as frozen models."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, field_validator

from pdekit.data.format import NUMBERED
from pdekit.data.recipe_tables import GridTable, Law, ReferenceError, Split, Storage, flat, one_line
from pdekit.errors import BadInput, unknown_name
from pdekit.problems import PROBLEMS
from pdekit.problems.problem import Problem
from pdekit.registry import find_recipe, read_card, settings_of, solver_class
from pdekit.settings import Settings, check, override_pairs, parse, read_toml, to_toml
from pdekit.space.grid import Grid
from pdekit.space.random_fields import check_law


class Recipe(Settings):
    """What data to make; immutable, complete, and the only thing besides the code that a file's content depends on."""

    format: Literal[1]
    title: str
    problem: str
    solver: str
    solver_settings: dict[str, Any] = Field(default_factory=dict)
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    on_failure: Literal["stop", "drop", "keep"] = "stop"
    units: dict[str, str] = Field(default_factory=dict)
    grid: GridTable
    parameters: dict[str, Any] = Field(default_factory=dict)
    fields: dict[str, Law] = Field(default_factory=dict)
    reference_error: ReferenceError = ReferenceError()
    splits: dict[str, Split]
    storage: Storage = Storage()
    _where: str = PrivateAttr(default="the recipe")

    @field_validator("problem")
    @classmethod
    def _known_problem(cls, value: str) -> str:
        if value not in PROBLEMS:
            with one_line():
                raise unknown_name("problem", value, PROBLEMS)
        return value

    @field_validator("solver")
    @classmethod
    def _known_solver(cls, value: str) -> str:
        with one_line():
            card = read_card(value)
        if card.learned:
            raise ValueError(f"{value!r} is a learned solver; data are made by classical ones")
        return value

    @field_validator("units")
    @classmethod
    def _readable_units(cls, value: dict[str, str]) -> dict[str, str]:
        for name, unit in value.items():
            if not re.fullmatch(r"[\w%°/*^.+\- ()]{1,40}", unit):
                raise ValueError(f"the unit of {name!r} cannot be read: {unit!r}; allowed: e.g. 'm', 'kg m-3', '1'")
        return value

    @field_validator("fields")
    @classmethod
    def _known_laws(cls, value: dict[str, Law]) -> dict[str, Law]:
        with one_line():
            for name, law in value.items():
                check_law(law, f"fields.{name}")
        return value

    @field_validator("splits", mode="before")
    @classmethod
    def _a_number_is_a_split(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or not value:
            raise ValueError("at least one split is needed, e.g. train = 100")
        for name in value:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"the split name {name!r} cannot be used; allowed: lower-case letters, digits, _")
        return {k: v if isinstance(v, Mapping) else {"samples": v} for k, v in value.items()}

    def split_names(self) -> list[str]:
        """Splits in the order of their numbers: train, valid, test, then the recipe's order."""
        return sorted(self.splits, key=self.split_number)

    def split_number(self, split: str) -> int:
        """Number of a split in the random streams of its samples (formats rule 1)."""
        if split in NUMBERED:
            return NUMBERED.index(split)
        return 3 + [name for name in self.splits if name not in NUMBERED].index(split)

    def for_split(self, split: str) -> Recipe:
        """This recipe with the keys that `split` sets. Raises BadInput where they do not fit."""
        if split not in self.splits:
            raise unknown_name("split", split, self.splits)
        changes = self.splits[split].set
        if not changes:
            return self
        where = f"{self._where}, split {split!r}"
        tree = parse(self.toml(), where=where, overrides=changes)
        recipe = check(Recipe, tree, where=where)
        recipe._where = where
        return recipe

    def grid_for(self, split: str) -> Grid:
        """The grid of a split."""
        return self.for_split(split).grid.grid(self.units.get("length", "1"))

    def problem_for(self, split: str) -> Problem:
        """The problem of a split; parameters drawn per sample keep the problem's own value here."""
        recipe = self.for_split(split)
        constants = {k: v for k, v in recipe.parameters.items() if not isinstance(v, dict)}
        return PROBLEMS[self.problem].make(constants, where=f"{self._where}: parameters")

    def laws_for(self, split: str) -> tuple[dict[str, Law], dict[str, Law]]:
        """Laws of a split: {field: law} with the boundary fields `boundary_<face>`, and {parameter: law}."""
        recipe = self.for_split(split)
        faces = {f"boundary_{face}": law for face, law in recipe.grid.laws().items()}
        drawn = {k: v for k, v in recipe.parameters.items() if isinstance(v, dict)}
        return {**recipe.fields, **faces}, drawn

    def toml(self) -> str:
        """The recipe as run, overrides applied, as TOML; reading it gives the same recipe."""
        return to_toml(self.model_dump(exclude_defaults=False))

    def sha256(self) -> str:
        """Hash of `toml()`."""
        return hashlib.sha256(self.toml().encode()).hexdigest()

    def identity(self) -> str:
        """Hash of what a sample depends on besides split and index: all but the title, failure rule and sizes."""
        tree = self.model_dump(exclude={"title", "on_failure"})
        order = [name for name in self.splits if name not in NUMBERED]
        tree["splits"] = {"order": order, **{k: {"set": v.set} for k, v in self.splits.items()}}
        return hashlib.sha256(to_toml(tree).encode()).hexdigest()

    def settings(self) -> dict[str, Any]:
        """Settings of the solver: the card's, with `solver_settings` over them."""
        return {**read_card(self.solver).settings, **self.solver_settings}


def read_recipe(
    name: str | Path | Recipe,
    overrides: Mapping[str, Any] | Iterable[str] | None = None,
    seed: int | None = None,
) -> Recipe:
    """Read and check a recipe: a name in `datasets/`, a path to a TOML file, or a Recipe to be changed.

    `overrides` are {"a.b": value} or ["a.b=value"]. Raises one BadInput that lists all faults with key and line.
    """
    changes = override_pairs(overrides)
    if seed is not None:
        changes["seed"] = seed
    if isinstance(name, Recipe):
        if not changes:
            return name
        return recipe_from(name.toml(), where=name._where, overrides=changes)
    path = find_recipe(str(name))
    return recipe_from(read_toml(path), where=f"recipe {path}", overrides=changes)


def recipe_from(text: str, *, where: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe from its TOML text. Raises BadInput."""
    recipe = check(Recipe, parse(text, where=where, overrides=overrides), where=where, text=text)
    recipe._where = where
    faults = [fault for split in recipe.split_names() for fault in _faults(recipe, split)]
    faults = list(dict.fromkeys(faults))
    if faults:
        raise BadInput("\n".join([f"{where} has {len(faults)} fault(s):", *(f"  {f}" for f in faults)]))
    return recipe


def _faults(recipe: Recipe, split: str) -> list[str]:
    """What does not fit together: problem, grid, parameters, laws, units, solver."""
    problem_class = PROBLEMS[recipe.problem]
    try:
        own = recipe.for_split(split)
    except BadInput as error:
        return [flat(error)]
    faults: list[str] = []

    def attempt(key: str, call: Any) -> Any:
        try:
            return call()
        except BadInput as error:
            faults.append(f"{key}: {flat(error)}")
            return None

    problem = attempt("parameters", lambda: recipe.problem_for(split))
    grid = recipe.grid_for(split)
    if problem is not None:
        attempt("grid", lambda: problem.check_grid(grid))
    known = [f for f in getattr(problem_class, "__dataclass_fields__", {})]
    for name, law in own.laws_for(split)[1].items():
        if name not in known:
            attempt("parameters", lambda name=name: _refuse(f"parameter of problem {recipe.problem!r}", name, known))
        attempt(f"parameters.{name}", lambda name=name, law=law: check_law(law, f"parameters.{name}"))
    inputs = [spec.name for spec in problem_class.inputs]
    for name in own.fields:
        if name not in inputs:
            attempt("fields", lambda name=name: _refuse(f"input field of problem {recipe.problem!r}", name, inputs))
    faults += [
        f"fields.{name}: the problem {recipe.problem!r} needs a law for this input"
        for name in inputs
        if name not in own.fields
    ]
    names = ["length", *inputs, *(spec.name for spec in problem_class.outputs), *known]
    for name in recipe.units:
        if name not in names:
            attempt("units", lambda name=name: _refuse("quantity", name, names))
    faults += _solver_faults(recipe, problem_class)
    return faults


def _solver_faults(recipe: Recipe, problem_class: type[Problem]) -> list[str]:
    card = read_card(recipe.solver)
    faults = []
    missing = sorted(set(card.solves) - problem_class.traits)
    if missing:
        faults.append(
            f"solver: {recipe.solver!r} asks for a problem that is {', '.join(missing)}; {recipe.problem!r} is not"
        )
    known = settings_of(solver_class(card))
    for key in recipe.solver_settings:
        if key not in known:
            faults.append("solver_settings: " + flat(unknown_name(f"setting of solver {recipe.solver!r}", key, known)))
    rtol = recipe.settings().get("rtol")
    if recipe.reference_error.method == "tighten" and recipe.reference_error.samples and rtol is None:
        faults.append(f"reference_error.method: 'tighten' needs a solver with rtol; {recipe.solver!r} has none")
    if rtol is not None and not (isinstance(rtol, float | int) and math.isfinite(rtol) and 0 < rtol < 1):
        faults.append(f"solver_settings.rtol: found {rtol!r}; allowed: a number between 0 and 1")
    return faults


def _refuse(kind: str, name: str, known: Iterable[str]) -> None:
    raise unknown_name(kind, name, known)
