"""Train and run the peers of `bench_raw.py`, in an environment with spaCy and NLTK.

    python scripts/bench_raw_peers.py spacy train train.conllu MODEL
    python scripts/bench_raw_peers.py spacy tag MODEL text.txt out.jsonl --processes 2

Both learn the universal parts of speech of a treebank in CoNLL-U, and tag raw text, a sentence per
line, as JSON lines with tokens, tags and offsets. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

Sentence = list[tuple[str, str]]


def read_conllu(path: str) -> list[Sentence]:
    """Return words and universal parts of speech of each sentence."""
    sentences: list[Sentence] = [[]]
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        columns = line.split("\t")
        if not line:
            sentences.append([])
        elif columns[0].isdecimal():
            sentences[-1].append((columns[1], columns[3]))
    return [sentence for sentence in sentences if sentence]


def train_spacy(sentences: list[Sentence], model: str) -> None:
    """Train spaCy's default tagger for CPUs for one epoch: the speed does not depend on more."""
    import spacy
    from spacy.tokens import Doc
    from spacy.training import Example
    from spacy.util import minibatch

    nlp = spacy.blank("en")
    nlp.add_pipe("tagger")  # with its default network, HashEmbedCNN of width 96 and depth 4
    examples = [
        Example.from_dict(
            Doc(nlp.vocab, words=[word for word, _ in sentence]),
            {"tags": [tag for _, tag in sentence]},
        )
        for sentence in sentences
    ]
    nlp.initialize(lambda: examples)
    random.Random(0).shuffle(examples)
    for batch in minibatch(examples, 64):
        nlp.update(batch)
    nlp.to_disk(model)


def tag_spacy(model: str, lines: Iterable[str], processes: int) -> Iterator[dict[str, object]]:
    """Yield the tagged lines, with spaCy's own tokenizer."""
    import spacy

    nlp = spacy.load(model)
    for doc in nlp.pipe(lines, batch_size=1000, n_process=processes):
        yield {
            "text": doc.text,
            "tokens": [token.text for token in doc],
            "offsets": [[token.idx, token.idx + len(token)] for token in doc],
            "labels": [token.tag_ for token in doc],
        }


def train_nltk(sentences: list[Sentence], model: str) -> None:
    """Train NLTK's averaged perceptron for five epochs, its default."""
    from nltk.tag.perceptron import PerceptronTagger

    tagger = PerceptronTagger(load=False)
    tagger.train(sentences)
    parts = {
        "weights": tagger.model.weights,
        "tagdict": tagger.tagdict,
        "classes": sorted(tagger.classes),
    }
    Path(model).write_text(json.dumps(parts), encoding="utf-8")


def tag_nltk(model: str, lines: Iterable[str], processes: int) -> Iterator[dict[str, object]]:
    """Yield the tagged lines, with NLTK's tokenizer of the Penn Treebank."""
    from nltk.tag.perceptron import PerceptronTagger
    from nltk.tokenize import NLTKWordTokenizer

    parts = json.loads(Path(model).read_text(encoding="utf-8"))
    tagger, tokenizer = PerceptronTagger(load=False), NLTKWordTokenizer()
    tagger.model.weights, tagger.tagdict = parts["weights"], parts["tagdict"]
    tagger.classes = tagger.model.classes = set(parts["classes"])
    for line in lines:
        offsets = list(tokenizer.span_tokenize(line))
        tokens = [line[start:end] for start, end in offsets]
        labels = [tag for _, tag in tagger.tag(tokens)]
        yield {"text": line, "tokens": tokens, "offsets": offsets, "labels": labels}


PEERS = {"spacy": (train_spacy, tag_spacy), "nltk": (train_nltk, tag_nltk)}


def main() -> None:
    """Train a peer, or tag a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("verb", choices=("train", "tag"))
    parser.add_argument("files", nargs="+", help="train: CORPUS MODEL; tag: MODEL INPUT OUTPUT")
    parser.add_argument("--processes", type=int, default=1, help="processes of spaCy")
    options = parser.parse_args()
    train, tag = PEERS[options.peer]
    if options.verb == "train":
        corpus, model = options.files
        train(read_conllu(corpus), model)
        return
    model, source, target = options.files
    with open(source, encoding="utf-8") as file, open(target, "w", encoding="utf-8") as output:
        for record in tag(model, (line.rstrip("\n") for line in file), options.processes):
            output.write(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
