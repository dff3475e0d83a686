"""The agreement probe: the number of a verb must be that of its subject.

    The nun who the kings near the twins saw VERB again .

VERB stands for a singular (laughs) or plural verb (laugh). Every noun occurs in both numbers; no
other word is marked for number.
"""

from types import MappingProxyType

from seqtag.probes.base import Published
from seqtag.probes.english import lexicon as lex
from seqtag.probes.english.phrases import Phrases
from seqtag.probes.english.subject import SubjectProbe
from seqtag.probes.registry import register

_LINZEN = "Linzen, Dupoux & Goldberg 2016: English text, trained to predict the number"
_MARVIN = "Marvin & Linzen 2018, table 1: language model of text, forced choice, chance 0.5"


@register("agreement")
class AgreementProbe(SubjectProbe):
    """The number of the subject, SG or PL, labelled at VERB."""

    name = "agreement"
    labels = lex.NUMBERS
    unit = "nouns of the other number"
    target = lex.VERB
    lexicons = lex.BY_NUMBER
    form_of = lex.NUMBER_OF
    min_distance = 0
    training = MappingProxyType({"attractors": (0, 1, 2), "distance": tuple(range(21))})
    published = (
        Published(
            "LSTM, all sentences", "error below 1 %, higher with misleading attractors", _LINZEN
        ),
        Published("LSTM, across a prepositional phrase", "0.57", _MARVIN),
        Published("LSTM, across a subject relative clause", "0.56", _MARVIN),
        Published("LSTM, across an object relative clause", "0.50", _MARVIN),
        Published("people, the same three", "0.85, 0.88, 0.85", _MARVIN),
    )

    def predicate(self, phrases: Phrases) -> list[str]:
        """Return "VERB ." or, with an adverb, "VERB again ."."""
        adverb = [phrases.pick(lex.ADVERBS)] if phrases.random() < 0.3 else []
        return [lex.VERB, *adverb, "."]
