"""What the labels of well-known tag sets mean."""

_TAG_SETS = """
# Universal Dependencies
ADJ adjective
ADP adposition: preposition or postposition
ADV adverb
AUX auxiliary verb
CCONJ coordinating conjunction
DET determiner
INTJ interjection
NOUN noun
NUM number
PART particle
PRON pronoun
PROPN proper noun
PUNCT punctuation
SCONJ subordinating conjunction
SYM symbol
VERB verb
X other: foreign words, typing errors
# Penn Treebank
CC coordinating conjunction
CD number
DT determiner
EX existential there
FW foreign word
IN preposition or subordinating conjunction
JJ adjective
JJR adjective, comparative
JJS adjective, superlative
LS mark of a list item
MD modal verb
NN noun, singular or mass
NNP proper noun, singular
NNPS proper noun, plural
NNS noun, plural
PDT predeterminer
POS possessive ending
PRP personal pronoun
PRP$ possessive pronoun
RB adverb
RBR adverb, comparative
RBS adverb, superlative
RP particle
TO to
UH interjection
VB verb, base form
VBD verb, past tense
VBG verb, gerund or present participle
VBN verb, past participle
VBP verb, present tense, not third person singular
VBZ verb, present tense, third person singular
WDT wh-determiner
WP wh-pronoun
WP$ possessive wh-pronoun
WRB wh-adverb
# Chunks of CoNLL-2000
ADJP adjective phrase
ADVP adverb phrase
CONJP conjunction phrase
LST mark of a list item
NP noun phrase
PP prepositional phrase
PRT particle
SBAR subordinate clause
UCP phrases of several kinds, coordinated
VP verb phrase
# Entities: CoNLL-2003, OntoNotes, WNUT-17
PER person
PERSON person
LOC place
LOCATION place
ORG organisation
MISC name of another kind: nationality, event, work
GPE country, city or state
NORP nationality, or religious or political group
FAC building, airport, road or bridge
FACILITY building, airport, road or bridge
PRODUCT product
EVENT event
WORK_OF_ART title of a book, song or other work
CREATIVE-WORK title of a book, song or other work
LAW law or treaty
LANGUAGE language
DATE date or period
TIME time of the day
PERCENT percentage
MONEY amount of money
QUANTITY measure
ORDINAL ordinal number
CARDINAL number that no other type covers
GROUP group: band, team
CORPORATION company
CITY city
COUNTRY country
O no span
"""
_DESCRIPTIONS = dict(
    line.split(" ", 1) for line in _TAG_SETS.strip().splitlines() if not line.startswith("#")
)


def describe_label(name: str) -> str | None:
    """Return what a span type or a plain label means in the tag sets that use it, else None.

    Upper and lower case do not matter.
    """
    return _DESCRIPTIONS.get(name.upper())
