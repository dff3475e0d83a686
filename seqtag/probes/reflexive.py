"""The reflexive probe: himself, herself or themselves, depending on the subject of the clause.

    The nun who the kings near the twins saw liked PRON .
    The king said that the nun near the twins liked PRON .

PRON is F in both: the subject of "liked" decides, not the subject of "saw" or of "said".
"""

from types import MappingProxyType

from seqtag.probes.base import Published
from seqtag.probes.english import lexicon as lex
from seqtag.probes.english.phrases import Phrases
from seqtag.probes.english.subject import SubjectProbe
from seqtag.probes.registry import register

_SOURCE = "Marvin & Linzen 2018, table 1: language model of text, forced choice, chance 0.5"


@register("reflexive")
class ReflexiveProbe(SubjectProbe):
    """The gender or number of the subject, labelled at PRON, the object of its verb."""

    name = "reflexive"
    labels = lex.GENDERS
    unit = "persons of another gender or number"
    target = lex.PRON
    lexicons = lex.BY_GENDER
    form_of = lex.GENDER_OF
    min_distance = 1
    training = MappingProxyType({"attractors": (0, 1, 2), "distance": tuple(range(1, 21))})
    published = (
        Published("LSTM, reflexive right after subject and verb", "0.83", _SOURCE),
        Published("LSTM, reflexive in a sentential complement", "0.86", _SOURCE),
        Published("LSTM, reflexive across an object relative clause", "0.55", _SOURCE),
        Published("people, the same three", "0.96, 0.91, 0.87", _SOURCE),
    )

    def predicate(self, phrases: Phrases) -> list[str]:
        """Return "liked PRON ." or, with an adverb, "liked PRON again ."."""
        adverb = [phrases.pick(lex.ADVERBS)] if phrases.random() < 0.3 else []
        return [phrases.vary(lex.TRANSITIVE), lex.PRON, *adverb, "."]
