"""Numbers as text, and the definitions of all figures in a report."""

import math
from collections.abc import Callable

import pandas as pd

DASH = "–"


def percent(share: float) -> str:
    """Return a share in per cent, rounded down: only a share of 1 becomes 100.0."""
    return DASH if pd.isna(share) else f"{math.floor(1000 * share + 1e-6) / 10:.1f}"


def interval(share: float, low: float, high: float) -> tuple[str, str] | str:
    """Return a share and its interval, in per cent, for a cell of a table."""
    if pd.isna(share):
        return DASH
    # Rounded outwards, so that the interval shown is never narrower than the real one.
    return percent(share), f"[{percent(low)}, {math.ceil(1000 * high - 1e-6) / 10:.1f}]"


def spread(
    middle: float, least: float, most: float, form: Callable[[float], str] = percent
) -> tuple[str, str] | str:
    """Return a median, with its range unless all values are equal, for a cell of a table."""
    if pd.isna(middle):
        return DASH
    return form(middle) if least == most else (form(middle), f"{form(least)} to {form(most)}")


def with_separators(number: float) -> str:
    """Return a number with separators between thousands: "1,000"; a half is shown as ".5"."""
    if pd.isna(number):
        return DASH
    return f"{number:,.1f}" if number % 1 else f"{number:,.0f}"


DEFINITIONS = (
    (
        "accuracy and its interval",
        "Right answers divided by all answers, the answers of all seeds counted together. An "
        "answer is the prediction at one target, or for a whole item where the section says so. "
        "The interval is Wilson's 95 % interval for that number of answers; if items have several "
        "answers, which are not independent, for that number divided by the design effect (column "
        "design_effect of summary.csv). The interval does not include the variation between "
        "seeds, which median and range show.",
    ),
    (
        "within and beyond the training range",
        "Within: every factor of the item lies in the range that was trained on. Beyond: at least "
        "one factor lies outside it. Both are averages over the answers at all judged "
        "combinations of factors; short sequences have no room for the hardest combinations, so "
        "the mix of combinations differs along the axis. Far corner: every factor that was judged "
        "outside its training range has its largest judged value. A run prints its "
        "accuracies beyond and within, for the test split, and stores them in run.json as scores.",
    ),
    (
        "median, range, solve rate",
        "Over the seeds of a setup. A seed solves a region if at least 99 % of its answers there "
        "are right; the solve rate is the share of seeds that do.",
    ),
    (
        "d50",
        "The value of the axis at which accuracy is halfway down to chance: where the lower end of "
        "its interval falls below the middle between chance and 100 %, with the other factors in "
        "their training range. It is interpolated between the first judged value where the lower "
        "end is below the middle and the value before, linearly in the logarithm of the axis (in "
        "the axis itself if it has a 0). More answers make the interval narrower, which makes d50 "
        "slightly larger. > 500: the lower end is not below the middle up to 500, the largest "
        "judged value. < 5: it is already below it at 5, the smallest one. Too few answers: it is "
        "below the middle although all answers are right.",
    ),
    (
        "solved up to",
        "The largest judged value of the axis such that a run solves it and all smaller judged "
        "values, with the other factors in their training range. A value is solved if all items "
        "are right, where whole items are judged, and otherwise if 99 % of the targets are. 0 if "
        "the first value is not solved. For the counting probes this is the n up to which a "
        "network counts without an error. Median over seeds, and range.",
    ),
    (
        "stale, capture, wrong",
        "Kinds of error, as shares of all answers. Stale: an answer that was right earlier in the "
        "item and no longer is, such as the old subject after a switch to a new one. Capture: an "
        "answer taken from something else in the item, such as a person who is not a subject. "
        "Wrong: any other error.",
    ),
    (
        "contrast",
        "Which shallow cues mislead in an item; each probe defines the values. In the pronoun "
        "probe the cues are the first and the last person: the gender of the first, of the last, "
        "of both (incongruent) or of neither (congruent) differs from the answer.",
    ),
    (
        "baselines",
        "Accuracy of simple solvers that cannot do the task, where they make a prediction. "
        "Majority, context free and window predict the label that was most frequent "
        "in training: of all targets, of targets with the same word, and of targets with the same "
        "last four words. First cue, second, last but one, last cue and frequent cue decide by "
        "that word that looks like a cue, such as a person, or by the most frequent one; number "
        "by how many there are. Untrained is the model "
        "before training, on a few items of each combination, all setups together.",
    ),
    (
        "differences",
        "Accuracy minus that of the reference setup on the same items, in percentage points. The "
        "interval is a bootstrap: 2000 times, items are drawn with replacement, the same ones for "
        "all setups, and seeds for each setup separately; the interval holds the middle 95 %. "
        "With one seed, the interval does not include the variation between seeds. Intervals are "
        "not widened for multiple comparisons.",
    ),
    (
        "solved at a lag",
        "A run trained from scratch at that lag alone reached the required accuracy within its "
        "budget of sequences. A run that gave up at a shorter lag counts as not solving it. The "
        "numbers of sequences are the median and range over the runs that solved it.",
    ),
    (
        "gradient, factor per step, left at a lag",
        "The norm of the gradient of the loss at the target with respect to the output h, k tokens "
        "earlier, averaged over 64 items. A straight line is fitted to its logarithm; the factor "
        "per step is how much the gradient shrinks or grows with each further token back.",
    ),
    (
        "score in pairs, ceiling, most probable class, both sides",
        "Two sentences of a pair differ in one word. The score in pairs is how often the class of "
        "the correct word is more probable than that of the wrong one. The ceiling is the highest "
        "score that a fixed preference for one of the two classes can reach on these pairs without "
        "reading the sentence, so chance is not one half. Most probable class: how often the "
        "correct class is the most probable of all. Both sides: how often both are right, among "
        "items with two versions. Antecedent known: how often the word that the pronoun refers to "
        "is in the model's vocabulary; score where known: the score in pairs of these items. "
        "Ceiling, whole group: the same, including the pairs that could not be judged.",
    ),
)
