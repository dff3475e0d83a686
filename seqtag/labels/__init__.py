"""Label schemes: how labels of single tokens encode spans of tokens.

    plain   a label stands for itself (parts of speech, classes); there are no spans
    io      the label is the type itself: a run of equal labels is a span
    iob1    I-X everywhere; B-X only where a span of X follows another one directly
    bio     B-X opens a span, I-X continues it (also called IOB2)
    ioe1    I-X everywhere; E-X only where a span of X ends directly before another one
    ioe2    E-X closes a span, I-X stands before it
    bioes   as bio, but E-X closes a span of several tokens and S-X is a span of one token
    bilou   bioes with L for E and U for S
    bmes    bioes with M for I
    bmewo   bioes with M for I and W for S

(Ramshaw & Marcus 1995; Tjong Kim Sang & Veenstra 1999; Ratinov & Roth 2009.)

How a label is read, wherever spans are concerned:

- ``O``, or one of the scheme's letters, a hyphen and the type. The type is everything after the
  *first* hyphen: ``B-foo-bar`` is of type ``foo-bar``, ``B--x`` of type ``-x``.
- A letter alone (``B``) has the type ``_``, as in seqeval, and is written back without it.
- Under bioes, L and U (the BILOU letters) mean E and S. Under bmewo, V (the token of overlapping
  spans in BMEWO-V) means M. They are read, never written.
- Everything else (``""``, ``B-``, ``-X``, ``BX``, ``b-x``, ``O-X``) is not a label of the scheme:
  `problems` reports it, every other function raises `InputError`. (seqeval takes some of these
  with a warning. Its strict mode also strips hyphens from both ends of a type.)
- Under io every other label is a type, except those that look like labels of another scheme
  (``B-X``) and ``_``. Two spans of one type that touch cannot be told apart.

`Notation` describes labels that are written otherwise: with another separator, the letter after
the type, or lower-case letters. It converts them to the form above and back; `find_notation`
recognises it.

A label of `IGNORED` (None) marks a token that is neither trained on nor scored. Spans skip it: its
two neighbours count as adjacent.
"""

from seqtag.labels.conversion import ILLEGAL, Span, convert, spans, spans_to_labels
from seqtag.labels.detection import label_counts, mixes_bio_and_bioes, scheme_of
from seqtag.labels.letters import IGNORED, NOT_SCORED, OUTSIDE, SCHEMES, UNTYPED, check_labels
from seqtag.labels.notation import AS_IN_CORPUS, Notation
from seqtag.labels.recognition import find_notation, written_in
from seqtag.labels.transitions import (
    Problem,
    Transitions,
    allowed_transitions,
    complaint,
    neighbours,
    problems,
)

__all__ = [
    "AS_IN_CORPUS",
    "IGNORED",
    "ILLEGAL",
    "NOT_SCORED",
    "OUTSIDE",
    "SCHEMES",
    "UNTYPED",
    "Notation",
    "Problem",
    "Span",
    "Transitions",
    "allowed_transitions",
    "check_labels",
    "complaint",
    "convert",
    "find_notation",
    "label_counts",
    "mixes_bio_and_bioes",
    "neighbours",
    "problems",
    "scheme_of",
    "spans",
    "spans_to_labels",
    "written_in",
]
