"""A search: reproducible, shared through its storage, resumed, and trials that were killed."""

import json
import subprocess
import sys

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from seqtag.checks import from_plain
from seqtag.errors import InputError
from seqtag.sweeps.search import Search, SearchConfig

SPACE = {"x": FloatDistribution(0, 1), "cell": CategoricalDistribution(["lstm", "gru"])}
OPTIONS = {
    **{"sampler": "tpe", "trials": 4, "metric": "dev", "direction": "maximize"},
    **{"seed": 1, "storage": None},
}


def search(name="train/a", space=SPACE, **options) -> Search:
    return Search(SearchConfig(**{**OPTIONS, **options}), space, name)


def run(searching: Search, most: int = 1) -> list[dict]:
    """Run a search to its end with x as the value; return the parameters of its trials."""
    chosen = []
    while trials := searching.ask(most):
        for trial in trials:
            chosen.append(trial.params)
            searching.tell(trial, trial.params["x"], None)
    return chosen


@pytest.fixture(params=["sqlite", "journal"])
def storage(request, tmp_path):
    return f"sqlite:///{tmp_path}/x.db" if request.param == "sqlite" else f"{tmp_path}/x.journal"


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_trials_depend_only_on_the_seed(sampler):
    first = run(search(sampler=sampler, trials=14))
    assert len(first) == 14
    assert run(search(sampler=sampler, trials=14)) == first
    assert run(search(sampler=sampler, trials=14, seed=2)) != first
    assert len({choice["x"] for choice in first}) == 14


def test_parallel_trials_are_reproducible():
    first = run(search(trials=7), most=3)
    assert len(first) == 7
    assert run(search(trials=7), most=3) == first


def test_two_processes_share_a_storage(storage):
    first, second = search(storage=storage, trials=5), search(storage=storage, trials=5)
    asked = [*first.ask(2), *second.ask(2)]
    assert [trial.number for trial in asked] == [0, 1, 2, 3]
    assert len({trial.params["x"] for trial in asked}) == 4
    (last,) = first.ask(2)
    assert second.ask(2) == []
    first.tell(last, None, "no such corpus")
    for trial in asked:
        first.tell(trial, trial.params["x"], None)
    assert len(second.rows()) == 6
    assert second.rows()[-1][-1] == "no such corpus"
    assert second.best().number == max(asked, key=lambda trial: trial.params["x"]).number


def test_a_search_is_resumed_with_more_trials(storage):
    first = run(search(storage=storage, trials=3))
    more = run(search(storage=storage, trials=5))
    assert len(more) == 2
    assert not {choice["x"] for choice in first} & {choice["x"] for choice in more}


KILLED = """
import json, os, sys
from optuna.distributions import FloatDistribution
from seqtag.sweeps.search import Search, SearchConfig
options = json.loads(sys.argv[1])
Search(SearchConfig(**options), {"x": FloatDistribution(0, 1)}, "train/a").ask(2)
os.kill(os.getpid(), 9)
"""


def test_trials_of_a_killed_process_are_replaced(tmp_path):
    options = {**OPTIONS, "trials": 3, "storage": f"sqlite:///{tmp_path}/x.db"}
    space = {"x": FloatDistribution(0, 1)}
    surviving = Search(SearchConfig(**options), space, "train/a")
    done = subprocess.run([sys.executable, "-c", KILLED, json.dumps(options)], check=False)
    assert done.returncode == -9
    assert len(run(surviving)) == 3
    assert len(surviving.rows()) == 4


def test_a_released_trial_is_replaced():
    searching = search(trials=2)
    (trial,) = searching.ask(1)
    searching.free(trial)
    assert len(run(searching)) == 2


def test_direction_minimize():
    searching = search(direction="minimize")
    chosen = run(searching)
    assert searching.best().params == min(chosen, key=lambda choice: choice["x"])
    values = [float(row[1]) for row in searching.rows()[1:]]
    assert values == sorted(values)


def test_a_search_whose_trials_all_failed_has_no_best():
    searching = search(trials=1)
    (trial,) = searching.ask(1)
    searching.tell(trial, None, "no")
    assert searching.best() is None
    assert searching.ask(1) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": "tpee"}, "search.sampler must be one of tpe, random, not 'tpee' (did you"),
        ({"direction": "max"}, "search.direction must be one of auto, maximize, minimize, not"),
        ({"trials": 0}, "search.trials must be a whole number from 1 to"),
        ({"seed": "x"}, "seed must be a whole number from 0"),
        ({"trails": 3}, "unknown key 'trails' (did you mean 'trials'?)"),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises(InputError) as raised:
        from_plain(SearchConfig, {**OPTIONS, **options}, "search")
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "storage", ["sqlite:////no/such/folder/x.db", "nonsense://x", "/no/such/folder/x.journal"]
)
def test_an_unreachable_storage_is_refused(storage):
    with pytest.raises(InputError, match=f"search.storage={storage}: ."):
        search(storage=storage)


def test_another_search_of_the_same_name_is_refused(storage):
    run(search(storage=storage))
    with pytest.raises(InputError, match=r"exists already with search\.direction=maximize"):
        search(storage=storage, direction="minimize")
    with pytest.raises(InputError, match="exists already, with another search space: x, cell"):
        search(storage=storage, space={"x": FloatDistribution(0, 1)})


def test_without_optuna_the_error_has_the_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"pip install 'seqtag\[search\]'"):
        search()


@pytest.mark.parametrize(
    ("score", "metric", "direction"),
    [
        ("dev", None, "maximize"),
        ("dev", "macro_f1", "maximize"),
        ("dev", "f1.PER", "maximize"),
        ("dev", "loss", "minimize"),
        ("dev loss", "loss", "minimize"),
        ("beyond", None, "maximize"),
    ],
)
def test_the_direction_is_that_of_the_score(score, metric, direction):
    settings = SearchConfig(**{**OPTIONS, "metric": score, "direction": "auto"})
    assert settings.resolved(metric).direction == direction
    other = {"maximize": "minimize", "minimize": "maximize"}[direction]
    with pytest.raises(InputError, match=f"search for the worst {score}: .*{direction}"):
        SearchConfig(**{**OPTIONS, "metric": score, "direction": other}).resolved(metric)
