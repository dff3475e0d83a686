"""What a cell does at a word, step by step, in words for a reader who sees its values."""

from typing import NamedTuple

# Texts that several cells share.
FORGET = (
    "The forget gate f is the share of its old memory that a unit keeps at this word: 1 keeps all "
    "of it, 0 erases it. The cell computes it from the word and from its own previous output, so "
    "it can close where the old memory no longer counts, as at a new subject."
)
CANDIDATE = "The candidate z is the value that the word offers to a unit's memory. "
INPUT = (
    f"{CANDIDATE}The input gate i is the share of it that is written: near 0 the word leaves the "
    "memory as it is."
)
MEMORY = (
    "The cell state c is the unit's memory: what was kept of the old one plus what this word "
    "writes. A colour that stays the same from word to word is a value that is held."
)
OUTPUT = (
    "The output gate o is the share of the memory that becomes visible at this word. The output h "
    "is all that the labels, the next layer and the gates at the next word see of it."
)
WHOLE_OUTPUT = (
    "Memory and output are the same value h: what was kept plus what this word writes. The labels "
    "and the next word see all of it."
)


class WalkStep(NamedTuple):
    """One step of a cell at a word.

    Attributes:
        title: what the step does, such as "throw away".
        values: names of the gates and states that it computes; empty if the cell lacks this step.
        text: two sentences that explain it.
        equations: how the values follow from each other, such as ``c = f c' + i z``; a name with
            an apostrophe is the value at the previous word. Names are those of the values.
    """

    title: str
    values: tuple[str, ...]
    text: str
    equations: tuple[str, ...] = ()


def one_gate(gate: str, candidate: str, equation: str, *, keeps: bool) -> tuple[WalkStep, ...]:
    """Return the steps of a cell with one update gate, whose memory is its output h.

    Args:
        gate: name of the update gate.
        candidate: name of the candidate.
        equation: how h follows from them.
        keeps: whether the gate is the share that is kept; else it is the share that is replaced.
    """
    ends = (
        ("kept", "1 keeps all of it, 0 erases it")
        if keeps
        else ("replaced", "0 keeps all of it, 1 erases it")
    )
    return (
        WalkStep(
            "store",
            (candidate,),
            f"The candidate {candidate} is the value that the word offers to a unit. How much of "
            "it is written is decided by the update gate.",
        ),
        WalkStep(
            "throw away",
            (gate,),
            f"The update gate {gate} is the share of its old value that is {ends[0]}: {ends[1]}. "
            "Forgetting and storing are one decision.",
        ),
        WalkStep("update and output", ("h",), WHOLE_OUTPUT, (equation,)),
    )
