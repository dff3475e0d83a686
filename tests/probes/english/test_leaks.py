"""No shallow cue tells the label: not the first or last person, nor anything but the persons."""

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
# A name has no "the": only where there are none does nothing at all depend on the persons.
NOUNS_ALONE = {
    "pronoun_nouns": {"distance": 14, "attractors": 2, "switches": 1},
    "reflexive": {"distance": 14, "attractors": 2},
    "agreement": {"distance": 14, "attractors": 2},
}
every = pytest.mark.parametrize("name", PROBES)
FEATURES = {
    "next": lambda i: i.tokens[i.targets[0] + 1],
    "after_next": lambda i: i.tokens[-2],
    "template": lambda i: i.template,
    "before": lambda i: hidden(i.tokens[i.targets[0] - 1]),
    "before_subject": lambda i: hidden(i.tokens[i.cue_positions[-1] - 1]),
    "after_subject": lambda i: i.tokens[i.cue_positions[-1] + 1],
    "length": lambda i: len(i.tokens) // 4,
    "contrast": lambda i: i.contrast,
}


def hidden(token):
    """Return the token unless it is a person or a mark that depends on one."""
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
    """Return the factors that the probe has."""
    return {key: value for key, value in factors.items() if key in PROBES[name].evaluation}


def independence(items, feature, about=label):
    """Return the p-value of two features being independent (chi square), one of them the label.

    Values seen fewer than 60 times are pooled, so that every expected count is above 5.
    """
    counts = Counter(map(feature, items))
    pooled = {value: value if n >= 60 else "rare" for value, n in counts.items()}
    table = Counter((about(item), pooled[feature(item)]) for item in items)
    columns = sorted(set(pooled.values()), key=str)
    if len(columns) == 1:
        return 1.0
    rows = [[table[one, value] for value in columns] for one in sorted(set(map(about, items)))]
    return chi2_contingency(rows).pvalue


@cache
def many(name):
    """Return 10,800 training items of a probe."""
    return PROBES[name].generate(10_800, "train", NOUNS_ALONE[name], 8)


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("name", NOUNS_ALONE)
def test_nothing_but_the_persons_tells_the_label(name, feature):
    assert independence(many(name), FEATURES[feature]) > 1e-4


@pytest.mark.parametrize("feature", ["next", "after_next"])
def test_what_follows_the_pronoun_tells_nothing_with_names_either(feature):
    items = PROBES["pronoun"].generate(
        5400, "train", {"distance": 9, "attractors": 2, "switches": 0}, 8
    )
    assert independence(items, FEATURES[feature]) > 1e-4


@pytest.mark.parametrize("feature", ["number", "gap"])
@pytest.mark.parametrize("name", ["reflexive", "agreement"])
def test_whether_the_last_person_misleads_shows_in_nothing(name, feature):
    def misleads(item):
        return item.contrast in ("last", "incongruent")

    of = {
        "number": lambda item: len(persons(item)),
        "gap": lambda item: item.targets[0] - persons(item)[-1],
    }
    assert independence(many(name), of[feature], misleads) > 1e-4


def test_independence_sees_a_leak():
    # One item in thirty says its label.
    def leaky(item):
        return label(item) if item.tokens[1] == "king" else "nothing"

    assert independence(many("pronoun_nouns"), leaky) < 1e-9


@every
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


@every
def test_baselines_are_at_chance_where_cues_are_balanced(name):
    probe = PROBES[name]
    factors = with_factors(name, attractors=3, distance=30, switches=2, depth=1)
    items = probe.generate(216, "test", factors, 2)
    baselines = probe.baselines()
    for solve in (baselines["first_cue"], baselines["last_cue"]):
        right = [item for item in items if solve(item.tokens) == list(item.labels)]
        assert len(right) == 216 * probe.chance(factors)
        assert "incongruent" not in {item.contrast for item in right}
    assert "incongruent" in {item.contrast for item in items}


@every
@pytest.mark.parametrize("rank", [0, -1], ids=["most frequent", "least frequent"])
def test_counting_forms_does_not_give_the_label_away(name, rank):
    probe = PROBES[name]
    factors = with_factors(name, distance=60, attractors=6, switches=2)
    hits = 0
    for item in probe.generate(900, "train", factors, 8):
        counts = Counter(dict.fromkeys(probe.labels, 0)) + Counter(forms(name, item))
        hits += counts.most_common()[rank][0] == label(item)
    assert hits / 900 < 0.6
