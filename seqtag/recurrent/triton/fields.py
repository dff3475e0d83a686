"""How the Triton kernel addresses memory: constants that its skeleton unrolls.

Buffers are contiguous tensors (rows, width, H) of H units. A field is one of the `width` values of
a row. Rows of the batch B in direction d of N are numbered

    (t * B + b) * N + d    in buffers with a row per step
    b * N + d              in buffers with a row per sequence

A buffer of states has one more step at its end, T, which holds the initial state. States that the
backward pass does not read have a buffer of two steps, written alternately; the second one holds
the initial state.
"""

from dataclasses import dataclass

# The row of a field at a step, in the order in which the direction reads the sequence.
NOW = 0  # this step
BEFORE = 1  # the previous step, at the first step the initial state
AFTER = 2  # the next step; 0 at the last one
SEQUENCE = 3  # one row per sequence
END = 4  # one row per sequence, used at its last step only: read as 0 at the others
UNIT = 5  # one row per direction
NOW_OF_TWO = 6  # this step in a buffer of two
BEFORE_OF_TWO = 7  # the previous step in a buffer of two
TOTAL = 8  # one row per tile of sequences; values are summed over the tile and added to it


@dataclass(frozen=True)
class Field:
    """One value per unit in a buffer.

    buffer: number of the buffer.
    column: number of the value in a row.
    place: which row, one of the constants of this file.
    """

    buffer: int
    column: int
    place: int


@dataclass(frozen=True)
class Dot:
    """A block (H, H) of a recurrent matrix times an operand, added to a sum.

    operand, sum: their numbers in the stage.
    block: number of the block among those of all recurrent matrices.
    """

    operand: int
    block: int
    sum: int


@dataclass(frozen=True)
class Write:
    """A field to write, and the number of the value among the results of `values`."""

    value: int
    field: Field


@dataclass(frozen=True)
class Save:
    """A column of saved scalars, and the number of the scalar among those of the stage."""

    value: int
    column: int


@dataclass(frozen=True)
class Reduction:
    """The sum, mean or largest value of a field over units, by the name of the operation.

    For running sums, `to` is the field where they are stored.
    """

    op: str
    field: Field
    to: Field | None = None


@dataclass(frozen=True)
class Stage:
    """The constants of one stage.

    reductions, running: what combines units of values of earlier stages; computed first.
    saved: scalars to save for the backward pass.
    operands, dots: the products, added up in `sums` sums.
    reads: fields that the generated function gets, in order.
    writes: where its results go.
    """

    reductions: tuple[Reduction, ...]
    running: tuple[Reduction, ...]
    saved: tuple[Save, ...]
    operands: tuple[Field, ...]
    dots: tuple[Dot, ...]
    sums: int
    reads: tuple[Field, ...]
    writes: tuple[Write, ...]


@dataclass(frozen=True, eq=False)
class Program:
    """The constants of one pass; compared by identity, since a kernel has one for each pass.

    stages: the stages of a step.
    widths: width of each buffer.
    blocks: number of blocks (H, H) of all recurrent matrices.
    saved: number of columns of saved scalars.
    given: columns of saved scalars that the pass reads, before its own scalars.
    backward: whether the steps run from the last one to the first.
    """

    stages: tuple[Stage, ...]
    widths: tuple[int, ...]
    blocks: int
    saved: int
    given: tuple[int, ...]
    backward: bool


@dataclass(frozen=True)
class Shape:
    """How the work of a pass is divided.

    directions, hidden: N and H.
    rows: sequences in a tile.
    units: units in a tile.
    inner: units of an operand in a tile, over which products sum.
    share: tiles of units of one program.
    wait: "program", "group" or "launch": see `skeleton.py`.
    precision: of products: "tf32", "ieee", or "exact" for operands that are converted to float32.
    loads: tiles of matrices on their way at a time.
    warps: of a program, each 32 threads.
    """

    directions: int
    hidden: int
    rows: int
    units: int
    inner: int
    share: int
    wait: str
    precision: str
    loads: int = 3
    warps: int = 4

    @property
    def tiles(self) -> int:
        """Tiles of units."""
        return -(-self.hidden // self.units)

    @property
    def inner_tiles(self) -> int:
        """Tiles of an operand."""
        return -(-self.hidden // self.inner)

    @property
    def group(self) -> int:
        """Programs that share the units of a tile of sequences."""
        return -(-self.tiles // self.share)
