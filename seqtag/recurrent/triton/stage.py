"""Builds the constants of each stage of a pass, and what its generated functions compute."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from seqtag.recurrent.compiler.graph import Node, walk
from seqtag.recurrent.compiler.stages import RUNNING, Stages
from seqtag.recurrent.triton.fields import (
    SEQUENCE,
    Dot,
    Field,
    Reduction,
    Save,
    Stage,
    Write,
)


class Source(NamedTuple):
    """How to obtain a value: a sum of products (operand and number of the block) and of fields."""

    products: tuple[tuple[Field, int], ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Steps:
    """A pass of a plan.

    stages: its stages.
    known: how to obtain what is available in every stage.
    sums: how to obtain what is available in the stage of its level only.
    written: fields from which later stages read results.
    results: what to compute, and where to write it.
    unused: fields of results that are not written.
    between: number of the buffer of values for later stages.
    saved: columns in which to save scalars.
    given: columns of saved scalars to read.
    """

    stages: Stages
    known: Mapping[Node, Source]
    sums: Mapping[Node, Source]
    written: Mapping[Node, Field]
    results: Sequence[tuple[Node, Field]]
    unused: Collection[Field]
    between: int
    saved: Mapping[Node, int] = field(default_factory=dict)
    given: Mapping[Node, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Body:
    """What the two generated functions of a stage return, and the text of what they get."""

    scalars: tuple[Node, ...]
    scalar_names: Mapping[Node, str]
    values: tuple[Node, ...]
    value_names: Mapping[Node, str]


def build_stages(steps: Steps) -> tuple[tuple[Stage, ...], tuple[Body, ...]]:
    """Return the constants and functions of all stages."""
    built = [_stage(steps, number) for number in range(steps.stages.count)]
    stages, bodies = zip(*built, strict=True)
    return stages, bodies


def count_between(stages: Stages) -> int:
    """Return the number of values that are stored for a later stage of the same step."""
    return len(_columns(stages))


def _columns(stages: Stages) -> dict[tuple[str, Node], int]:
    """Return the columns of values for later stages: temporaries, and what is reduced."""
    combined = [*stages.reductions, *(n for n in stages.temporaries if n.op in RUNNING)]
    parts = [("value", node) for node in stages.temporaries]
    parts += [("reduced", node.args[0]) for node in combined]
    return {part: column for column, part in enumerate(dict.fromkeys(parts))}


def _stage(steps: Steps, number: int) -> tuple[Stage, Body]:
    stages, level = steps.stages, steps.stages.level
    columns = _columns(stages)

    def between(kind: str, node: Node) -> Field:
        return Field(steps.between, columns[kind, node], SEQUENCE)

    def completed(nodes: Sequence[Node]) -> list[Node]:
        return [node for node in nodes if level[node] == number]

    reductions = completed(stages.reductions)
    running = completed([node for node in stages.temporaries if node.op in RUNNING])
    own = completed(stages.scalars)
    earlier = sorted((n for n in stages.scalars if level[n] < number), key=level.__getitem__)
    scalars = [*steps.given, *earlier]
    scalar_names = {node: f"scalars[{i}]" for i, node in enumerate(scalars)}
    reduced = {node: f"reduced[{i}]" for i, node in enumerate(reductions)}

    results = [(node, to) for node, to in steps.results if level.get(node, 0) == number]
    for node in (*stages.reductions, *stages.temporaries):
        if level[node] == number + 1 and (node in stages.reductions or node.op in RUNNING):
            results.append((node.args[0], between("reduced", node.args[0])))
    for node in completed(stages.temporaries):
        if node.op not in RUNNING:
            results.append((node, between("value", node)))
    results = list(dict.fromkeys(results))  # several reductions may have one argument

    sources = {n: Source((), (to,)) for n, to in steps.written.items() if level[n] < number}
    for node in stages.temporaries:
        if level[node] < number + (node.op in RUNNING):
            sources[node] = Source((), (between("value", node),))
    sources |= steps.known
    sources |= {n: source for n, source in steps.sums.items() if level.get(n, 0) == number}
    value_names = {**scalar_names, **_names(own, start=len(scalars))}
    used = walk([node for node, _ in results], stop={*sources, *value_names}.__contains__)
    gathered = _Gathered({n: sources[n] for n in used if n in sources and n not in value_names})
    values = tuple(dict.fromkeys(node for node, _ in results))
    stage = Stage(
        reductions=tuple(Reduction(n.op, between("reduced", n.args[0])) for n in reductions),
        running=tuple(
            Reduction(n.op, between("reduced", n.args[0]), between("value", n)) for n in running
        ),
        saved=tuple(Save(i, steps.saved[n]) for i, n in enumerate(own) if n in steps.saved),
        operands=tuple(gathered.operands),
        dots=tuple(gathered.dots),
        sums=gathered.sums,
        reads=tuple(gathered.reads),
        writes=tuple(
            Write(values.index(node), to) for node, to in results if to not in steps.unused
        ),
    )
    return stage, Body(
        tuple(own), {**scalar_names, **reduced}, values, {**value_names, **gathered.names}
    )


def _names(scalars: Sequence[Node], start: int) -> dict[Node, str]:
    return {node: f"scalars[{start + i}]" for i, node in enumerate(scalars)}


class _Gathered:
    """The sources of a stage's values, numbered.

    Attributes:
        operands, dots, sums, reads: the constants of the stage.
        names: the text of each value in the generated function.
    """

    def __init__(self, sources: Mapping[Node, Source]):
        self.operands: dict[Field, int] = {}
        self.reads: dict[Field, int] = {}
        self.dots: list[Dot] = []
        self.sums = 0
        self.names = {node: self._text(source) for node, source in sources.items()}

    def _text(self, source: Source) -> str:
        terms = []
        if source.products:
            for operand, block in source.products:
                number = self.operands.setdefault(operand, len(self.operands))
                self.dots.append(Dot(number, block, self.sums))
            terms.append(f"sums[{self.sums}]")
            self.sums += 1
        for part in source.fields:
            terms.append(f"reads[{self.reads.setdefault(part, len(self.reads))}]")
        return " + ".join(terms)
