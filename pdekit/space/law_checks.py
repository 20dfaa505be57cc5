"""What a recipe says of a law, tested before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pdekit.errors import BadInput, unknown_name
from pdekit.space.gaussian import check_gauss
from pdekit.space.law import REQUIRED, finite, whole
from pdekit.space.random_fields import LAWS


def check_law(law: Mapping[str, Any], where: str) -> None:
    """Raise BadInput where a law has an unknown name or key, lacks one, or holds a value out of range."""
    name = law.get("law")
    if name not in LAWS:
        raise unknown_name("law", str(name), LAWS, where=where)
    spec = LAWS[name]
    for key in law:
        if key not in ("law", "stream") and key not in spec.keys:
            raise unknown_name(f"key of law {name!r}", key, spec.keys, where=where)
    missing = [k for k, v in spec.keys.items() if v is REQUIRED and k not in law]
    if missing:
        raise BadInput.of(f"law {name!r} lacks {', '.join(map(repr, missing))}.", where=where)
    for key, value in law.items():
        if key == "gauss":
            check_gauss(value, f"{where}.gauss")
        elif key == "of":
            if not isinstance(value, Mapping):
                raise BadInput.of(
                    f"of in law {name!r} is a law.", where=where, found=repr(value), allowed="{ law = ... }"
                )
            check_law(value, f"{where}.of")
        elif key in spec.words:
            if value not in spec.words[key]:
                raise unknown_name(f"{key} of law {name!r}", str(value), spec.words[key], where=where)
        elif key != "law":
            test, allowed = whole(0) if key == "stream" else spec.checks.get(key, (finite, "a finite number"))
            if not finite(value) or not test(value):
                raise BadInput.of(
                    f"{key} of law {name!r} is out of range.", where=where, found=repr(value), allowed=allowed
                )
    if {"least", "fast"} <= set(law) and not law["least"] <= law["fast"]:
        raise BadInput.of(
            f"law {name!r} needs least <= fast.", where=where, found=f"least = {law['least']}, fast = {law['fast']}"
        )
    if {"narrow", "wide"} <= set(law) and not law["narrow"] <= law["wide"]:
        raise BadInput.of(
            f"law {name!r} needs narrow <= wide.",
            where=where,
            found=f"narrow = {law['narrow']}, wide = {law['wide']}",
        )
    if {"low", "high"} <= set(law) and name != "two-phase" and not law["low"] < law["high"]:
        raise BadInput.of(
            f"law {name!r} needs low < high.", where=where, found=f"low = {law['low']}, high = {law['high']}"
        )
