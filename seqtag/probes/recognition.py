"""Recognition: whether a string is in a formal language, for several languages.

    a b b # b b a ?         yes         (marked_reversal: a string, "#", the string reversed)

Languages of FLaRe (Butoi et al. 2024, "Training Neural Networks as Recognizers of Formal
Languages") that no other probe asks for. Those of its languages that ask for the result of a
computation are here as that computation: `parity`, `cycle`, `even_pairs`, `modular_arithmetic`,
`stack_manipulation`, `missing_duplicate`, `odds_first`, `binary_addition`, `binary_multiplication`,
`square_root` and `bucket_sort`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from seqtag.errors import InputError, unknown
from seqtag.probes.base import Labels, Published
from seqtag.probes.languages import LANGUAGES
from seqtag.probes.registry import register
from seqtag.probes.synthetic import Synthetic, at_end, noise

QUERY = "?"
ANSWERS = ("yes", "no")
_LENGTHS = (10, 20, 40, 60, 80, 120, 160, 200, 300, 400, 500)
_QUICK = (10, 20, 40, 80, 160)
# Share of the strings outside the language that are made from one in it by some edits.
_EDITED = 0.5


@register("language_first", language="first")
@register("language_repeat", language="repeat")
@register("language_dyck", language="dyck")
@register("language_majority", language="majority")
@register("language_marked_reversal", language="marked_reversal")
@register("language_reversal", language="reversal")
@register("language_marked_copy", language="marked_copy")
class RecognitionProbe(Synthetic):
    """Whether a string is in a language, labelled after it; half of the strings are.

    Half of the other strings are uniformly random, the others are strings of the language in which
    at least one symbol is replaced, more often one than several. Both have the same length, which
    is the only factor.

    Args:
        language: a key of `LANGUAGES`: first (starts with b), repeat (a b a b ...), dyck (two
            kinds of brackets, depth at most 3), majority (more b than a), marked_reversal,
            reversal (without a mark) or marked_copy.

    Raises:
        InputError: for an unknown language.
    """

    version = 1
    labels = ANSWERS
    bidirectional_safe = True
    axis = "length"
    unit = "symbols of the string"
    published = (
        Published(
            "marked reversal, right to length 500: Transformer, RNN, LSTM",
            "0.64, 0.70, 0.74",
            "Butoi et al. 2024, quoted second hand",
        ),
        Published(
            "marked copy, right to length 500: Transformer, RNN, LSTM",
            "0.63, 0.76, 0.69",
            "Butoi et al. 2024, quoted second hand",
        ),
    )

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise unknown("language", language, LANGUAGES)
        self.name = f"language_{language}"
        self.language = LANGUAGES[language]
        step, rest = self.language.step, self.language.rest
        self.training = MappingProxyType({"length": tuple(range(step - rest, 41 + rest, step))})
        lengths = {length: length + rest for length in _LENGTHS}
        self.evaluation = MappingProxyType({"length": tuple(lengths.values())})
        self.quick = MappingProxyType({"length": tuple(lengths[length] for length in _QUICK)})

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason with possible lengths if no string has this one, else ""."""
        step, rest = self.language.step, self.language.rest
        if factors["length"] and factors["length"] % step == rest:
            return ""
        return f"lengths are {step - rest}, {2 * step - rest}, {3 * step - rest}, ..."

    def write(
        self, random: Callable[[], float], answers: Sequence[str], factors: Mapping[str, int]
    ) -> tuple[list[str], list[int], list[int]]:
        """Return the tokens, the final "?" as target, and all symbols as cues."""
        length = factors["length"]
        string = self.language.draw(random, length)
        if answers[0] == "no":
            string = self._outside(random, string)
        return [*string, QUERY], [length], list(range(length))

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, computed by a recogniser of the language.

        Raises:
            InputError: if the tokens are not symbols of the language followed by "?".
        """
        *string, query = tokens or [""]
        if query != QUERY or not string or not set(string) <= set(self.language.symbols):
            known = ", ".join(self.language.symbols)
            raise InputError(f"probe {self.name}: expected a string of {known} followed by ?")
        return at_end(tokens, "yes" if self.language.contains(string) else "no")

    def _outside(self, random: Callable[[], float], string: list[str]) -> list[str]:
        """Return a string outside the language with the length of this one in it."""
        symbols = self.language.symbols
        if random() >= _EDITED:
            while self.language.contains(string):
                string = noise(random, symbols, len(string))
            return string
        edited = list(string)
        while self.language.contains(edited) or random() < 0.5:
            place = int(random() * len(edited))
            others = [symbol for symbol in symbols if symbol != edited[place]]
            edited[place] = others[int(random() * len(others))]
        return edited
