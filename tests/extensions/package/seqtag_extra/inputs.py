"""An input of a word: its last letters."""

from collections import Counter
from dataclasses import dataclass

from seqtag.checks import Count
from seqtag.inputs import WordInput, register
from seqtag.inputs.vocabulary import Vocabulary, build_vocabulary


@dataclass(frozen=True)
class SuffixOptions:
    size: Count = 16
    length: Count = 3


@register("suffix")
class Suffix(WordInput):
    """The id of a word's last letters."""

    Options = SuffixOptions

    def __init__(self, vocabulary, length):
        self.vocabulary, self.length = vocabulary, length
        self.size = len(vocabulary)

    @classmethod
    def fit(cls, training, options):
        counts = Counter()
        for word, count in training.words.items():
            counts[word[-options.length :]] += count
        return cls(build_vocabulary(counts), options.length)

    @classmethod
    def from_plain(cls, plain, encode, options):
        return cls(Vocabulary.from_plain(plain, "suffixes"), options.length)

    def to_plain(self):
        return self.vocabulary.to_plain()

    def ids(self, words):
        return [self.vocabulary[word[-self.length :]] for word in words]
