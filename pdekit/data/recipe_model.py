"""A recipe: what data to make. The TOML file of formats/recipes-cards-plans.md as frozen models."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, field_validator

from pdekit.data.format import NUMBERED
from pdekit.data.recipe_tables import GridTable, Law, ReferenceError, Split, Storage, Time, one_line
from pdekit.errors import unknown_name
from pdekit.problems import PROBLEMS
from pdekit.problems.problem import Problem
from pdekit.registry import read_card
from pdekit.settings import Settings, check, parse, to_toml
from pdekit.space.grid import Grid
from pdekit.space.law_checks import check_law


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
    time: Time | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    fields: dict[str, Law] = Field(default_factory=dict)
    reference_error: ReferenceError = ReferenceError()
    splits: dict[str, Split]
    storage: Storage = Storage()
    _where: str = PrivateAttr(default="the recipe")
    _splits: dict[str, Recipe] = PrivateAttr(default_factory=dict)  # filled by `for_split`

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
        if card.learned or card.hybrid:
            raise ValueError(
                f"{value!r} is a {'learned' if card.learned else 'hybrid'} solver; data are made by classical ones"
            )
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
        if split in self._splits:
            return self._splits[split]
        where = f"{self._where}, split {split!r}"
        tree = parse(self.toml(), where=where, overrides=changes)
        recipe = check(Recipe, tree, where=where)
        recipe._where = where
        self._splits[split] = recipe
        return recipe

    def grid_for(self, split: str) -> Grid:
        """The grid that a split is solved on."""
        return self.for_split(split).grid.grid(self.units.get("length", "1"))

    def stored_grid_for(self, split: str) -> Grid:
        """The grid that a split is stored on: the same, or with the points of `storage.points`."""
        own = self.for_split(split)
        if own.storage.points is None:
            return self.grid_for(split)
        return own.grid.model_copy(update={"points": own.storage.points}).grid(self.units.get("length", "1"))

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
        """Hash of what a sample depends on besides split and index: all but the title, failure rule and sizes.

        The card of the solver is read for it: its code, and the settings that the recipe leaves to it.
        """
        tree = self.model_dump(exclude={"title", "on_failure"})
        tree["card"] = {"code": read_card(self.solver).code, "settings": self.settings()}
        order = [name for name in self.splits if name not in NUMBERED]
        tree["splits"] = {"order": order, **{k: {"set": v.set} for k, v in self.splits.items()}}
        return hashlib.sha256(to_toml(tree).encode()).hexdigest()

    def settings(self) -> dict[str, Any]:
        """Settings of the solver: the card's, with `solver_settings` over them."""
        return {**read_card(self.solver).settings, **self.solver_settings}
