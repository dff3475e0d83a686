"""Figures as words, and what they mean."""

import math
from collections.abc import Callable

import pandas as pd

DASH = "–"


def percent(share: float) -> str:
    """Return a share in per cent, rounded down: 100.0 says that all are right."""
    return DASH if pd.isna(share) else f"{math.floor(1000 * share + 1e-6) / 10:.1f}"


def interval(share: float, low: float, high: float) -> tuple[str, str] | str:
    """Return a share and its interval, in per cent, as the cell of a table."""
    if pd.isna(share):
        return DASH
    # Rounded outwards: an interval is never narrower than it is.
    return percent(share), f"[{percent(low)}, {math.ceil(1000 * high - 1e-6) / 10:.1f}]"


def spread(
    middle: float, least: float, most: float, form: Callable[[float], str] = percent
) -> tuple[str, str] | str:
    """Return a median and the range around it, if there is one, as the cell of a table."""
    if pd.isna(middle):
        return DASH
    return form(middle) if least == most else (form(middle), f"{form(least)} to {form(most)}")


def whole(number: float) -> str:
    """Return a whole number with its thousands set apart; a half is kept."""
    if pd.isna(number):
        return DASH
    return f"{number:,.1f}" if number % 1 else f"{number:,.0f}"


DEFINITIONS = (
    (
        "accuracy, and its interval",
        "Right answers over all answers, those of all seeds together; an answer is that at one "
        "target, or a whole item where the section says so. The interval is Wilson's of 95 % for "
        "so many answers; where an item has several, for as many independent ones as theirs are "
        "worth (their number over the design effect, which summary.csv has). It does not know "
        "that seeds differ: for that, see median and range.",
    ),
    (
        "within and beyond",
        "Within: all factors lie in the range that was trained on. Beyond: at least one does not. "
        "The mean is over the judged combinations, whose mix is not the same at all values of the "
        "axis where short sequences have no room for the hard ones. Far corner: every factor that "
        "was judged beyond its range is at its largest value.",
    ),
    (
        "median, range, solve rate",
        "Over the seeds of a setup. A seed solves what it is right about 99 % of the time or more.",
    ),
    (
        "d50",
        "The value of the axis at which the lower end of accuracy's interval falls below the "
        "middle between chance and 100 %, with the other factors in their training range: between "
        "the first judged value below and the one before, on straight lines over the logarithm of "
        "the axis. The interval narrows with more answers, so that d50 then grows a little. "
        "Above 500: accuracy is not halfway lost at 500, the largest judged value.",
    ),
    (
        "unbroken to",
        "The largest judged value of the axis such that a run is right there and at all smaller "
        "judged values, with the other factors in their training range: right in all items where "
        "whole items are judged, else in 99 % of the targets. 0 where the first one fails. For "
        "counting this is the contiguous n.",
    ),
    (
        "stale, capture, wrong",
        "Kinds of error, as shares of all answers. Stale: what was right before and no longer "
        "is, as an old subject after a new one came. Capture: something else that the item holds, "
        "as a person who is no subject. Wrong: anything else.",
    ),
    (
        "contrast",
        "Which shallow cues mislead in an item, in the probe's own words. Of the pronoun probe: "
        "the first person, the last one, both (incongruent) or neither (congruent) is of another "
        "gender than the answer.",
    ),
    (
        "baselines",
        "Accuracy of solvers that cannot do the task, on the answers that they say anything about. "
        "Untrained is the model before training, on a few items of each combination, all setups "
        "together.",
    ),
    (
        "differences",
        "Accuracy less that of the reference on the same items. Items are drawn anew together for "
        "all cells, seeds for each on its own, 2000 times; the interval holds the middle 95 %. One "
        "seed alone says nothing about others. Intervals are not widened for many comparisons.",
    ),
    (
        "solved at a lag",
        "Training at that lag alone, from scratch, reached the accuracy asked for within the "
        "budget of sequences. A run that gave up at a shorter lag counts as not solving it. The "
        "sequences are the median and range of the runs that did.",
    ),
    (
        "gradient, a step, left at a lag",
        "The norm of the gradient of the loss at the target with respect to the output h, k tokens "
        "before, mean over 64 items. A straight line is fitted to its logarithm; the factor at a "
        "step is what it shrinks or grows by with each token further back.",
    ),
    (
        "score in pairs, ceiling, argmax, both sides",
        "Of two sentences that differ in one word, the score is how often the good word's class is "
        "more probable than the bad one's. The ceiling is the best that a preference for one of "
        "the two classes, whatever the sentence, can score on these pairs: chance is not one half. "
        "Argmax: the good class is the most probable of all. Both sides: where an item stands in "
        "both versions, both are right. Antecedent seen: it is in the model's vocabulary.",
    ),
)
