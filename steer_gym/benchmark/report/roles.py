"""Which part each condition plays: baseline, steered, or the control of another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steer_gym.evaluation.rows import Row

from .expectation import EXPECTED

LIKE, TOLD = "random like ", "told "
KINDS = ("baseline", "steered", "random", "zero", "sham", "prompt")
DEPTHS = (None, "early", "late", "full")


@dataclass(frozen=True, kw_only=True)
class Role:
    """One condition, and what is known of it."""

    name: str
    kind: str
    """``baseline``, ``steered``, ``random``, ``zero``, ``sham`` or ``prompt``."""
    concept: str | None
    """What its neurons or words are said to mean; of a control: what the controlled ones do."""
    control_of: str | None
    """The steered condition that it controls, by name."""
    size: int | None
    """Neurons."""
    depth: str | None
    alpha: float | None

    @property
    def label(self) -> str:
        """Return concept, or else name: what has one colour."""
        return self.concept or self.name


def roles(rows: Sequence[Row]) -> dict[str, Role]:
    """Return the role of every condition: the baseline first, then by kind, concept and dose.

    Rows of ``steer-gym eval`` and of older runs say less than those of a benchmark; there the usual
    names of conditions speak, and the first condition that is not steered is the baseline.
    """
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row["condition"], row)
    baseline = _baseline(first)
    found = [_role(row, first, baseline) for row in first.values()]
    return {role.name: role for role in sorted(found, key=_order)}


def _order(role: Role) -> tuple[float, ...]:
    named = [*EXPECTED].index(role.concept) if role.concept in EXPECTED else len(EXPECTED)
    depth = DEPTHS.index(role.depth) if role.depth in DEPTHS else len(DEPTHS)
    return KINDS.index(role.kind), named, depth, role.size or 0, role.alpha or 0.0


def _baseline(first: Mapping[str, Row]) -> str:
    said = [name for name, row in first.items() if row.get("kind") == "baseline"]
    plain = [name for name, row in first.items() if not _steering(row)]
    return next(iter([*said, *plain, *first]), "")


def _role(row: Row, first: Mapping[str, Row], baseline: str) -> Role:
    name = row["condition"]
    kind = "baseline" if name == baseline else row.get("kind") or _kind(row)
    of = row.get("control_of") or (name.removeprefix(LIKE) if kind == "random" else None)
    named = name.removeprefix(LIKE if kind == "random" else TOLD)
    concept = row.get("concept") or first.get(of or "", {}).get("concept")
    if concept is None and kind in ("steered", "random", "prompt"):
        concept = next((word for word in named.split() if word in EXPECTED), None)
    if concept is None and kind == "steered":
        concept = name
    return Role(
        name=name,
        kind=kind,
        concept=concept,
        control_of=of,
        size=row.get("size"),
        depth=row.get("depth"),
        alpha=row["alpha"] if row.get("alpha") is not None else _alpha(row),
    )


def _kind(row: Row) -> str:
    if row["condition"].startswith(LIKE):
        return "random"
    return "steered" if _steering(row) else "prompt"


def _steering(row: Row) -> Mapping[str, object] | None:
    config: Mapping[str, Mapping[str, object] | None] = row.get("config") or {}
    return config.get("steering")


def _alpha(row: Row) -> float | None:
    edits = (_steering(row) or {}).get("edits")
    alpha = edits[0].get("alpha") if isinstance(edits, list) and edits else None
    return float(alpha) if isinstance(alpha, int | float) else None
