"""Decides from a cell's expression graph whether the cell is linear in its state."""

from dataclasses import dataclass
from functools import cache

from seqtag.cells import Cell
from seqtag.recurrent.compiler.derivative import gradients
from seqtag.recurrent.compiler.graph import Node, as_node, fresh_nodes, input_node, substitute, walk
from seqtag.recurrent.compiler.plan import Plan, plan_of


@dataclass(frozen=True)
class LinearCell:
    """A cell that is linear in its state: each carried state s becomes a s' + b.

    Attributes:
        plan: the plan of the cell.
        carried: states that the next step reads; the others depend on them and on the input.
        decay: a of each carried state.
        added: b of each carried state.
        passed: the gradient at each previous carried state, without the term through a.
    """

    plan: Plan
    carried: tuple[str, ...]
    decay: tuple[Node, ...]
    added: tuple[Node, ...]
    passed: tuple[Node, ...]


@cache
@fresh_nodes()
def linear_form(cell: Cell) -> LinearCell | str:
    """Return a traceable cell in linear form, or the reason why it has none."""
    if cell.products or cell.inner_gates:
        return "it has a recurrent weight R"
    plan = plan_of(cell)
    if plan.forward.count > 1:
        return "its step combines units"
    previous = {name: input_node(("state", name)) for name in cell.states}
    read = {name: {*walk([node])} & {*previous.values()} for name, node in plan.states.items()}
    carried = tuple(n for n in cell.states if any(previous[n] in reads for reads in read.values()))
    decay, added, passed = [], [], []
    for name in carried:
        if read[name] - {previous[name]}:
            return f"its state {name} depends on another state"
        (slope,) = gradients({plan.states[name]: as_node(1)}, [previous[name]])
        if {*walk([slope])} & {*previous.values()}:
            return f"it is not linear in its state {name}"
        decay.append(slope)
        added += substitute([plan.states[name]], {previous[name]: as_node(0)})
        passed += substitute([plan.grad_states[name]], {input_node(("new", name)): as_node(0)})
    return LinearCell(plan, carried, tuple(decay), tuple(added), tuple(passed))
