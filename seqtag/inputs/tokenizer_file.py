"""Load tokenizers of the `tokenizers` library safely: only parts on a list are accepted.

Tokenizer files may come from strangers. Some parts need unbounded time or memory (regular
expressions that backtrack, replacements that grow), make the library panic during tagging, or are
random. So only the parts listed here are accepted, also in training, so that every saved model
folder can be loaded.
"""

import json
from collections.abc import Mapping
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers

from seqtag.errors import InputError, shown

UNKNOWN = "<unk>"
DIGITS = r"\d"
# Maximum number of parts in a Sequence, and maximum length of a string in a part.
_MOST_PARTS, _LONGEST_STRING = 10, 64
_MOST_ADDED_TOKENS = 10_000
# The time of WordPiece is quadratic in the length of a word.
_LONGEST_WORDPIECE_WORD = 1000

# Each kind of part (its `type`) with the options that it may have.
_NORMALIZERS = {
    **dict.fromkeys(("NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents"), ()),
    "Strip": ("strip_left", "strip_right"),
    "BertNormalizer": ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"),
    "Replace": ("pattern", "content"),
    "Prepend": ("prepend",),
    "ByteLevel": (),
}
_PRE_TOKENIZERS = {
    **dict.fromkeys(("Whitespace", "WhitespaceSplit", "BertPreTokenizer"), ()),
    "UnicodeScripts": (),
    "ByteLevel": ("add_prefix_space", "trim_offsets", "use_regex"),
    "Metaspace": ("replacement", "prepend_scheme", "split"),
    "Punctuation": ("behavior",),
    "Digits": ("individual_digits",),
    "CharDelimiterSplit": ("delimiter",),
    "Split": ("pattern", "behavior", "invert"),
}
# Parts that may occur only once: a second ByteLevel would lengthen each byte again.
_AT_MOST_ONCE = ("ByteLevel",)
_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
# Regular expressions that are known to take linear time.
_REGEXES = {
    *(r"\n", r"\r\n", r"[\r\n]", r"\s", r"\s+", " ", " +", " {2,}", r"\d", r"\d+", r"[0-9]"),
    *(r"[0-9]+", r"\p{N}", r"\p{N}+", r"\p{N}{1,3}", r"\p{P}", r"\p{L}+", r"\w+|[^\w\s]+"),
    # GPT-2; GPT-4 and Llama 3; Qwen 2; GPT-4o.
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + _TAIL,
    _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + _TAIL,
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTIONS}?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTIONS}?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}
_KEYS = (
    *("version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer"),
    *("post_processor", "decoder", "model"),
)
# Parts that move or cut pieces or convert them back to text; encoding of words uses none of them.
_UNUSED = ("truncation", "padding", "post_processor", "decoder")


