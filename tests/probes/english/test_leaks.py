"""No shallow cue reveals the label: not the first or last person, and no token but the persons."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from scipy.stats import chi2_contingency

from seqtag.probes.agreement import AgreementProbe
from seqtag.probes.english.lexicon import GENDER_OF, NUMBER_OF
from seqtag.probes.english.parsing import PERSONS
from seqtag.probes.pronoun import PronounProbe
from seqtag.probes.reflexive import ReflexiveProbe

PROBES = {
    "pronoun": PronounProbe(),
    "pronoun_nouns": PronounProbe(names=False),
    "reflexive": ReflexiveProbe(),
    "agreement": AgreementProbe(),
}
# Probes without names, and factors. (A name has no "the", so lengths depend on the persons.)
WITHOUT_NAMES = {
    "pronoun_nouns": {"distance": 14, "attractors": 2, "switches": 1},
    "reflexive": {"distance": 14, "attractors": 2},
    "agreement": {"distance": 14, "attractors": 2},
}
every_probe = pytest.mark.parametrize("name", PROBES)
FEATURES = {
    "next": lambda i: i.tokens[i.targets[0] + 1],
    "after_next": lambda i: i.tokens[-2],
    "template": lambda i: i.template,
    "before": lambda i: masked(i.tokens[i.targets[0] - 1]),
    "before_subject": lambda i: masked(i.tokens[i.cue_positions[-1] - 1]),
    "after_subject": lambda i: i.tokens[i.cue_positions[-1] + 1],
    "length": lambda i: len(i.tokens) // 4,
    "contrast": lambda i: i.contrast,
}


def masked(token):
    """Return the token, or "person" for a person or a possessive mark."""
    return "person" if token in PERSONS or token in ("'", "'s") else token


def label(item):
    return item.labels[item.targets[0]]


def persons(item):
    """Return the positions of the persons before the target."""
    return [i for i in range(item.targets[0]) if item.tokens[i] in PERSONS]


def forms(name, item):
    """Return the forms of the persons before the target."""
    form_of = NUMBER_OF if name == "agreement" else GENDER_OF
    return [form_of[item.tokens[i]] for i in persons(item)]


def with_factors(name, **factors):
    """Return those of the factors that the probe has."""
    return {key: value for key, value in factors.items() if key in PROBES[name].evaluation}


def independence(items, feature, other=label):
    """Return the p-value of a chi-square test that two features are independent.

    Values with fewer than 60 items are pooled, so that every expected count is above 5.
    """
    counts = Counter(map(feature, items))
    pooled = {value: value if n >= 60 else "rare" for value, n in counts.items()}
    table = Counter((other(item), pooled[feature(item)]) for item in items)
    columns = sorted(set(pooled.values()), key=str)
    if len(columns) == 1:
        return 1.0
    rows = [[table[one, value] for value in columns] for one in sorted(set(map(other, items)))]
    return chi2_contingency(rows).pvalue


@cache
def many_items(name):
    """Return 10,800 training items of a probe."""
    return PROBES[name].generate(10_800, "train", WITHOUT_NAMES[name], 8)


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("name", WITHOUT_NAMES)
def test_only_the_persons_reveal_the_label(name, feature):
    assert independence(many_items(name), FEATURES[feature]) > 1e-4


@pytest.mark.parametrize("feature", ["next", "after_next"])
def test_with_names_the_tokens_after_the_pronoun_reveal_nothing_either(feature):
    items = PROBES["pronoun"].generate(
        5400, "train", {"distance": 9, "attractors": 2, "switches": 0}, 8
    )
    assert independence(items, FEATURES[feature]) > 1e-4


@pytest.mark.parametrize("feature", ["number", "gap"])
@pytest.mark.parametrize("name", ["reflexive", "agreement"])
def test_number_and_gap_do_not_show_whether_the_last_person_misleads(name, feature):
    def misleads(item):
        return item.contrast in ("last", "incongruent")

    features = {
        "number": lambda item: len(persons(item)),
        "gap": lambda item: item.targets[0] - persons(item)[-1],
    }
    assert independence(many_items(name), features[feature], misleads) > 1e-4


def test_independence_detects_a_leak():
    # One item in thirty reveals its label.
    def leaky(item):
        return label(item) if item.tokens[1] == "king" else "nothing"

    assert independence(many_items("pronoun_nouns"), leaky) < 1e-9


@every_probe
@pytest.mark.parametrize(
    ("attractors", "switches"), [(0, 0), (1, 0), (0, 1), (0, 5), (1, 1), (2, 0), (6, 5)]
)
def test_label_first_and_last_person_are_balanced_exactly(name, attractors, switches):
    probe = PROBES[name]
    factors = with_factors(name, attractors=attractors, switches=switches, distance=30)
    switches = factors.get("switches", 0)
    items = probe.generate(216, "train", factors, 11)
    n = len(probe.labels)
    assert set(Counter(map(label, items)).values()) == {216 / n}
    ends = Counter((label(i), forms(name, i)[0], forms(name, i)[-1]) for i in items)
    if attractors >= 2 or (attractors and switches):
        assert len(ends) == n**3
        assert set(ends.values()) == {216 / n**3}
    elif switches:
        assert len(ends) == n**2
        assert set(ends.values()) == {216 / n**2}
        assert all(one == last for one, _, last in ends)
    elif attractors:
        for end in (1, 2):
            assert sum(count for case, count in ends.items() if case[0] == case[end]) == 108
    else:
        assert all(len(set(case)) == 1 for case in ends)


@every_probe
def test_baselines_are_at_chance_where_cues_are_balanced(name):
    probe = PROBES[name]
    factors = with_factors(name, attractors=3, distance=30, switches=2, depth=1)
    items = probe.generate(216, "test", factors, 2)
    baselines = probe.baselines()
    for baseline in (baselines["first_cue"], baselines["last_cue"]):
        right = [item for item in items if baseline(item.tokens) == list(item.labels)]
        assert len(right) == 216 * probe.chance(factors)
        assert "incongruent" not in {item.contrast for item in right}
    assert "incongruent" in {item.contrast for item in items}


@every_probe
@pytest.mark.parametrize("rank", [0, -1], ids=["most frequent", "least frequent"])
def test_counting_forms_does_not_reveal_the_label(name, rank):
    probe = PROBES[name]
    factors = with_factors(name, distance=60, attractors=6, switches=2)
    hits = 0
    for item in probe.generate(900, "train", factors, 8):
        counts = Counter(dict.fromkeys(probe.labels, 0)) + Counter(forms(name, item))
        hits += counts.most_common()[rank][0] == label(item)
    assert hits / 900 < 0.6
