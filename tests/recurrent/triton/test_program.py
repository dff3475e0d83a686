"""The constants of both passes, and the generated text."""

import pytest
from shared.cells import PRESETS
from shared.staged_cells import CELLS as STAGED

from seqtag.recurrent.compiler.plan import plan_of
from seqtag.recurrent.counting import counting
from seqtag.recurrent.triton import fields
from seqtag.recurrent.triton.printer import print_module
from seqtag.recurrent.triton.program import backward_pass, blocks_of, forward_pass

EVERY = {**PRESETS, **STAGED}


def passes(cell):
    plan = plan_of(counting(cell), traces=True)
    return plan, forward_pass(plan, True), forward_pass(plan, False), backward_pass(plan)


@pytest.mark.parametrize("name", EVERY)
def test_constants_are_consistent(name):
    plan, *every = passes(EVERY[name])
    for of in every:
        widths = list(of.buffers.values())
        assert of.program.widths == tuple(widths)
        for stage, body in zip(of.program.stages, of.bodies, strict=True):
            written = [write.field for write in stage.writes]
            assert len(set(written)) == len(written)
            for field in (*stage.operands, *stage.reads, *written):
                assert field.column < widths[field.buffer]
            assert {dot.sum for dot in stage.dots} == set(range(stage.sums))
            assert all(write.value < len(body.values) for write in stage.writes)
        dots = [dot.block for stage in of.program.stages for dot in stage.dots]
        assert sorted(dots) == list(range(len(blocks_of(plan))))
    training, inference, _ = every
    assert [body.values for body in training.bodies] == [body.values for body in inference.bodies]


def test_without_a_backward_pass_only_outputs_are_stored_at_every_step():
    _, training, inference, _ = passes(EVERY["lstm"])
    kept = list(inference.buffers).index("kept")
    (stage,), (inferring,) = training.program.stages, inference.program.stages
    assert len(stage.writes) == len(inferring.writes) + 4
    assert kept not in {write.field.buffer for write in inferring.writes}
    memory = list(inference.buffers).index("path c")
    (place,) = {w.field.place for w in inferring.writes if w.field.buffer == memory}
    assert place == fields.NOW_OF_TWO


def test_the_text_depends_on_the_cell_only():
    def text():
        _, training, _, backward = passes(EVERY["lstm_layernorm"])
        return print_module(training.bodies, backward.bodies)

    plan_of.cache_clear()
    first = text()
    plan_of.cache_clear()
    assert text() == first
    compile(first, "generated", "exec")
    assert "forward_scalars_4" in first
    assert "lambda" not in first
