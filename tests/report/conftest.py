"""A made-up study: two probes, two cells, lags that were learned, gradients, and two suites."""

import numpy as np
import pandas as pd
import pytest

from seqtag.study.gather import gather

ABOUT = {"direction": "both", "layers": 1, "hidden": 32, "parameters": 8448}
GRID = {"distance": (5, 20, 100), "attractors": (0, 4)}


# A group of a suite whose text does not decide the answer.
STEREOTYPES = {
    **{"suite": "winogender", "group": "occupation", "n": 60, "left_out": 0, "female": 0.7},
    **{"male": 0.4, "gap": 0.3, "coverage": 0.5},
}


def groups(number):
    """Return the groups of a suite as scored by the run of that number."""
    score = 0.6 + number / 10
    return [
        {
            **{"suite": "blimp", "group": group, "n": n, "left_out": 100 - n, "pairwise": score},
            **{"low": score - 0.1, "high": score + 0.1, "argmax": 0.5, "both_sides": None},
            **{"coverage": 0.25, "pairwise_covered": 1.0, "ceiling": 0.55, "ceiling_all": 0.808},
            **{"published": 0.882 if group == "gender_agreement" else None, "source": "they"},
        }
        for group, n in (("gender_agreement", 40), ("all", 80))
    ] + [{"suite": "blimp", "group": "verb_agreement", "n": 0, "left_out": 100}]


def shrinking_gradients(cell, seed):
    """Return a run's gradients, which shrink by a fixed factor at each step."""
    factors = {"initial": 0.9 if cell == "lstm" else 0.5, "trained": 0.95 - seed / 10}
    lags = np.arange(9)
    curves = [
        pd.DataFrame({"run": "x", "when": when, "state": "h", "k": lags, "norm": factor**lags})
        for when, factor in factors.items()
    ]
    slopes = [
        {"when": when, "state": "h", "slope": np.log(factor), "half_distance": 1.0}
        | {"kept": np.log(0.7) if cell == "lstm" else None}
        for when, factor in factors.items()
    ]
    return {"curves": pd.concat(curves), "gradients": slopes}


@pytest.fixture(scope="session")
def results(judged, save_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    shares = {"lstm": 0.95, "rnn": 0.5}
    for cell, share in shares.items():
        about = {"cell": cell, "start": "bias 1" if cell == "lstm" else ""}
        for seed in (0, 1):
            items = judged(
                GRID,
                lambda f: f["distance"] <= 20 and f["attractors"] == 0,
                lambda f, share=share: share if f["distance"] > 20 else 1.0,
                seed=seed,
                splits=("templates", "test"),
                **about,
            )
            save_run(folder / f"pronoun-{cell}-{seed}", items, **shrinking_gradients(cell, seed))
        counting = {"unit": "symbols <b>", "chance": 0.0, "probe": "counting_ab", **about}
        inside = {"within": lambda f: f["n"] <= 10, "accuracy": lambda f: float(f["n"] < 15)}
        items = judged({"n": tuple(range(1, 31))}, n=1, whole=True, **inside, **counting)
        items["error"] = ""
        items["contrast"] = ""
        save_run(folder / f"counting-{cell}", items)
    rows = [
        {
            **{"run": "", "probe": "pronoun", "cell": cell, "start": start, "direction": "both"},
            **{"layers": 1, "hidden": 32, "parameters": 8448, "seed": 0, "lag": lag},
            **{"budget": 1000, "solved": lag <= far, "sequences": 10 * lag, "accuracy": 0.5},
        }
        for cell, start, far in (("lstm", "bias 1", 20), ("lstm", "chrono 100", 40), ("rnn", "", 0))
        for lag in (10, 20, 40)
    ]
    for number, cell in enumerate(("lstm", "lstm", "rnn")):
        judged_ = {**ABOUT, "cell": cell, "start": "bias 1" if cell == "lstm" else ""}
        judged_ |= {"seed": number, "trained": "pronoun"}
        save_run(folder / f"blimp-{number}", groups=groups(number), judged=judged_)
    save_run(folder / "winogender", groups=[STEREOTYPES], judged=judged_ | {"trained": ""})
    for number, (_, own) in enumerate(pd.DataFrame(rows).groupby(["cell", "start"])):
        save_run(folder / f"learn-{number}", learn=own)
    return gather(sorted(folder.iterdir()), [folder / "left & out"])[0]


@pytest.fixture(scope="session")
def pronoun(results):
    return next(probe for probe in results.probes if probe.probe == "pronoun")


@pytest.fixture(scope="session")
def counting(results):
    return next(probe for probe in results.probes if probe.probe == "counting_ab")
