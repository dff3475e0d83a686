"""A made-up study: figures of two probes, two cells, and lags that were learned."""

import pandas as pd
import pytest

from seqtag.training.gathering import gather

GRID = {"distance": (5, 20, 100), "attractors": (0, 4)}


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
            save_run(folder / f"pronoun-{cell}-{seed}", items)
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
    for number, (_, own) in enumerate(pd.DataFrame(rows).groupby(["cell", "start"])):
        save_run(folder / f"learn-{number}", learn=own)
    return gather(sorted(folder.iterdir()), [folder / "left & out"])[0]


@pytest.fixture(scope="session")
def pronoun(results):
    return next(probe for probe in results.probes if probe.probe == "pronoun")


@pytest.fixture(scope="session")
def counting(results):
    return next(probe for probe in results.probes if probe.probe == "counting_ab")
