"""Tables that the evaluation of a model on a probe writes, and the meaning of their columns.

A run's folder has `items.parquet` (one row for each target) or `learn.csv` (regime learn: one row
for each trained lag), and `run.json` (the record of the run). A study is many such folders.

Columns of `items.parquet`:

    run         name of the run's folder
    probe       name of the probe; version: its version; axis: the factor that accuracy is plotted
                against, whose value is in `factor_<axis>`; unit: what the axis counts; whole:
                whether an item is right only if all its targets are right (they share `item`)
    cell        name of the recurrent cell; start: initial biases of its gates: "bias 1",
                "chrono 100", "" if no gate has an initial bias to choose
    direction   "forward" or "both" (bidirectional); layers, hidden, parameters: sizes
    seed        of training; data_seed: of the generated items
    table       "main", or another table of the probe that no average includes ("retention")
    regime      "reach", or "given" for a model folder; lag: the single lag of training, else null
    split       "test", "templates"; lexicon, template, contrast: those of the item
    item        number of the item within the run; position of the target in it; length of it
    factor_*    value of each factor of the probe
    within      whether all factors lie in the training range
    gold, predicted: labels; p_gold: probability of gold; margin: p_gold minus that of the best
                other label
    right       predicted == gold; error: "" or the kind of error: "stale", "capture", "wrong"
    chance      accuracy of guessing under these factors (of whole items where `whole`)
    baseline_*  whether the baseline of that name is right at this target, null if it gives no
                answer: majority, context_free, window, untrained, and those that decide by cues:
                first_cue, second, last_but_one, last_cue, frequent_cue, number

Columns of `learn.csv`: run, probe, cell, start, direction, layers, hidden, parameters, seed,
data_seed, lag, budget (maximum number of sequences), solved (True or False), sequences (seen when
it was solved, or in total), accuracy (on fresh items at the end; of whole items if the probe scores
whole items).

Columns of `gradients.csv` (inspect=gradients: one row for each curve and lag): run, cell, start,
when ("initial" or "trained"), state ("h", "c"), k, norm (mean of the norm of dL_t/dstate_{t-k}).
The lines fitted to these curves are in `run.json`, under "gradients".

A run on a suite writes `pairs.parquet` and `suite.json` instead, see `suites.judge.run_suite`. Its
`run.json` describes the evaluated tagger under "judged": the columns from cell to seed, and
`trained`, the probe that it was trained on ("" for a corpus).
"""

from collections.abc import Iterable, Sequence

import pyarrow as pa

# The cue that a baseline decides by: the first, second, last but one or last, the most frequent, or
# the number of cues.
CUE_BASELINES = ("first_cue", "second", "last_but_one", "last_cue", "frequent_cue", "number")
BASELINES = ("majority", "context_free", "window", "untrained", *CUE_BASELINES)
# Baselines that a trained model must beat: they answer every item, and are not models themselves.
REFERENCES = tuple(name for name in BASELINES if name != "untrained")
# The table of a probe whose combinations of factors averages are taken over.
MAIN = "main"
# Names of the slices of accuracies: by all combinations of factors; by the value of the axis, over
# all values of the other factors, or over those within or beyond their training range; within and
# beyond the training range as a whole; the far corner.
FACTORS, AXIS = "factors", "axis"
AXIS_IN, AXIS_BEYOND = "axis, others in range", "axis, others beyond"
WITHIN, BEYOND, CORNER = "within", "beyond", "far corner"
ITEMS, LEARN, RUN = "items.parquet", "learn.csv", "run.json"
PAIRS, SUITE = "pairs.parquet", "suite.json"
GRADIENTS, CURVES_PICTURE = "gradients.csv", "gradients.png"

_WORD = pa.dictionary(pa.int32(), pa.string())


def ordered_splits(splits: Iterable[str]) -> list[str]:
    """Return the evaluated splits of a probe without repeats; the main one, "test", first."""
    return sorted(set(splits), key=lambda split: (split != "test", split))


def items_schema(factors: Sequence[str]) -> pa.Schema:
    """Return the columns of `items.parquet` for a probe with these factors."""
    words = (
        "run",
        "probe",
        "axis",
        "unit",
        "cell",
        "start",
        "direction",
        "regime",
        "split",
        "table",
    )
    columns = {
        **dict.fromkeys(words, _WORD),
        **dict.fromkeys(("version", "layers", "hidden", "parameters"), pa.int64()),
        **dict.fromkeys(("seed", "data_seed", "lag", "item", "position", "length"), pa.int64()),
        **dict.fromkeys(("lexicon", "template", "contrast"), _WORD),
        **dict.fromkeys((f"factor_{name}" for name in factors), pa.int64()),
        **dict.fromkeys(("whole", "within", "right"), pa.bool_()),
        **dict.fromkeys(("gold", "predicted", "error"), _WORD),
        **dict.fromkeys(("p_gold", "margin", "chance"), pa.float32()),
        **dict.fromkeys((f"baseline_{name}" for name in BASELINES), pa.bool_()),
    }
    return pa.schema(list(columns.items()))
