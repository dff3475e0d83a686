"""The registry of cells: builds a spec from a name, or from a name and options."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from seqtag.cells.parts import check_parts
from seqtag.cells.spec import Cell, missing_parts, no_option
from seqtag.checks import from_plain
from seqtag.errors import InputError, listed, shown
from seqtag.registry import Registry


class CellRegistry(Registry[Cell]):
    """Cell classes by name. A class that is not a dataclass becomes a frozen one."""

    def register(self, name: str, /, **options: Any) -> Callable[[Any], Any]:
        """Return a decorator that registers a class as `name`, with some of its fields set.

            @register("mine")
            @register("mine_slow", rate=0.1)
            class Mine(Cell):
                rate: float = 1.0

        Raises:
            InputError: if another class has that name, or the class is not a valid cell.
        """
        store = super().register(name, **options)
        return lambda cls: store(_as_dataclass(cls, name, options))


CELLS = CellRegistry("cell", __package__, __package__)
register = CELLS.register


def _as_dataclass(cls: Any, name: str, options: Mapping[str, Any]) -> type[Cell]:
    """Return the class as a frozen dataclass, after checking that it is a valid cell."""
    if not (isinstance(cls, type) and issubclass(cls, Cell)):
        raise InputError(f"cell {name!r}: {shown(cls)} is not a subclass of seqtag.cells.Cell")
    if "__dataclass_fields__" not in vars(cls):
        # Only annotations of the class itself count; a class without any inherits its fields.
        try:
            cls = dataclasses.dataclass(frozen=True)(cls)
        except (TypeError, ValueError) as error:
            raise InputError(f"cell {name!r}: {error}") from error
    for field in dataclasses.fields(cls):
        if field.name in vars(Cell):
            raise InputError(
                f"cell {name!r}: {field.name} is not an option of a cell: write it without an "
                f"annotation in the class, {field.name} = ..."
            )
        if (field.default, field.default_factory) == (dataclasses.MISSING, dataclasses.MISSING):
            raise InputError(
                f"cell {name!r}: its field {field.name} needs a default, {field.name}: TYPE = VALUE"
            )
    for option in options.keys() - cls.__dataclass_fields__.keys():
        raise InputError(f"cell {name!r}: {no_option(cls, option)}")
    if cls.__abstractmethods__:
        raise InputError(f"cell {name!r}: {cls.__name__}: {missing_parts(cls)}")
    cell: type[Cell] = cls
    return cell


# A name; a mapping with the key "name" and the cell's fields; or a spec.
CellDescription = str | Mapping[str, Any] | Cell


def build_cell(cell: CellDescription) -> Cell:
    """Return the spec for a name, or for a mapping with the key "name" and the cell's fields.

        build_cell("lstm")
        build_cell({"name": "lstm", "forget_bias": 0.0})

    A spec is returned as it is.

    Raises:
        InputError: for an unknown name or field (suggesting the nearest one), a missing name,
            or a value that the spec rejects.
    """
    if isinstance(cell, Cell):
        return _checked(cell)
    if isinstance(cell, str):
        cell = {"name": cell}
    if not isinstance(cell, Mapping):
        raise InputError(f"a cell is a name or a mapping with a name, not {shown(cell)}")
    fields = dict(cell)
    name = fields.pop("name", None)
    if name is None:
        raise InputError(f"cell: key 'name' is missing; known: {listed(CELLS.names(), 40)}")
    entry = CELLS[name]
    for field in fields.keys() & vars(entry.cls).keys() - entry.cls.__dataclass_fields__.keys():
        raise InputError(f"cell {name!r}: {no_option(entry.cls, field)}")
    plain = {**describe(entry.make()), **fields}
    return _checked(from_plain(entry.cls, plain, f"cell {name!r}"))


def _checked(cell: Cell) -> Cell:
    """Return the spec, or raise InputError if it is invalid or not hashable (a key of caches)."""
    check_parts(cell)
    try:
        hash(cell)
    except TypeError as error:
        raise InputError(
            f"cell {cell} must not change ({error}): write @dataclass(frozen=True) above its "
            "class, and tuples in place of lists"
        ) from error
    return cell


def describe(cell: Cell) -> dict[str, Any]:
    """Return the fields of a spec as plain JSON values, without its name."""
    fields = dataclasses.asdict(cell)
    return {key: list(v) if isinstance(v, tuple) else v for key, v in fields.items()}
