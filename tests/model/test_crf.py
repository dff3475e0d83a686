"""The CRF against all paths listed one by one, and against pytorch-crf."""

import itertools
import math

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from seqtag.labels import Transitions, allowed_transitions
from seqtag.model import chain, scaled_sums, viterbi
from seqtag.model.crf import LinearChainCRF

BIO = ["O", "B-a", "I-a", "I-b"]  # without B-b, I-b is on no legal path
BIOES = ["O", "B-a", "I-a", "E-a", "S-a"]
NO_O = ["B-a", "E-a"]  # only even lengths have a legal path
ROUTES = ["compiled", "torch", "log"]
SCHEMES = [(None, 3), (("bio", BIO), 4), (("bioes", BIOES), 5), (("bioes", NO_O), 2)]


def make_crf(scheme=None, num_labels=3, seed=0, spread=1.0):
    transitions = allowed_transitions(scheme[1], scheme[0]) if scheme else None
    crf = LinearChainCRF(num_labels, transitions).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_(0.0, spread, generator=generator)
    return crf


def make_batch(lengths, num_labels, seed=0, spread=1.0, time=None):
    generator = torch.Generator().manual_seed(seed)
    time = max(lengths) if time is None else time
    shape = (len(lengths), time, num_labels)
    emissions = torch.randn(shape, generator=generator, dtype=torch.float64) * spread
    return emissions, torch.tensor(lengths)


def all_paths(crf, emissions_TK, length, legal=None):
    """Map each legal path to its score, by the definition."""
    K = emissions_TK.shape[1]
    paths = {}
    for path in itertools.product(range(K), repeat=length):
        if legal is not None and not is_legal(legal, path):
            continue
        score = sum((emissions_TK[t, y] for t, y in enumerate(path)), torch.zeros(()).double())
        if path:
            score = score + crf.start_K[path[0]] + crf.end_K[path[-1]]
        for pair in itertools.pairwise(path):
            score = score + crf.transitions_KK[pair]
        paths[path] = score
    return paths


def is_legal(legal, path):
    if not path:
        return True
    steps = all(legal.between[i][j] for i, j in itertools.pairwise(path))
    return bool(legal.start[path[0]] and legal.end[path[-1]] and steps)


def total(scores):
    return torch.stack(scores).logsumexp(0) if scores else torch.tensor(-math.inf).double()


def use_route(route, patch):
    """Make sums run compiled, in torch operations, or with logarithms."""
    if route == "log":
        patch.setattr(chain, "scaling_is_exact", lambda potentials: False)
    if route == "torch":
        patch.setattr(scaled_sums, "load_functions", lambda *_: None)


@pytest.fixture(params=ROUTES)
def route(request, monkeypatch):
    use_route(request.param, monkeypatch)
    return request.param


