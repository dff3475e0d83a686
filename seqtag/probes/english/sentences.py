"""Write a sentence of the pronoun probe for given persons.

    sentence  := [opener "," | place ","] clause ("," link clause)* "," link [later] PRON tail "."
    clause    := subject [place | relatives] verb_phrase (join verb_phrase)*
    subject   := (person possessive)* person
    relatives := who verb person [relatives] | who person [relatives] verb

The caller sets the genders and order of the persons, the number of tokens between the last subject
and PRON, and the nesting depth of relative clauses there; constructions and words are random.
"""

from collections.abc import Callable

from seqtag.probes.english import lexicon as lex
from seqtag.probes.english.balance import Cast
from seqtag.probes.english.phrases import LONGEST_FILLER, Phrases

# Tokens always present between subject and PRON (unless adjacent): a verb, a comma, a link.
MIN_TOKENS = 3
OPENINGS = ("none", "opener", "place")
MODIFIERS = ("none", "place", "relative")


def max_persons(distance: int, depth: int) -> int:
    """Return the most persons that fit between subject and PRON; -1 if `depth` does not fit."""
    rest = distance - MIN_TOKENS - 4 * depth
    if rest < 0:
        return -1
    # The first object adds two tokens ("saw the king" for "slept"), each further person three.
    return depth + (0 if rest < 2 else 1 + (rest - 2) // 3)


def is_held_out(opening: str, modifier: str) -> bool:
    """Return whether training omits this template; its parts occur there in other templates."""
    return (OPENINGS.index(opening) + MODIFIERS.index(modifier)) % 3 == 2


def write(
    random: Callable[[], float],
    cast: Cast,
    distance: int,
    depth: int,
    lexicon: str,
    held_out_template: bool,
    names: bool = True,
) -> tuple[list[str], list[int], str]:
    """Return the tokens of a sentence, the positions of its subjects, and its template.

    Args:
        random: source of random numbers.
        cast: the persons.
        distance: tokens between the last subject and PRON; 1 is "Anna , PRON laughed .".
        depth: nesting depth of relative clauses after the last subject.
        lexicon: "training" or "held-out": the words for persons. At distance 1 it applies only to
            the last subject; the other persons are from the training lexicon.
        held_out_template: whether to use a template held out from training.
        names: whether persons may be names.
    """
    last_subject = lex.BY_GENDER[lexicon]
    adjacent = distance == 1
    phrases = Phrases(random, lex.BY_GENDER["training"] if adjacent else last_subject, names)
    # The last clause is written first, because its modifier restricts the openings.
    modifier, after_subject = (
        ("none", [","]) if adjacent else _after_subject(phrases, cast.after, distance, depth)
    )
    allowed = [o for o in OPENINGS if is_held_out(o, modifier) == held_out_template]
    opening = phrases.pick(allowed)
    out: list[str] = []
    in_opening = _opening_count(random, opening, cast.before)
    phrases.opening(out, opening, cast.before[:in_opening])
    owners = cast.before[in_opening:]
    heads = []
    for gender, others in zip(cast.subjects[:-1], cast.between, strict=True):
        phrases.owners(out, owners)
        heads.append(phrases.subject(out, gender, owned=bool(owners)))
        owners = []
        _earlier_clause(phrases, out, others, depth > 0)
        out += (",", phrases.pick(lex.LINKS))
    phrases.owners(out, owners)
    phrases.persons = last_subject
    heads.append(phrases.subject(out, cast.subjects[-1], owned=bool(owners)))
    out += after_subject
    phrases.tail(out)
    out[0] = out[0][0].upper() + out[0][1:]
    return out, heads, f"{opening}+{'adjacent' if adjacent else modifier}"


def _opening_count(random: Callable[[], float], opening: str, before: list[str]) -> int:
    """Return how many of the persons before the subject are in the opening; the rest own it."""
    if opening != "place":
        return 0
    return int(random() * (len(before) + 1))


def _earlier_clause(
    phrases: Phrases, out: list[str], others: list[str], allow_relative: bool
) -> None:
    """Append the tokens after the subject of a clause that is not the last."""
    random = phrases.random
    others = list(others)
    kind = random()
    if allow_relative and kind < 0.3:
        phrases.relatives(out, True, [others.pop(0) if others else None])
    elif kind < 0.6:
        phrases.place(out, others.pop(0) if others else None)
    out += phrases.verb_phrase(others[:1], (), 3)
    for gender in others[1:]:
        out += (",", "then", *phrases.verb_phrase([gender], (), 3))
    while random() < 0.35:
        out += phrases.filler(2 + int(random() * (LONGEST_FILLER - 1)))


def _after_subject(
    phrases: Phrases, persons: list[str], distance: int, depth: int
) -> tuple[str, list[str]]:
    """Return the modifier of the last clause, and the tokens between its subject and PRON."""
    random = phrases.random
    # Some persons are in the chain of nested relative clauses, the others elsewhere.
    fewest = max(0, len(persons) + depth - max_persons(distance, depth))
    most = min(depth, len(persons))
    in_chain = fewest + int(random() * (most - fewest + 1))
    others = len(persons) - in_chain
    spare = distance - MIN_TOKENS - 4 * depth
    has_chain = depth > 0
    # Modifier, number of persons in it, tokens of modifier and objects.
    options = [
        ("none", 0, _object_tokens(others, has_chain)),
        ("place", 0, 3 + _object_tokens(others, has_chain)),
    ]
    if others:
        options.append(("place", 1, 3 + _object_tokens(others - 1, has_chain)))
    if depth:
        options += [("relative", 0, _object_tokens(others, False))] * 4
    affordable = [option for option in options if option[2] <= spare]
    modifier, in_place, _ = affordable[int(random() * len(affordable))]

    # Order of the persons: in the place, modified by the chain, in the chain, the others.
    before = 0 if modifier == "relative" else in_place + (has_chain and others > in_place)
    chain: list[str | None] = [*persons[before : before + in_chain]]
    while len(chain) < depth:
        chain.insert(int(random() * (len(chain) + 1)), None)
    rest = [*persons[in_place:before], *persons[before + in_chain :]]
    out: list[str] = []
    if modifier == "relative":
        phrases.relatives(out, True, chain)
        chain = []
    elif modifier == "place":
        phrases.place(out, persons[0] if in_place else None)
    out += _verb_phrases(phrases, rest, chain, distance - len(out))
    return modifier, out


def _object_tokens(persons: int, has_chain: bool) -> int:
    """Return how many tokens the shortest form of this many persons adds to a bare verb.

    Every person counts with "the". With `has_chain` there is at least an animal, which relative
    clauses modify; the tokens of those are not counted.
    """
    return 3 * persons - 1 if persons else 2 * has_chain


def _verb_phrases(
    phrases: Phrases, persons: list[str], chain: list[str | None], size: int
) -> list[str]:
    """Return `size` tokens: verb phrases with these persons, fillers, and the link before PRON."""
    random = phrases.random
    slack = size - MIN_TOKENS - 4 * len(chain) - _object_tokens(len(persons), bool(chain))
    groups: list[tuple[list[str], list[str | None]]] = [(persons[:1], chain)]
    if slack >= 3 and (persons or chain) and random() < 0.5:
        groups.insert(0, ([], []))
        slack -= 3
    for person in persons[1:]:
        if slack >= 2 and random() < 0.6:
            groups.append(([person], []))
            slack -= 2
        else:
            groups[-1][0].append(person)
    parts: list[list[str]] = []
    for group, group_chain in groups:
        part = [",", "then"] if parts else []
        part += phrases.verb_phrase(group, group_chain, slack)
        # A part may be shorter than planned (names have no "the"), or use some of the slack.
        slack += _planned_size(len(group), len(group_chain), bool(parts)) - len(part)
        parts.append(part)
    link = [",", phrases.pick(lex.LINKS)]
    if slack == 1 or (slack >= 3 and random() < 0.35):
        link.append(phrases.pick(lex.LATER))
        slack -= 1
    while slack:
        length = slack if slack <= LONGEST_FILLER else 4 + int(random() * (LONGEST_FILLER - 3))
        if slack - length == 1:  # the shortest filler has two tokens
            length -= 1
        # At any position but the first, so that persons are not always far from PRON or near it.
        parts.insert(1 + int(random() * len(parts)), phrases.filler(length))
        slack -= length
    return [token for part in (*parts, link) for token in part]


def _planned_size(persons: int, depth: int, joined: bool) -> int:
    """Return the tokens planned for a verb phrase: its shortest form, all persons with "the"."""
    return 1 + _object_tokens(persons, depth > 0) + 4 * depth + 2 * joined
