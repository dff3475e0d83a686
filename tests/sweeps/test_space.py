"""The search space: Hydra's sweep syntax as Optuna's distributions."""

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from seqtag.errors import InputError
from seqtag.sweeps.space import Space


class Groups:
    """Stand-in for Hydra's config loader, with one group."""

    def get_group_options(self, name, results_filter=None):
        return ["gru", "lstm", "rnn"] if name == "cell" else []


def space(*overrides: str) -> Space:
    return Space.from_overrides(
        OverridesParser.create(config_loader=Groups()).parse_overrides([*overrides])
    )


@pytest.mark.parametrize(
    ("value", "distribution"),
    [
        ("interval(0, 0.5)", FloatDistribution(0.0, 0.5)),
        ("tag(log, interval(1e-4, 1e-2))", FloatDistribution(1e-4, 1e-2, log=True)),
        ("int(interval(64, 256))", IntDistribution(64, 256)),
        ("tag(log, int(interval(64, 256)))", IntDistribution(64, 256, log=True)),
        ("range(1, 4)", IntDistribution(1, 3)),
        ("range(8, 1, -2)", IntDistribution(2, 8, step=2)),
        ("1,2.5", CategoricalDistribution(["1", "2.5"])),
        ("choice(a, [b, c])", CategoricalDistribution(["a", "[b,c]"])),
        ("range(0.5, 1.25, 0.25)", CategoricalDistribution(["0.5", "0.75", "1.0"])),
    ],
)
def test_sweep_overrides_become_distributions(value, distribution):
    assert space(f"x={value}").distributions() == {"x": distribution}


def test_a_glob_is_a_choice_of_options():
    assert space("cell=glob(*)").distributions()["cell"].choices == ("gru", "lstm", "rnn")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("interval(1, 0)", "x=interval(1, 0): "),
        ("tag(log, interval(0, 1))", "x=tag(log, interval(0, 1)): "),
        ("tag(lgo, interval(1, 2))", "unknown tag 'lgo' (did you mean 'log'?)"),
        ("tag(log, choice(1, 2))", "applies only to an interval"),
        ("range(4, 1)", "it has no values"),
    ],
)
def test_invalid_search_spaces_are_refused(value, message):
    with pytest.raises(InputError) as raised:
        space(f"x={value}").distributions()
    assert message in str(raised.value)


def test_a_search_without_searched_overrides_is_refused():
    with pytest.raises(InputError, match="needs something to search"):
        space("search=tpe", "search.trials=3", "cell=lstm", "seed=1,2")


def test_a_trial_is_a_job_for_each_seed():
    parsed = space("search=tpe", "cell=lstm,gru", "+a.b='x y'", "seed=1,2", "study=mine")
    assert parsed.jobs({"cell": "gru"}) == [
        ["+a.b='x y'", "study=mine", "cell=gru", f"seed={seed}"] for seed in (1, 2)
    ]


def test_covering_choices_have_each_option():
    choices = list(space("cell=lstm,gru,rnn", "x=interval(0, 1)").covering_choices())
    assert [choice["cell"] for choice in choices] == ["lstm", "gru", "rnn"]
    assert {choice["x"] for choice in choices} == {0.0, 1.0}


def test_parameters_as_an_experiment():
    parsed = space("cell=lstm,gru", "a.b.c=interval(0, 1)", "a.b.d=choice([1, 2], x)", "e=1,2")
    text = parsed.experiment({"cell": "gru", "a.b.c": 0.25, "a.b.d": "[1,2]", "e": "2"})
    assert yaml.safe_load(text) == {
        "defaults": [{"override /cell": "gru"}],
        "a": {"b": {"c": 0.25, "d": [1, 2]}},
        "e": 2,
    }


def test_seeds_and_folds_are_not_searched():
    found = space("cell=lstm,gru", "seed=1,2", "data.fold=0,1", "data.folds=2")
    assert list(found.searched) == ["cell"]
    jobs = found.jobs({"cell": "gru"})
    assert len(jobs) == 4
    assert jobs[1] == ["data.folds=2", "cell=gru", "seed=1", "data.fold=1"]