problems = st.tuples(
    st.sampled_from(SCHEMES),
    st.lists(st.integers(0, 4), min_size=1, max_size=3),
    st.integers(0, 99),
    st.sampled_from([1.0, 30.0, 3000.0]),
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(problems, st.sampled_from(ROUTES))
def test_all_results_equal_those_of_listing_all_paths(problem, route):
    (scheme, K), lengths, seed, spread = problem
    legal = allowed_transitions(scheme[1], scheme[0]) if scheme else None
    crf = make_crf(scheme, K, seed)
    emissions, lengths_B = make_batch(lengths, K, seed, spread)
    with pytest.MonkeyPatch.context() as patch:
        use_route(route, patch)
        log_z = crf.log_partition(emissions, lengths_B)
        marginals = crf.marginals(emissions, lengths_B)
        labels, logp = crf.n_best(emissions, lengths_B, 6)
        best = crf.decode(emissions, lengths_B)
        patch.setattr(viterbi, "load_functions", lambda *_: None)
        assert best.equal(crf.decode(emissions, lengths_B))
    tolerance = {"rtol": 1e-10, "atol": 1e-9 * spread}
    for b, length in enumerate(lengths):
        scores = all_paths(crf, emissions[b], length, legal)
        expected = total(list(scores.values()))
        torch.testing.assert_close(log_z[b], expected, **tolerance)
        assert (best[b, length:] == -100).all()
        ranked = sorted(scores, key=lambda path: -scores[path])
        for rank in range(6):
            found = labels[b, rank, :length].tolist()
            if rank >= len(ranked):
                assert logp[b, rank] == -math.inf
                assert (labels[b, rank] == -100).all()
                continue
            probability = scores[ranked[rank]] - expected
            torch.testing.assert_close(logp[b, rank], probability, **tolerance)
            assert found == list(ranked[rank])
        if ranked:
            assert best[b, :length].tolist() == list(ranked[0])
        else:
            assert (best[b] == -100).all()
        for t in range(emissions.shape[1]):
            for k in range(K):
                through = [s for p, s in scores.items() if t < length and p[t] == k]
                share = (total(through) - expected).exp() if through else torch.zeros(()).double()
                torch.testing.assert_close(marginals[b, t, k], share, **tolerance)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(problems, st.data())
def test_unknown_labels_are_summed_over(problem, data):
    (scheme, K), lengths, seed, spread = problem
    legal = allowed_transitions(scheme[1], scheme[0]) if scheme else None
    crf = make_crf(scheme, K, seed)
    emissions, lengths_B = make_batch(lengths, K, seed, spread)
    emissions.requires_grad_()
    labels = torch.full(emissions.shape[:2], -100)
    for b, length in enumerate(lengths):
        paths = list(all_paths(crf, emissions[b], length, legal))
        if paths:
            path = data.draw(st.sampled_from(paths))
            keep = data.draw(st.lists(st.booleans(), min_size=length, max_size=length))
            labels[b, :length] = torch.tensor([y if k else -100 for y, k in zip(path, keep)])  # noqa: B905
    loss = crf.nll(emissions, labels, lengths_B)
    expected = []
    for b, length in enumerate(lengths):
        paths = all_paths(crf, emissions[b], length, legal)
        agree = [
            s for p, s in paths.items()
            if all(labels[b, t] in (-100, y) for t, y in enumerate(p))
        ]  # fmt: skip
        expected.append(total(list(paths.values())) - total(agree) if agree else 0 * loss[b])
    expected = torch.stack(expected)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-9 * spread)
    inputs = [emissions, *crf.parameters()]
    grads = torch.autograd.grad(loss.sum(), inputs, retain_graph=True)
    if expected.requires_grad:
        expected_grads = torch.autograd.grad(
            expected.sum(), inputs, allow_unused=True, materialize_grads=True
        )
        for one, other in zip(grads, expected_grads, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-9 * spread)


