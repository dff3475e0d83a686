"""The check of a cell's definition: its options, gates, states, products and vectors."""

import dataclasses
from contextlib import suppress
from typing import Annotated, Literal

from seqtag.cells.spec import Cell, Product, Vector, as_names
from seqtag.checks import AtLeast, check_fields, checked
from seqtag.errors import InputError, shown


def check_parts(cell: Cell) -> None:
    """Check that a cell's options and attributes have the right types and are consistent.

    Raises:
        InputError: naming the cell and the attribute.
    """
    where = f"cell {cell}"
    if dataclasses.is_dataclass(cell):
        with suppress(NameError, TypeError):  # annotations that only a type checker understands
            check_fields(cell, where)
    for attribute in ("gates", "states", "inner_gates"):
        as_names(getattr(cell, attribute), f"{where}: {attribute}")
    if not cell.states:
        raise InputError(f"{where}: states is empty: a cell has at least one, its output")
    for attribute, kind, example in (
        ("vectors", Vector, 'Vector("p")'),
        ("products", Product, f'Product("{cell.states[0]}", ("k",))'),
    ):
        parts = getattr(cell, attribute)
        wrong = (
            [p for p in parts if not isinstance(p, kind)]
            if isinstance(parts, tuple | list)
            else [parts]
        )
        if wrong:
            raise InputError(
                f"{where}: {attribute} must be a tuple, each element a {kind.__name__}, not "
                f"{shown(wrong[0])}; write ({example},)"
            )
    for product in cell.products:
        as_names(product.gates, f"{where}: the gates of a product")
        checked(product.start, Literal["orthogonal", "zero"], f"{where}: the start of a product")
        checked(product.heads, Annotated[int, AtLeast(1)], f"{where}: the heads of a product")
    for state in cell.initial_states:
        if state not in cell.states:
            raise InputError(
                f"{where}: initial_states sets {state!r}, which is not among its states "
                f"({', '.join(cell.states)})"
            )
