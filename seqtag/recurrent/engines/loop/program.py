"""Expressions as a list of calls that write into preallocated buffers.

A loop over time repeats the list without allocating memory. The same function of adjacent values
becomes one call.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from seqtag.recurrent.compiler.evaluate import FusedOperations
from seqtag.recurrent.compiler.graph import Node


class Place(NamedTuple):
    """The place of a value: a block of units in a buffer."""

    buffer: Any
    block: int = 0


@dataclass(frozen=True)
class Call:
    """One call on `blocks` adjacent values; arguments and result start at their places."""

    op: str
    args: tuple[Place, ...]
    out: Place
    blocks: int = 1

    def written(self) -> set[Place]:
        """Return the places that the call writes."""
        return {Place(self.out.buffer, self.out.block + k) for k in range(self.blocks)}

    def touched(self) -> set[Place]:
        """Return the places that the call reads or writes."""
        places = (self.out, *self.args)
        return {Place(p.buffer, p.block + k) for p in places for k in range(self.blocks)}


@dataclass(frozen=True)
class Program:
    """A sequence of calls.

    Attributes:
        calls: the calls, in order.
        places: the places of the values to keep.
        scratch: number of buffers ("scratch", number).
        extra: number of buffers ("extra", number), which hold values to keep.
    """

    calls: tuple[Call, ...]
    places: Mapping[Node, Place]
    scratch: int
    extra: int


def compile_program(
    results: Mapping[Place, Node],
    known: Mapping[Node, Place],
    keep: Iterable[Node] = (),
    overwrite: Iterable[Node] = (),
) -> Program:
    """Return a program that computes expressions.

    Args:
        results: expressions by the place to write them to. If a place is also in `known`, it is
            written after its last use.
        known: the places of all inputs and of other values that are available.
        keep: more values to compute and keep until after the last call.
        overwrite: inputs whose place may be overwritten after their last use.
    """
    keep = list(keep)
    operations = FusedOperations({**results, **{("keep", n): n for n in keep}}, known)
    builder = _Builder(operations, dict(results), dict(known), set(keep), set(overwrite))
    return builder.build()


@dataclass
class _Builder:
    """Assigns a place to every value, and merges calls."""

    operations: FusedOperations
    results: dict[Place, Node]
    known: dict[Node, Place]
    keep: set[Node]
    overwrite: set[Node]
    free: list[Place] = field(default_factory=list)
    scratch: int = 0
    extra: int = 0

    def build(self) -> Program:
        fused = self.operations.fused
        self.uses_left = Counter(arg for _, args in fused.values() for arg in args)
        self.uses_left.update(self.keep)  # these are kept: their uses never run out
        self.fixed: dict[Node, Place] = {}
        for place, node in self.results.items():
            if node in fused and node not in self.fixed:
                self.fixed[node] = place
            else:
                self.uses_left[node] += 1  # the copy at the end reads it
        self._compute_in_place()
        self.places = dict(self.known)
        # Values whose place may be overwritten after their last use.
        self.overwritable = {n for n in self.overwrite if n not in self.keep}
        calls = [self._call(node, op, args) for node, (op, args) in fused.items()]
        calls += [
            Call("copy", (self._place_of(node),), place)
            for place, node in self.results.items()
            if self.fixed.get(node) != place
        ]
        places = {node: self.places[node] for node in self.keep}
        return Program(tuple(_merge_calls(calls)), places, self.scratch, self.extra)

    def _compute_in_place(self) -> None:
        """Assign the result's place to an argument that only this result uses."""
        taken = set(self.known.values())
        for node, (_, args) in reversed(self.operations.fused.items()):
            place = self.fixed.get(node)
            if place is None or place in taken:
                continue
            for arg in args:
                if (
                    arg in self.operations.fused
                    and arg not in self.fixed
                    and self.uses_left[arg] == 1
                ):
                    self.fixed[arg] = place
                    break

    def _place_of(self, node: Node) -> Place:
        return Place(("constant", node.label)) if node.op == "constant" else self.places[node]

    def _call(self, node: Node, op: str, args: tuple[Node, ...]) -> Call:
        sources = tuple(self._place_of(arg) for arg in args)
        for arg in args:
            self.uses_left[arg] -= 1
        used_up = [arg for arg in dict.fromkeys(args) if not self.uses_left[arg]]
        for arg in used_up:
            if self.places.get(arg, Place(())).buffer[:1] == ("scratch",):
                self.free.append(self.places[arg])
        self.places[node] = self._choose(node, used_up)
        return Call(op, sources, self.places[node])

    def _choose(self, node: Node, used_up: list[Node]) -> Place:
        if node in self.fixed:
            return self.fixed[node]
        for arg in used_up:
            if arg in self.overwritable:
                self.overwritable.add(node)
                return self.places[arg]
        if node in self.keep:
            self.extra += 1
            return Place(("extra", self.extra - 1))
        if self.free:
            return self.free.pop()
        self.scratch += 1
        return Place(("scratch", self.scratch - 1))


def _merge_calls(calls: list[Call]) -> Iterator[Call]:
    """Merge calls of the same function on adjacent places, moving them where order allows."""
    merged: list[Call] = []
    for call in calls:
        for at in reversed(range(len(merged))):
            both = _merged(merged[at], call)
            between = merged[at + 1 :]
            if both is None:
                continue
            if not any(_conflict(merged[at], x) for x in (*between, call)):
                del merged[at]
                merged.append(both)
                break
            if not any(_conflict(call, x) for x in (merged[at], *between)):
                merged[at] = both
                break
        else:
            merged.append(call)
    return iter(merged)


def _merged(a: Call, b: Call) -> Call | None:
    """Return one call for both if they apply the same function to adjacent places."""
    if a.op != b.op:
        return None
    for first, second in ((a, b), (b, a)):
        ends = [Place(p.buffer, p.block + first.blocks) for p in (first.out, *first.args)]
        if ends == [second.out, *second.args]:
            return replace(first, blocks=first.blocks + second.blocks)
    return None


def _conflict(a: Call, b: Call) -> bool:
    """Return whether the order of two calls matters."""
    return bool(a.written() & b.touched() or b.written() & a.touched())