def test_sparse_labels_on_a_long_sentence():
    # Two labels in 60 tokens: three free stretches, each a chain of its own.
    crf, K = make_crf(None, 3), 3
    emissions, lengths = make_batch([60], K)
    labels = torch.full((1, 60), -100)
    labels[0, 29], labels[0, 59] = 1, 2
    clamped = emissions.clone()
    for t, y in ((29, 1), (59, 2)):
        clamped[0, t, [k for k in range(K) if k != y]] -= 1e6
    expected = crf.log_partition(emissions, lengths) - crf.log_partition(clamped, lengths)
    torch.testing.assert_close(crf.nll(emissions, labels, lengths), expected)
    labels[:] = -100
    emissions.requires_grad_()
    loss = crf.nll(emissions, labels, lengths)
    assert loss.item() == 0
    loss.sum().backward()
    assert not emissions.grad.any()


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_pytorch_crf(seed, route):
    oracle_module = pytest.importorskip("torchcrf")
    K, lengths = 7, [9, 5, 1, 9]
    crf, oracle = make_crf(None, K, seed), oracle_module.CRF(K, batch_first=True).double()
    pairs = [("start_K", "start_transitions"), ("transitions_KK", "transitions"),
             ("end_K", "end_transitions")]  # fmt: skip
    with torch.no_grad():
        for ours, theirs in pairs:
            getattr(oracle, theirs).copy_(getattr(crf, ours))
    emissions, lengths_B = make_batch(lengths, K, seed)
    labels = torch.randint(0, K, emissions.shape[:2], generator=torch.Generator().manual_seed(seed))
    mask = torch.arange(9) < lengths_B[:, None]
    ours_in, theirs_in = (emissions.clone().requires_grad_() for _ in range(2))
    weight = torch.tensor([1.0, 0.5, 2.0, -1.0]).double()
    loss = crf.nll(ours_in, labels, lengths_B)
    expected = -oracle(theirs_in, labels, mask=mask, reduction="none")
    torch.testing.assert_close(loss, expected)
    (loss * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(ours_in.grad, theirs_in.grad)
    for ours, theirs in pairs:
        torch.testing.assert_close(getattr(crf, ours).grad, getattr(oracle, theirs).grad)
    found = crf.decode(emissions, lengths_B)
    for row, path in zip(found, oracle.decode(emissions, mask=mask), strict=True):
        assert row[: len(path)].tolist() == path


@pytest.mark.parametrize(("scheme", "num_labels"), SCHEMES)
def test_gradcheck(scheme, num_labels, route):
    crf = make_crf(scheme, num_labels)
    emissions, lengths = make_batch([4, 2, 0], num_labels)
    labels = torch.zeros(3, 4, dtype=torch.int64)
    sparse = torch.where(torch.arange(4) % 2 == 0, labels, -100)

    def losses(emissions, start, transitions, end):
        values = {"start_K": start, "transitions_KK": transitions, "end_K": end}

        def call(method, *arguments):
            replaced = torch.func.functional_call(_Method(crf, method), {
                f"crf.{name}": value for name, value in values.items()}, arguments)  # fmt: skip
            return torch.where(replaced == -math.inf, 0.0, replaced)

        return (
            call("nll", emissions, labels, lengths),
            call("nll", emissions, sparse, lengths),
            call("log_partition", emissions, lengths),
        )

    inputs = [emissions, *(p.detach().clone() for p in crf.parameters())]
    assert torch.autograd.gradcheck(losses, [x.requires_grad_() for x in inputs], fast_mode=True)


class _Method(torch.nn.Module):
    def __init__(self, crf, method):
        super().__init__()
        self.crf, self.method = crf, method

    def forward(self, *arguments):
        return getattr(self.crf, self.method)(*arguments)


@pytest.mark.parametrize(("scheme", "num_labels"), SCHEMES)
@pytest.mark.parametrize("known", [True, False])
def test_padding_does_not_change_results_bitwise(scheme, num_labels, known, route):
    results = []
    for filling in (0.0, 7.5, math.nan, math.inf, -math.inf):
        crf = make_crf(scheme, num_labels).float()
        emissions, lengths = make_batch([6, 4, 0, 2], num_labels, time=7)
        labels = crf.decode(emissions, lengths)
        if not known:
            labels[:, 1::2] = -100
        outside = torch.arange(7) >= lengths[:, None]
        labels[outside] = 12345 if filling else -100
        emissions = emissions.float().masked_fill(outside[:, :, None], filling).requires_grad_()
        loss = crf.nll(emissions, labels, lengths)
        loss.sum().backward()
        best, logp = crf.n_best(emissions, lengths, 3)
        gradients = [emissions.grad, *(p.grad for p in crf.parameters())]
        assert not emissions.grad[outside].any()
        outputs = [loss, crf.log_partition(emissions, lengths), crf.decode(emissions, lengths)]
        results.append([*outputs, crf.marginals(emissions, lengths), best, logp, *gradients])
    for result in results[1:]:
        for one, other in zip(results[0], result, strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("time", [0, 3])
@pytest.mark.parametrize("batch", [0, 2])
def test_empty_sentences_and_batches(batch, time):
    crf = make_crf()
    emissions = torch.randn(batch, time, 3, dtype=torch.float64, requires_grad=True)
    lengths = torch.zeros(batch, dtype=torch.int64)
    labels = torch.zeros(batch, time, dtype=torch.int64)
    loss = crf.nll(emissions, labels, lengths)
    assert torch.equal(loss, torch.zeros(batch, dtype=torch.float64))
    loss.sum().backward()
    assert not emissions.grad.any()
    assert not crf.transitions_KK.grad.any()
    assert torch.equal(crf.log_partition(emissions, lengths), loss)
    assert (crf.decode(emissions, lengths) == -100).all()
    assert crf.marginals(emissions, lengths).shape == (batch, time, 3)
    best, logp = crf.n_best(emissions, lengths, 2)
    assert best.shape == (batch, 2, time)
    assert logp.tolist() == [[0.0, -math.inf]] * batch


@pytest.mark.parametrize(("scheme", "num_labels"), SCHEMES[:3])
def test_extreme_emissions(scheme, num_labels):
    # Scores of +-1e4 per step: exact as logarithms, out of range as exponentials.
    crf = make_crf(scheme, num_labels)
    emissions, lengths = make_batch([6, 3, 40], num_labels)
    emissions = (emissions.sign() * 1e4).requires_grad_()
    labels = crf.decode(emissions, lengths)
    loss = crf.nll(emissions, labels, lengths)
    assert torch.isfinite(loss).all()
    loss.sum().backward()
    for gradient in (emissions.grad, *(p.grad for p in crf.parameters())):
        assert torch.isfinite(gradient).all()
    legal = allowed_transitions(scheme[1], scheme[0]) if scheme else None
    for b in (0, 1):
        paths = all_paths(crf, emissions[b], int(lengths[b]), legal)
        expected = total(list(paths.values())) - max(paths.values())
        torch.testing.assert_close(loss[b], expected, rtol=1e-6, atol=1e-8)


def test_a_best_path_whose_prefix_underflows():
    # The best path starts with a label 800 below another one, and gains it back two steps later.
    def allow(i, j):
        return (i, j) in {(0, 0), (1, 2), (2, 2), (1, 0), (2, 1), (0, 1)}

    between = tuple(tuple(allow(i, j) for j in range(3)) for i in range(3))
    crf = LinearChainCRF(3, Transitions((True,) * 3, between, (True,) * 3)).double()
    emissions = torch.tensor([[[0.0, -800, -800], [-500, -900, 0], [-600, -600, 0.0]]]).double()
    paths = all_paths(crf, emissions[0], 3, Transitions((True,) * 3, between, (True,) * 3))
    lengths = torch.tensor([3])
    assert crf.log_partition(emissions, lengths).item() == pytest.approx(
        total(list(paths.values())).item(), abs=1e-9
    )


@pytest.mark.parametrize(("scheme", "num_labels"), SCHEMES)
def test_marginals_are_the_gradient_of_log_z(scheme, num_labels, route):
    crf = make_crf(scheme, num_labels)
    emissions, lengths = make_batch([6, 2, 0, 4], num_labels)
    emissions.requires_grad_()
    marginals = crf.marginals(emissions, lengths)
    crf.log_partition(emissions, lengths).sum().backward()
    assert torch.equal(emissions.grad, marginals)
    inside = (torch.arange(6) < lengths[:, None]).double()
    torch.testing.assert_close(marginals.sum(-1), inside)
    torch.testing.assert_close(crf.start_K.grad, marginals[:, 0].sum(0))
    steps = (lengths - 1).clamp_min(0).sum().double()
    torch.testing.assert_close(crf.transitions_KK.grad.sum(), steps)


def test_all_routes_agree_on_long_sentences():
    results = []
    for route in ROUTES:
        crf = make_crf(("bioes", BIOES), 5)
        emissions, lengths = make_batch([300, 250], 5, spread=8.0)
        emissions.requires_grad_()
        assert chain.scaling_is_exact(crf._potentials(emissions, lengths))
        with pytest.MonkeyPatch.context() as patch:
            use_route(route, patch)
            log_z = crf.log_partition(emissions, lengths)
        log_z.sum().backward()
        results.append([log_z, emissions.grad, *(p.grad for p in crf.parameters())])
    for one, other in itertools.combinations(results, 2):
        for found, expected in zip(one, other, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("scheme", "num_labels"), SCHEMES[:3])
def test_n_best_with_n_above_the_number_of_paths(scheme, num_labels):
    crf = make_crf(scheme, num_labels)
    emissions, lengths = make_batch([3, 1], num_labels)
    n = num_labels**3 + 2
    labels, logp = crf.n_best(emissions, lengths, n)
    torch.testing.assert_close(logp.exp().sum(-1), torch.ones(2).double())
    assert (logp[:, :-1] >= logp[:, 1:]).all()
    for b in range(2):
        real = [tuple(path) for path in labels[b][logp[b] > -math.inf].tolist()]
        assert len(set(real)) == len(real)
    first, _ = crf.n_best(emissions, lengths, 1)
    assert torch.equal(first[:, 0], crf.decode(emissions, lengths))


def test_n_best_with_ties_gives_distinct_paths():
    labels, logp = LinearChainCRF(3).n_best(torch.zeros(1, 3, 3), torch.tensor([3]), 40)
    paths = {tuple(path) for path in labels[0, :27].tolist()}
    assert len(paths) == 27
    torch.testing.assert_close(logp[0, :27], torch.full((27,), -3 * math.log(3)))
    assert (logp[0, 27:] == -math.inf).all()


def test_bfloat16_emissions_under_autocast():
    crf = make_crf(None, 5).float()
    emissions, lengths = make_batch([30, 17], 5, spread=4.0)
    emissions = emissions.bfloat16()
    labels = crf.decode(emissions.float(), lengths)
    results = []
    for autocast in (True, False):
        x = (emissions if autocast else emissions.float()).clone().requires_grad_()
        crf.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            loss = crf.nll(x, labels, lengths)
            loss.sum().backward()
            marginals = crf.marginals(x, lengths)
            assert torch.equal(crf.decode(x, lengths), labels)
        assert loss.dtype == marginals.dtype == torch.float32
        results.append([loss, marginals, crf.transitions_KK.grad, x.grad.float()])
    for one, other in zip(results[0][:3], results[1][:3], strict=True):
        assert torch.equal(one, other)
    torch.testing.assert_close(results[0][3], results[1][3], rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize(
    ("gold", "known"),
    [
        ([0, 2, 2, 0], [-100, -100, 2, 0]),  # O I-a
        ([2, 0, 0, 0], [-100, 0, 0, 0]),  # I-a at the start
        ([0, 3, 0, 0], [-100, -100, -100, 0]),  # I-b is on no legal path
        ([3, -100, 0, 0], [-100, -100, 0, 0]),
        ([-100, 2, -100, 0], [-100, 2, -100, 0]),  # nothing is forbidden here
    ],
)
def test_forbidden_gold_steps_count_as_unknown(gold, known, route):
    crf = make_crf(("bio", BIO), 4)
    emissions, lengths = make_batch([4], 4)
    emissions.requires_grad_()
    loss = crf.nll(emissions, torch.tensor([gold]), lengths)
    loss.sum().backward()
    assert loss.item() > 0
    for gradient in (emissions.grad, *(p.grad for p in crf.parameters())):
        assert torch.isfinite(gradient).all()
    assert torch.equal(loss, crf.nll(emissions, torch.tensor([known]), lengths))


def test_forbidden_last_label_counts_as_unknown(route):
    crf = make_crf(("bioes", BIOES), 5)
    emissions, lengths = make_batch([3, 2], 5)
    gold = torch.tensor([[0, 0, 1], [0, 1, 4]])  # both end in B-a; what follows is padding
    known = torch.tensor([[0, 0, -100], [0, -100, 4]])
    loss = crf.nll(emissions, gold, lengths)
    assert torch.equal(loss, crf.nll(emissions, known, lengths))
    assert (loss > 0).all()


def test_sentences_whose_labels_no_path_agrees_with_have_loss_0(route):
    # B-a ? E-a needs a label I-a, which is missing; the other sentence must still get a gradient.
    crf = make_crf(("bioes", ["B-a", "E-a", "O"]), 3)
    emissions, lengths = make_batch([4, 4], 3)
    emissions.requires_grad_()
    gold = torch.tensor([[0, -100, 1, -100], [0, 1, 2, 2]])
    loss = crf.nll(emissions, gold, lengths)
    loss.sum().backward()
    assert loss[0] == 0
    assert loss[1] > 0
    assert not emissions.grad[0].any()
    assert emissions.grad[1].any()
    assert torch.isfinite(emissions.grad).all()


def test_sentences_without_an_allowed_path(route):
    never = Transitions((True, True), ((False, False), (False, False)), (True, True))
    crf = make_crf(None, 2)
    blocked = LinearChainCRF(2, never).double()
    blocked.load_state_dict(crf.state_dict())
    emissions, lengths = make_batch([3, 1], 2)
    emissions.requires_grad_()
    loss = blocked.nll(emissions, torch.tensor([[0, 1, 0], [1, 0, 0]]), lengths)
    loss.sum().backward()
    assert loss[0] == 0
    torch.testing.assert_close(loss[1], crf.nll(emissions, torch.ones(2, 3).long(), lengths)[1])
    assert not emissions.grad[0].any()
    assert torch.isfinite(emissions.grad).all()
    assert not blocked.transitions_KK.grad.any()
    assert blocked.log_partition(emissions, lengths)[0] == -math.inf
    assert (blocked.decode(emissions, lengths)[0] == -100).all()
    assert not blocked.marginals(emissions, lengths)[0].any()
    labels, logp = blocked.n_best(emissions, lengths, 2)
    assert (logp[0] == -math.inf).all()
    assert (labels[0] == -100).all()


def test_labels_on_no_path_do_not_affect_other_labels():
    # I-b can never occur: its huge emission must neither win nor affect the scaling.
    crf = make_crf(("bio", BIO), 4)
    emissions, lengths = make_batch([5], 4)
    extreme = emissions.clone()
    extreme[:, :, 3] = 1e6
    assert chain.scaling_is_exact(crf._potentials(extreme, lengths))
    assert torch.equal(crf.log_partition(extreme, lengths), crf.log_partition(emissions, lengths))
    assert torch.equal(crf.decode(extreme, lengths), crf.decode(emissions, lengths))
    assert not crf.marginals(extreme, lengths)[:, :, 3].any()


def test_forbidden_transitions_have_no_gradient():
    crf = make_crf(("bioes", BIOES), 5)
    emissions, lengths = make_batch([6, 6], 5)
    crf.nll(emissions, crf.decode(emissions, lengths), lengths).sum().backward()
    assert not crf.transitions_KK.grad[~crf.allowed_KK].any()
    assert crf.transitions_KK.grad[crf.allowed_KK].all()


def test_state_dict_holds_parameters_only():
    crf = LinearChainCRF(5, allowed_transitions(BIOES, "bioes"))
    assert set(crf.state_dict()) == {"start_K", "transitions_KK", "end_K"}


def test_nan_inside_a_sentence_is_not_hidden():
    crf = make_crf()
    emissions, lengths = make_batch([3, 3], 3)
    emissions[0, 1, 1] = math.nan
    loss = crf.nll(emissions, torch.zeros(2, 3, dtype=torch.int64), lengths)
    assert loss[0].isnan()
    assert loss[1].isfinite()


def test_the_loss_decreases_in_training():
    crf = LinearChainCRF(4, allowed_transitions(BIO, "bio"))
    emissions, lengths = torch.zeros(1, 4, 4), torch.tensor([4])
    labels = torch.tensor([[0, 1, 2, 0]])
    losses = []
    for _ in range(20):
        loss = crf.nll(emissions, labels, lengths).sum()
        gradients = torch.autograd.grad(loss, list(crf.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(crf.parameters(), gradients, strict=True):
                parameter -= gradient
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert torch.equal(crf.decode(emissions, lengths), labels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": torch.tensor([[0, 3]])}, "labels must be"),
        ({"labels": torch.tensor([[0, -1]])}, "labels must be"),
        ({"labels": torch.tensor([[0]])}, "labels are"),
        ({"lengths": torch.tensor([3])}, "lengths must be"),
        ({"lengths": torch.tensor([-1])}, "lengths must be"),
        ({"lengths": torch.tensor([2, 2])}, "lengths must be"),
        ({"emissions": torch.zeros(1, 2, 4)}, "emissions must be"),
    ],
)
def test_wrong_shapes_lengths_and_labels_are_refused(change, message):
    arguments = {
        "emissions": torch.zeros(1, 2, 3),
        "labels": torch.zeros(1, 2, dtype=torch.int64),
        "lengths": torch.tensor([2]),
        **change,
    }
    with pytest.raises(ValueError, match=message):
        LinearChainCRF(3).nll(*arguments.values())


def test_transitions_of_another_size_are_refused():
    with pytest.raises(ValueError, match="3 labels"):
        LinearChainCRF(3, allowed_transitions(BIO, "bio"))
