"""seqtag: sequence labelling with recurrent networks whose cell is a setting.

`train` trains a tagger, `Tagger` uses a trained model, `Recurrent` is the layer alone:

    import seqtag
    from seqtag import Recurrent, Tagger

    seqtag.train("my/corpus", cell="gru").save("model")
    labels = Tagger.load("model").predict([["Alex", "left", "."]])
    layer = Recurrent("gru", input_size=100, hidden_size=200)
"""

from typing import Any

__version__ = "0.2.0"

__all__ = ["Recurrent", "Tagger", "__version__", "train"]


def __getattr__(name: str) -> Any:
    # Imported on first use, so that `seqtag --help` does not wait for torch.
    if name == "Tagger":
        from seqtag.tagging.tagger import Tagger

        return Tagger
    if name == "train":
        from seqtag.commands.api import train

        return train
    if name == "Recurrent":
        from seqtag.recurrent.layer import Recurrent

        return Recurrent
    raise AttributeError(f"module 'seqtag' has no attribute {name!r}")
