"""Expressions as a list of calls that write into given buffers.

The list is what a loop over time repeats without allocating anything. One function of values that
lie side by side becomes one call.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from seqtag.recurrent.compiler.evaluate import FusedOperations
from seqtag.recurrent.compiler.graph import Node


class Place(NamedTuple):
    """Where a value lies: a block of units in a buffer."""

    buffer: Any
    block: int = 0


@dataclass(frozen=True)
class Call:
    """One call: `blocks` values side by side, each argument and the result from its place on."""

    op: str
    args: tuple[Place, ...]
    out: Place
    blocks: int = 1

    def written(self) -> set[Place]:
        """Return the places that change."""
        return {Place(self.out.buffer, self.out.block + k) for k in range(self.blocks)}

    def touched(self) -> set[Place]:
        """Return the places read or written."""
        places = (self.out, *self.args)
        return {Place(p.buffer, p.block + k) for p in places for k in range(self.blocks)}


@dataclass(frozen=True)
class Program:
    """Calls in order.

    Attributes:
        calls: the calls.
        places: where the values lie that were to stay.
        scratch: how many buffers ("scratch", number) are used.
        extra: how many buffers ("extra", number) hold values that stay.
    """

    calls: tuple[Call, ...]
    places: Mapping[Node, Place]
    scratch: int
    extra: int


def compile_program(
    results: Mapping[Place, Node],
    given: Mapping[Node, Place],
    stay: Iterable[Node] = (),
    overwrite: Iterable[Node] = (),
) -> Program:
    """Write expressions as calls.

    Args:
        results: expression by the place that it goes to. A place that is also given is written
            after it has been read.
        given: where each input lies, and whatever else is at hand.
        stay: further values to compute, that shall be there after the last call.
        overwrite: the inputs whose place may be written to once they are used up.
    """
    stay = list(stay)
    operations = FusedOperations({**results, **{("stay", n): n for n in stay}}, given)
    builder = _Builder(operations, dict(results), dict(given), set(stay), set(overwrite))
    return builder.build()


@dataclass
class _Builder:
    """Gives every value a place, and joins calls."""

    operations: FusedOperations
    results: dict[Place, Node]
    given: dict[Node, Place]
    stay: set[Node]
    overwrite: set[Node]
    free: list[Place] = field(default_factory=list)
    scratch: int = 0
    extra: int = 0

    def build(self) -> Program:
        fused = self.operations.fused
        self.left = Counter(arg for _, args in fused.values() for arg in args)
        self.left.update(self.stay)  # these are never used up
        self.fixed: dict[Node, Place] = {}
        for place, node in self.results.items():
            if node in fused and node not in self.fixed:
                self.fixed[node] = place
            else:
                self.left[node] += 1  # by the copy at the end
        self._make_room_ahead()
        self.places = dict(self.given)
        # Values in a place that may be written to once they are used up.
        self.loose = {n for n in self.overwrite if n not in self.stay}
        made = [self._place(node, op, args) for node, (op, args) in fused.items()]
        made += [
            Call("copy", (self._place_of(node),), place)
            for place, node in self.results.items()
            if self.fixed.get(node) != place
        ]
        places = {node: self.places[node] for node in self.stay}
        return Program(tuple(_join(made)), places, self.scratch, self.extra)

    def _make_room_ahead(self) -> None:
        """Have what leads to a result, and nowhere else, computed in the result's place."""
        taken = set(self.given.values())
        for node, (_, args) in reversed(self.operations.fused.items()):
            place = self.fixed.get(node)
            if place is None or place in taken:
                continue
            for arg in args:
                if arg in self.operations.fused and arg not in self.fixed and self.left[arg] == 1:
                    self.fixed[arg] = place
                    break

    def _place_of(self, node: Node) -> Place:
        return Place(("constant", node.label)) if node.op == "constant" else self.places[node]

    def _place(self, node: Node, op: str, args: tuple[Node, ...]) -> Call:
        sources = tuple(self._place_of(arg) for arg in args)
        for arg in args:
            self.left[arg] -= 1
        used_up = [arg for arg in dict.fromkeys(args) if not self.left[arg]]
        for arg in used_up:
            if self.places.get(arg, Place(())).buffer[:1] == ("scratch",):
                self.free.append(self.places[arg])
        self.places[node] = self._choose(node, used_up)
        return Call(op, sources, self.places[node])

    def _choose(self, node: Node, used_up: list[Node]) -> Place:
        if node in self.fixed:
            return self.fixed[node]
        for arg in used_up:
            if arg in self.loose:
                self.loose.add(node)
                return self.places[arg]
        if node in self.stay:
            self.extra += 1
            return Place(("extra", self.extra - 1))
        if self.free:
            return self.free.pop()
        self.scratch += 1
        return Place(("scratch", self.scratch - 1))


def _join(calls: list[Call]) -> Iterator[Call]:
    """Join calls of one function on neighbouring places, moved up or down to each other."""
    joined: list[Call] = []
    for call in calls:
        for at in reversed(range(len(joined))):
            both = _side_by_side(joined[at], call)
            between = joined[at + 1 :]
            if both is None:
                continue
            if not any(_depend(joined[at], x) for x in (*between, call)):
                del joined[at]
                joined.append(both)
                break
            if not any(_depend(call, x) for x in (joined[at], *between)):
                joined[at] = both
                break
        else:
            joined.append(call)
    return iter(joined)


def _side_by_side(a: Call, b: Call) -> Call | None:
    if a.op != b.op:
        return None
    for first, second in ((a, b), (b, a)):
        ends = [Place(p.buffer, p.block + first.blocks) for p in (first.out, *first.args)]
        if ends == [second.out, *second.args]:
            return replace(first, blocks=first.blocks + second.blocks)
    return None


def _depend(a: Call, b: Call) -> bool:
    """Whether the order of two calls matters."""
    return bool(a.written() & b.touched() or b.written() & a.touched())
