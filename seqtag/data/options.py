"""How sentences become batches: the options, without what needs torch."""

from dataclasses import dataclass
from typing import Annotated

from seqtag.checks import AtLeast, AtMost, Count, check_fields


@dataclass(frozen=True)
class BatchConfig:
    """How much goes into a batch, which is that of all processes together.

    Attributes:
        sentences: at most this many sentences.
        tokens: at most this many tokens, padding counted; a longer sentence is a batch alone.
        workers: processes that prepare batches beside the training one; 0 for none.
    """

    sentences: Count = 32
    tokens: Count = 4096
    workers: Annotated[int, AtLeast(0), AtMost(1024)] = 0

    def __post_init__(self) -> None:
        check_fields(self)
