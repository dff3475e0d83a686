"""Runs an exported tagger on numpy, onnxruntime and tokenizers; neither torch nor Arrow is needed.

from seqtag.runtime import Tagger

labels = Tagger.load("exported").predict([["Alex", "left", "."]])
"""

from seqtag.runtime.tagger import Tagger

__all__ = ["Tagger"]