def strict_json(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: for invalid JSON, NaN, and repeated keys of an object, whose values may be read
            differently by other parsers.
        RecursionError: for deep nesting.
    """
    return json.loads(text, object_pairs_hook=_without_repeated_keys, parse_constant=_no_constant)


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("an object has a key twice")
    return values


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not valid JSON")


def read_vocabulary(text: str, where: str) -> Tokenizer:
    """Return the tokenizer of a vocabulary, as `build_vocabulary` creates it, from its JSON text.

    Raises:
        InputError: if the text is not such a tokenizer.
    """
    plain = _parsed(text, where)
    model = plain.get("model")
    known = ("type", "vocab", "unk_token")
    if not isinstance(model, dict) or model.get("type", "WordLevel") != "WordLevel":
        raise InputError(f"{where}: its model is not WordLevel, which a vocabulary must have")
    if set(model) - set(known) or model.get("unk_token") != UNKNOWN:
        raise InputError(f"{where}: its model has other keys than {known}, or no {UNKNOWN!r}")
    for key in ("added_tokens", "pre_tokenizer", *_UNUSED):
        if plain.get(key):
            raise InputError(f"{where}: a vocabulary has no {key}")
    ids = model.get("vocab")
    if not isinstance(ids, dict) or sorted(map(_id, ids.values())) != list(range(len(ids))):
        raise InputError(f"{where}: its ids are not 0, 1, 2, ...")
    tokenizer = _built(lambda: Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN)), where)
    steps = [_vocabulary_step(part, where) for part in _members(plain.get("normalizer"), where)]
    if steps:
        tokenizer.normalizer = normalizers.Sequence(steps)
    return tokenizer


def vocabulary_normalizers(fold_digits: bool, lowercase: bool) -> list[normalizers.Normalizer]:
    """Return the normalizers that are applied to strings before look-up."""
    steps: list[normalizers.Normalizer] = []
    if fold_digits:
        steps.append(normalizers.Replace(Regex(DIGITS), "0"))
    if lowercase:
        steps.append(normalizers.Lowercase())
    return steps


def _vocabulary_step(part: Mapping[str, Any], where: str) -> normalizers.Normalizer:
    if part == {"type": "Replace", "pattern": {"Regex": DIGITS}, "content": "0"}:
        return vocabulary_normalizers(True, False)[0]
    if part == {"type": "Lowercase"}:
        return vocabulary_normalizers(False, True)[0]
    raise InputError(f"{where}: the normalizer {shown(part)} is not allowed in a vocabulary")


def read_subwords(text: str, where: str) -> Tokenizer:
    """Return a subword tokenizer from the text of a ``tokenizer.json``.

    Raises:
        InputError: if it is not one, or has a part that is not on the list of this file.
    """
    plain = _parsed(text, where)
    for key in plain:
        if key not in _KEYS:
            raise InputError(f"{where}: unknown key {key!r}")
    changed = _complete(plain)
    _check_model(plain.get("model"), where)
    _check_added(plain.get("added_tokens"), where)
    _check_parts(plain.get("normalizer"), _NORMALIZERS, "normalizer", where)
    _check_parts(plain.get("pre_tokenizer"), _PRE_TOKENIZERS, "pre_tokenizer", where)
    if changed:
        text = json.dumps(plain, ensure_ascii=False)
    tokenizer = _built(lambda: Tokenizer.from_str(text), where)
    ids = tokenizer.get_vocab().values()
    if not ids or max(ids) >= len(ids):
        raise InputError(f"{where}: it has no pieces, or the ids of its pieces have gaps")
    return tokenizer


def _complete(plain: dict[str, Any]) -> bool:
    """Remove unused parts and add what older files omit; return whether anything changed."""
    changed = False
    for key in _UNUSED:
        if plain.get(key) is not None:
            plain[key] = None
            changed = True
    model = plain.get("model")
    if isinstance(model, dict) and "type" not in model:
        marks = {"merges": "BPE", "unk_id": "Unigram", "max_input_chars_per_word": "WordPiece"}
        model["type"] = next((kind for key, kind in marks.items() if key in model), "WordLevel")
        changed = True
    if isinstance(model, dict) and model.get("type") == "BPE" and model.get("unk_token") == "":
        model["unk_token"] = None
        changed = True
    return changed


def _parsed(text: Any, where: str) -> dict[str, Any]:
    try:
        plain = strict_json(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{where}: not a file of the tokenizers library: {error}") from None
    if not isinstance(plain, dict):
        raise InputError(f"{where}: not a file of the tokenizers library: not an object")
    return plain


def _built(build: Any, where: str) -> Tokenizer:
    try:
        return build()
    except BaseException as error:
        # The library raises bare Exception for a bad file; a panic of Rust is not an Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = repr((str(error) or "panic").splitlines()[0][:200])
        raise InputError(f"{where}: not a file of the tokenizers library: {reason}") from None


def _check_model(model: Any, where: str) -> None:
    """Raise an InputError for a model that could fail on a word, is random or takes very long."""
    if not isinstance(model, dict):
        raise InputError(f"{where}: its model is missing")
    kind, vocab = model.get("type"), model.get("vocab")
    if kind not in ("BPE", "WordPiece", "Unigram", "WordLevel"):
        raise InputError(
            f"{where}: the model {kind!r} is not allowed; allowed are BPE, WordPiece, Unigram and "
            "WordLevel"
        )
    if model.get("dropout"):
        raise InputError(
            f"{where}: its model has dropout, which draws pieces at random: set it to null"
        )
    if kind == "Unigram":
        size, unknown = len(vocab) if isinstance(vocab, list) else 0, model.get("unk_id")
        if not 0 <= _id(unknown) < size:
            raise InputError(f"{where}: its unk_id {unknown!r} is not the number of a piece")
        return
    if not isinstance(vocab, dict) or any(_id(number) < 0 for number in vocab.values()):
        raise InputError(f"{where}: its vocabulary does not give each piece a number")
    unknown = model.get("unk_token")
    if unknown not in vocab if isinstance(unknown, str) else kind != "BPE" or unknown is not None:
        raise InputError(f"{where}: its unknown token {unknown!r} is not among its pieces")
    longest = model.get("max_input_chars_per_word", 100)
    if kind == "WordPiece" and not 0 < _id(longest) <= _LONGEST_WORDPIECE_WORD:
        raise InputError(
            f"{where}: max_input_chars_per_word must be from 1 to {_LONGEST_WORDPIECE_WORD}, not "
            f"{longest!r}"
        )
    for key in ("continuing_subword_prefix", "end_of_word_suffix"):
        _check_string(model.get(key) or "", key, where)


def _check_added(tokens: Any, where: str) -> None:
    if not isinstance(tokens, list | None) or len(tokens or ()) > _MOST_ADDED_TOKENS:
        raise InputError(f"{where}: added_tokens must be a list of at most {_MOST_ADDED_TOKENS:,}")
    for token in tokens or ():
        if not isinstance(token, dict) or not isinstance(token.get("content"), str):
            raise InputError(f"{where}: an added token has no content")
        if not token["content"]:
            raise InputError(f"{where}: an added token is empty")


def _check_parts(value: Any, known: Mapping[str, tuple[str, ...]], what: str, where: str) -> None:
    """Raise an InputError for a normalizer or pre-tokenizer that is not on the list of parts."""
    members = _members(value, where)
    if len(members) > _MOST_PARTS:
        raise InputError(f"{where}: its {what} has {len(members)} parts, more than {_MOST_PARTS}")
    kinds = [part.get("type") for part in members]
    for part, kind in zip(members, kinds, strict=True):
        if not isinstance(kind, str) or kind not in known:
            raise InputError(
                f"{where}: the {what} {kind!r} is not allowed: its cost or safety is not known; "
                f"allowed are {', '.join(known)}, and a Sequence of these"
            )
        for key, option in part.items():
            # `add_prefix_space` and `str_rep` only occur in older files.
            if key not in ("type", "add_prefix_space", "str_rep", *known[kind]):
                raise InputError(f"{where}: the {what} {kind} has an unknown option {key!r}")
            if key != "pattern" and not isinstance(option, bool | None):
                _check_string(option, f"{what} {kind}: {key}", where)
        if "pattern" in part:
            _check_pattern(part, what, where)
    for kind in _AT_MOST_ONCE:
        if kinds.count(kind) > 1:
            raise InputError(f"{where}: its {what} has {kind} more than once")


def _check_pattern(part: Mapping[str, Any], what: str, where: str) -> None:
    pattern, content = part["pattern"], part.get("content", "")
    if not isinstance(pattern, dict) or len(pattern) != 1:
        raise InputError(f"{where}: the {what} has no pattern: {shown(part)}")
    ((kind, text),) = pattern.items()
    if kind == "Regex":
        if text not in _REGEXES:
            raise InputError(
                f"{where}: the regular expression {str(text)[:80]!r} of its {what} is not on the "
                "list of those that are known to take linear time"
            )
        text = "x"  # a match has at least one character
    elif kind != "String" or not text:
        raise InputError(f"{where}: the {what} has no pattern: {shown(part)}")
    _check_string(text, f"{what}: pattern", where)
    if len(content) > len(text):
        raise InputError(f"{where}: the {what} {shown(part)} makes a text longer than it was")


def _check_string(value: Any, what: str, where: str) -> None:
    if not isinstance(value, str) or len(value) > _LONGEST_STRING:
        raise InputError(f"{where}: {what} must be a short string, not {shown(value)}")


def _members(value: Any, where: str) -> list[dict[str, Any]]:
    """Return the parts of a normalizer or pre-tokenizer, with any Sequence flattened."""
    if value is None:
        return []
    if not isinstance(value, dict):
        raise InputError(f"{where}: {shown(value)} is not a part of a tokenizer")
    if value.get("type") != "Sequence":
        return [value]
    parts = value.get("normalizers", value.get("pretokenizers"))
    if not isinstance(parts, list) or len(value) != 2:
        raise InputError(f"{where}: {shown(value)} is not a Sequence")
    return [member for part in parts for member in _members(part, where)]


def _id(number: Any) -> int:
    """Return the number if it is a valid id, else -1."""
    whole = isinstance(number, int) and not isinstance(number, bool)
    return number if whole and 0 <= number < 1 << 32 else -1
