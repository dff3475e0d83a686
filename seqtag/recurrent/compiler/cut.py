"""The fewest values to keep for the backward pass: a smallest vertex cut.

The backward pass needs values of the forward pass. Some are free (states, which are kept anyway,
and parameters). The others depend on the pre-activations, which are lost. A set of values that lies
on every path from these to the needed values is enough: the smallest such set is kept, all others
are recomputed. Menger 1927; found by augmenting paths (Ford & Fulkerson 1956).
"""

from collections.abc import Callable, Iterable

from seqtag.recurrent.compiler.graph import Node, walk


def values_to_keep(
    needed: Iterable[Node], is_lost: Callable[[Node], bool], is_free: Callable[[Node], bool]
) -> list[Node]:
    """Return the fewest nodes from which, with the free ones, all needed nodes can be computed.

    Among several smallest sets it is the one nearest to the needed nodes, which leaves the least
    to recompute.

    Args:
        needed: the needed nodes.
        is_lost: whether a node can only be kept, because nothing computes it.
        is_free: whether a node is available without being kept.
    """
    needed = [node for node in needed if not is_free(node)]
    nodes = [n for n in walk(needed, stop=lambda n: is_free(n) or is_lost(n)) if not is_free(n)]
    users: dict[Node, list[Node]] = {node: [] for node in nodes}
    for node in nodes:
        for arg in () if is_lost(node) else node.args:
            if arg in users:
                users[arg].append(node)
    flow = _Flow(users, [n for n in nodes if is_lost(n)], set(needed))
    while flow.augment():
        pass
    return sorted(flow.cut_nearest_to_sinks(), key=lambda node: node.order)


Half = tuple[Node, str]  # a node's "in" or "out"; one path can pass between the two


class _Flow:
    """Vertex-disjoint paths from sources to sinks.

    `residual` holds, for each half, the halves to which more flow is possible.
    """

    def __init__(self, users: dict[Node, list[Node]], sources: list[Node], sinks: set[Node]):
        self.nodes = list(users)
        self.sources = sources
        self.sinks = sinks
        self.residual: dict[Half, set[Half]] = {}
        for node, after in users.items():
            self.residual[node, "in"] = {(node, "out")}
            self.residual[node, "out"] = {(user, "in") for user in after}

    def augment(self) -> bool:
        """Find one more path and add it; return False if there is none."""
        came_from: dict[Half, Half | None] = {(source, "in"): None for source in self.sources}
        pending = list(came_from)
        while pending:
            here = pending.pop()
            if here[1] == "out" and here[0] in self.sinks:
                self._add_path(here, came_from)
                return True
            for there in self.residual[here] - came_from.keys():
                came_from[there] = here
                pending.append(there)
        return False

    def _add_path(self, here: Half, came_from: dict[Half, Half | None]) -> None:
        while (before := came_from[here]) is not None:
            self.residual[here].add(before)
            # Between two nodes any number of paths can pass, through a node only one.
            if before[0] is here[0] or before[1] == "in":
                self.residual[before].remove(here)
            here = before

    def cut_nearest_to_sinks(self) -> list[Node]:
        """Return the nodes that can reach a sink from their "out" but not from their "in"."""
        into: dict[Half, list[Half]] = {half: [] for half in self.residual}
        for here, after in self.residual.items():
            for there in after:
                into[there].append(here)
        reach: set[Half] = {(node, "out") for node in self.sinks}
        pending = list(reach)
        while pending:
            for half in into[pending.pop()]:
                if half not in reach:
                    reach.add(half)
                    pending.append(half)
        return [n for n in self.nodes if (n, "out") in reach and (n, "in") not in reach]
