"""What a person may tell an importer that the foreign file does not say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from pdekit.settings import Settings, check, parse


class ImportOptions(Settings):
    """Keys of `--set` of `pdekit import`; what is left out keeps the layout's own convention, and is noted as unknown.

    location, boundary, length, length_unit   of the grid, as in a recipe's [grid]
    roles, units                              {variable: role}, {variable: unit}
    axis_order                                "yx" exchanges the first two space axes (PDEBench, one group a seed)
    dtype                                     what fields are stored in, float32 by default
    nonfinite                                 samples with NaN or infinity: "stop" names them, "drop" leaves them out
    """

    title: str | None = None
    location: Literal["cell", "vertex"] | None = None
    boundary: str | dict[str, str] | None = None
    length: float | list[float] | None = None
    length_unit: str = "1"
    roles: dict[str, str] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    axis_order: Literal["xy", "yx"] = "xy"
    dtype: Literal["float32", "float64"] | None = None
    nonfinite: Literal["stop", "drop"] = "stop"


def read_options(overrides: Mapping[str, Any] | Iterable[str] | None) -> ImportOptions:
    """Options from {"roles.u": "output"} or ["roles.u=output"]. Raises BadInput."""
    tree = parse("", where="the import options", overrides=overrides)
    return check(ImportOptions, tree, where="the import options")
