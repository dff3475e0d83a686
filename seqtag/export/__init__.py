"""Export of a trained tagger to other runtimes: the whole tagger as an ONNX graph."""
