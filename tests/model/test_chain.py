"""Steps on complete paths and mixing steps, compared with powers of the step matrix."""

from __future__ import annotations

import time

import pytest
import torch

from seqtag.labels import Transitions, allowed_transitions
from seqtag.model.chain import automaton
from seqtag.model.crf import LinearChainCRF


def by_powers(start_K, between_KK, end_K):
    """Return useful labels and mixing steps by definition: powers of the step matrix."""
    K = len(start_K)
    step_KK = between_KK.double()
    paths_KK = torch.linalg.matrix_power(step_KK + torch.eye(K, dtype=torch.float64), K) > 0
    useful_K = paths_KK[start_K].any(0) & paths_KK[:, end_K].any(1)
    step_KK = step_KK[useful_K][:, useful_K]
    counts = (d for d in range(1, 17) if step_KK.numel() and (step_KK.matrix_power(d) > 0).all())
    return useful_K, next(counts, None)


@pytest.mark.parametrize("seed", range(100))
def test_mixing_steps_equal_those_by_matrix_powers(seed):
    generator = torch.Generator().manual_seed(seed)
    K = seed % 8 + 1
    share = float(torch.rand(1, generator=generator))
    shapes = (((K,), 0.5), ((K, K), share), ((K,), 0.5))
    steps = [torch.rand(shape, generator=generator) < share for shape, share in shapes]
    trimmed, (useful_K, mixing_steps) = automaton(*steps), by_powers(*steps)
    assert torch.equal(trimmed.useful_K, useful_K)
    assert trimmed.mixing_steps == mixing_steps
    assert torch.equal(trimmed.between_KK, steps[1] & useful_K & useful_K[:, None])


@pytest.mark.parametrize(("letters", "mixing_steps"), [("BI", 2), ("BIES", 3), ("BE", None)])
def test_thousands_of_labels_are_fast(letters, mixing_steps):
    scheme = "bio" if letters == "BI" else "bioes"
    labels = ["O"] * (letters != "BE")
    labels += [f"{letter}-{t}" for t in range(2000 // len(letters)) for letter in letters]
    started = time.process_time()
    crf = LinearChainCRF(len(labels), allowed_transitions(labels, scheme))
    assert crf.mixing_steps == mixing_steps
    assert time.process_time() - started < 5  # a plain search takes 20 s


@pytest.mark.parametrize(
    ("start", "between", "end", "missing"),
    [
        ("1", "1", "1", None),
        ("0", "1", "1", 1),
        ("1", "0", "1", 2),
        ("10", "01 10", "10", 2),  # odd lengths only
        ("10", "01 00", "11", 3),
        ("110", "010 001 100", "101", None),  # two starts, for alternating lengths
        ("100", "010 001 100", "111", None),
        ("100", "010 001 100", "110", 3),
    ],
)
def test_a_length_without_a_path_is_found(start, between, end, missing):
    rows = [[[bit == "1" for bit in row] for row in text.split()] for text in (start, between, end)]
    assert Transitions(rows[0][0], rows[1], rows[2][0]).length_without_path() == missing
