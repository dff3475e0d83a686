"""Cuts a program into stages: a stage is one pass over the units of a step.

An operation that combines units (`MIXING` of the graph) needs all units of its argument. A program
with such operations is run in stages; each computes some values of every unit, and ends before the
next one begins. A value that a later stage reads is stored or computed again:

- a value that is the same for every unit (a scalar) is stored once for each sequence and step;
- what the program stores anyway, such as a new state, is read from there;
- of the others, the fewest are stored that the later stage needs, except that no expensive function
  is computed again.

A program without such operations has one stage, and stores nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from seqtag.recurrent.compiler.cut import values_to_keep
from seqtag.recurrent.compiler.graph import MIXING, UNIFORM, Node, walk

EXPENSIVE = frozenset(("sigmoid", "log_sigmoid", "tanh", "sqrt", "exp", "sin", "cos", "divide"))
RUNNING = ("running_sum", "running_sum_reversed")


@dataclass(frozen=True)
class Stages:
    """A program in stages.

    Attributes:
        level: the stage of each node: the first one in which its arguments are complete.
        uniform: the nodes that have the same value for every unit.
        reductions: the nodes of `UNIFORM` operations. Their arguments are computed one stage
            before their level, their values between the two stages.
        scalars: uniform nodes to store, arguments first; all reductions are among them.
        temporaries: other nodes to store for a later stage; all running sums are among them.
    """

    level: dict[Node, int]
    uniform: frozenset[Node]
    reductions: tuple[Node, ...]
    scalars: tuple[Node, ...]
    temporaries: tuple[Node, ...]

    @property
    def count(self) -> int:
        """The number of stages."""
        return 1 + max(self.level.values())


def uniform_nodes(nodes: Iterable[Node], known: Collection[Node] = ()) -> frozenset[Node]:
    """Return which of the nodes, arguments first, have the same value for every unit.

    Constants are not among them. `known` are further nodes that do.
    """
    found: set[Node] = set()
    for node in nodes:
        parts = [arg for arg in node.args if arg.op != "constant"]
        elementwise = node.op not in MIXING and parts and found.issuperset(parts)
        if node in known or node.op in UNIFORM or elementwise:
            found.add(node)
    return frozenset(found)


def cut_into_stages(
    results: Iterable[Node],
    sums: Collection[Node],
    known: Collection[Node],
    uniform: Collection[Node] = (),
    written: Collection[Node] = (),
) -> Stages:
    """Return a program in stages.

    Args:
        results: the nodes to compute.
        sums: nodes that matrix products accumulate, available only in the stage of their level.
        known: nodes that are available in every stage.
        uniform: those of the known nodes that have the same value for every unit.
        written: those of the results that later stages can read.
    """
    results = list(results)
    nodes = list(walk(results, stop=known.__contains__))
    level: dict[Node, int] = {}
    for node in nodes:
        before = () if node in known else node.args
        level[node] = max((level[arg] for arg in before), default=0) + (
            bool(before) and node.op in MIXING
        )
    same = uniform_nodes(nodes, uniform)
    computed = [node for node in nodes if node not in known]
    reductions = [node for node in computed if node.op in UNIFORM]
    read = {arg for node in computed if node not in same or node.op in MIXING for arg in node.args}
    scalars = [
        node
        for node in computed
        if node in same and (node in reductions or node in read or node in results)
    ]
    temporaries = [node for node in computed if node.op in RUNNING]
    given = {n for n in nodes if n in known or n in same or n.op in ("constant", "input")}
    for stage in range(1, 1 + max(level.values())):
        stored = {*temporaries, *(node for node in written if level[node] < stage)}
        here = [n for n in computed if level[n] == stage and n not in same and n not in sums]
        temporaries += values_to_keep(
            {arg for n in here if n.op not in MIXING for arg in n.args if level[arg] < stage},
            is_lost=lambda n: n in sums or n.op in EXPENSIVE,
            is_free=((given | stored) - {*sums}).__contains__,
        )
    return Stages(level, same, tuple(reductions), tuple(scalars), tuple(temporaries))
