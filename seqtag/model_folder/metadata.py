"""The metadata of a model card: the block from which the hub makes filters and tables of scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seqtag.errors import InputError

# What a card says in place of the name of a repository.
PLACE = "path/to/this/folder"
NOT_STATED = (
    "Not stated. `seqtag push --language en --license apache-2.0` states them, for example."
)
_RATES = ("f1", "precision", "recall", "accuracy", "macro_f1")


def front_matter(name: str, stored: Mapping[str, Any], kinds: Sequence[str]) -> str:
    """Return the metadata block in YAML, between lines of three hyphens.

    Args:
        name: name of the model.
        stored: the content of ``config.json``.
        kinds: what the encoder is, from the general to the special.
    """
    from huggingface_hub import ModelCardData  # slow to import

    data = stored["data"] or {}
    corpus = data.get("path") if data.get("format") == "hub" else None
    metadata = ModelCardData(
        library_name="seqtag",
        pipeline_tag="token-classification",
        tags=["sequence-labelling", *kinds],
        datasets=[corpus.partition("@")[0]] if isinstance(corpus, str) else None,
        model_name=name,
        eval_results=list(_results(stored)) or None,
    )
    return f"---\n{metadata.to_yaml()}\n---"


def corpus_name(stored: Mapping[str, Any]) -> str:
    """Return the name of the training corpus, without the folders it is in; "" if unknown."""
    data = stored["data"] or {}
    corpus = str(data.get("path") or data.get("probe") or "")
    if data.get("format") == "hub":
        return corpus.partition("@")[0]
    return corpus.rstrip("/").rpartition("/")[2]


def _results(stored: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the scores of each evaluated split, as the hub's `model-index` lists them."""
    from huggingface_hub import EvalResult

    splits, short = (stored["figures"] or {}).get("splits"), corpus_name(stored) or "corpus"
    for split, scores in splits.items() if isinstance(splits, Mapping) else ():
        for rate in _RATES:
            value = scores.get(rate)
            if isinstance(value, float):
                yield EvalResult(
                    task_type="token-classification",
                    task_name="Token classification",
                    dataset_type=short,
                    dataset_name=short,
                    dataset_split=split,
                    metric_type=rate,
                    metric_name=rate,
                    metric_value=round(value, 6),
                )


def published_card(
    text: str, repository: str, license: str | None, languages: Sequence[str], where: str
) -> str:
    """Return the card of a folder as it is uploaded: with the name of the repository.

    Args:
        text: the card in the folder.
        repository: OWNER/NAME.
        license: the licence; None: as in the folder's card.
        languages: codes of the languages; empty: as in the folder's card.
        where: the file, for messages.

    Raises:
        InputError: if the metadata block is not valid.
    """
    from huggingface_hub import ModelCard

    try:
        card = ModelCard(text.replace(PLACE, repository))
    except Exception as error:  # of the YAML parser, or of the client's checks
        reason = str(error).partition("\n")[0]
        raise InputError(f"{where}: the metadata block is not valid: {reason}") from None
    card.data.model_name = repository.rpartition("/")[2]
    if license is not None:
        card.data.license = license
    if languages:
        card.data.language = list(languages)
    codes = card.data.language or []
    stated = {
        "Languages": ", ".join([codes] if isinstance(codes, str) else map(str, codes)),
        "Licence": card.data.license,
    }
    if any(stated.values()):
        line = ". ".join(f"{name}: {value or 'not stated'}" for name, value in stated.items())
        card.text = card.text.replace(NOT_STATED, f"{line}.")
    return str(card)
