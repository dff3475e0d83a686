"""From who appears to a sentence of the pronoun probe.

    sentence  := [opener "," | place ","] clause ("," link clause)* "," link [later] PRON tail "."
    clause    := subject [place | relatives] verb_phrase (join verb_phrase)*
    subject   := (person possessive)* person
    relatives := who verb person [relatives] | who person [relatives] verb

Given are the genders, the order of the persons, the number of tokens between the last subject and
PRON, and how deeply relative clauses are nested there; constructions and words are drawn here.
"""

from collections.abc import Callable

from seqtag.probes.english import lexicon as lex
from seqtag.probes.english.balance import Cast
from seqtag.probes.english.phrases import LONGEST_FILLER, Phrases

# What nothing can save between subject and PRON: a verb, a comma, a link.
SHORTEST = 3
OPENINGS = ("none", "opener", "place")
MODIFIERS = ("none", "place", "relative")


def room(distance: int, depth: int) -> int:
    """Return how many persons fit between subject and PRON; -1 if `depth` does not fit."""
    rest = distance - SHORTEST - 4 * depth
    if rest < 0:
        return -1
    # An object costs two tokens ("saw the king" for "slept"), each further person three.
    return depth + (0 if rest < 2 else 1 + (rest - 2) // 3)


def is_held_out(opening: str, modifier: str) -> bool:
    """Return whether training leaves out this pair; either part alone does occur in it."""
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
    """Return the tokens of a sentence, the positions of its subjects, and its template's name.

    Args:
        random: the source of chance.
        cast: who appears.
        distance: tokens between the last subject and PRON; 1 is "Anna , PRON laughed .".
        depth: how deeply relative clauses are nested behind the last subject.
        lexicon: "training" or "held-out"; where the last subject stands next to PRON it says
            which words that subject is drawn from, and all others are of the training lexicon.
        held_out_template: whether the template is one of those that training leaves out.
        names: whether persons may be names.
    """
    last_subject = lex.BY_GENDER[lexicon]
    adjacent = distance == 1
    phrases = Phrases(random, lex.BY_GENDER["training"] if adjacent else last_subject, names)
    # The last clause is drawn first: its modifier decides which openings are allowed.
    modifier, behind = (
        ("none", [","]) if adjacent else _behind(phrases, cast.behind, distance, depth)
    )
    allowed = [o for o in OPENINGS if is_held_out(o, modifier) == held_out_template]
    opening = phrases.pick(allowed)
    out: list[str] = []
    placed = _persons_in_place(random, opening, cast.front)
    phrases.opening(out, opening, cast.front[:placed])
    owners = cast.front[placed:]
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
    out += behind
    phrases.tail(out)
    out[0] = out[0][0].upper() + out[0][1:]
    return out, heads, f"{opening}+{'adjacent' if adjacent else modifier}"


def _persons_in_place(random: Callable[[], float], opening: str, front: list[str]) -> int:
    """Return how many of the front persons stand in the opening; the others own the subject."""
    if opening != "place":
        return 0
    return int(random() * (len(front) + 1))


def _earlier_clause(phrases: Phrases, out: list[str], others: list[str], deep: bool) -> None:
    """Add what follows the subject of a clause that is not the last: one to twenty tokens."""
    random = phrases.random
    others = list(others)
    kind = random()
    if deep and kind < 0.3:
        phrases.relatives(out, True, [others.pop(0) if others else None])
    elif kind < 0.6:
        phrases.place(out, others.pop(0) if others else None)
    out += phrases.verb_phrase(others[:1], (), 3)
    for gender in others[1:]:
        out += (",", "then", *phrases.verb_phrase([gender], (), 3))
    while random() < 0.35:
        out += phrases.filler(2 + int(random() * (LONGEST_FILLER - 1)))


def _behind(
    phrases: Phrases, persons: list[str], distance: int, depth: int
) -> tuple[str, list[str]]:
    """Return the last clause's modifier and the tokens between its subject and PRON."""
    random = phrases.random
    # Some of the persons stand in the relative clauses; the loose ones go elsewhere.
    fewest = max(0, len(persons) + depth - room(distance, depth))
    most = min(depth, len(persons))
    in_chain = fewest + int(random() * (most - fewest + 1))
    loose = len(persons) - in_chain
    spare = distance - SHORTEST - 4 * depth
    hosted = depth > 0
    options = [("none", 0, _objects(loose, hosted)), ("place", 0, 3 + _objects(loose, hosted))]
    if loose:
        options.append(("place", 1, 3 + _objects(loose - 1, hosted)))
    if depth:
        options += [("relative", 0, _objects(loose, False))] * 4
    affordable = [option for option in options if option[2] <= spare]
    modifier, placed, _ = affordable[int(random() * len(affordable))]

    # In order: the person of the place, the one who carries the relative clauses, those inside
    # them, the others.
    before = 0 if modifier == "relative" else placed + (hosted and loose > placed)
    chain: list[str | None] = [*persons[before : before + in_chain]]
    while len(chain) < depth:
        chain.insert(int(random() * (len(chain) + 1)), None)
    rest = [*persons[placed:before], *persons[before + in_chain :]]
    out: list[str] = []
    if modifier == "relative":
        phrases.relatives(out, True, chain)
        chain = []
    elif modifier == "place":
        phrases.place(out, persons[0] if placed else None)
    out += _verb_phrases(phrases, rest, chain, distance - len(out))
    return modifier, out


def _objects(persons: int, hosted: bool) -> int:
    """Return how many tokens at most so many persons add to a bare verb, in the shortest way.

    With `hosted` somebody, an animal if need be, carries relative clauses (not counted).
    """
    return 3 * persons - 1 if persons else 2 * hosted


def _verb_phrases(
    phrases: Phrases, persons: list[str], chain: list[str | None], size: int
) -> list[str]:
    """Return `size` tokens: verb phrases with these persons, fillers, and the link to PRON."""
    random = phrases.random
    slack = size - SHORTEST - 4 * len(chain) - _objects(len(persons), bool(chain))
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
    for group, carried in groups:
        part = [",", "then"] if parts else []
        part += phrases.verb_phrase(group, carried, slack)
        # What is written may be shorter than reckoned (names have no "the") or use up slack.
        slack += _longest(len(group), len(carried), bool(parts)) - len(part)
        parts.append(part)
    link = [",", phrases.pick(lex.LINKS)]
    if slack == 1 or (slack >= 3 and random() < 0.35):
        link.append(phrases.pick(lex.LATER))
        slack -= 1
    while slack:
        length = slack if slack <= LONGEST_FILLER else 4 + int(random() * (LONGEST_FILLER - 3))
        if slack - length == 1:  # no verb phrase with its join is as short as that
            length -= 1
        # Anywhere but first: the persons are as likely far from PRON as near it.
        parts.insert(1 + int(random() * len(parts)), phrases.filler(length))
        slack -= length
    return [token for part in (*parts, link) for token in part]


def _longest(persons: int, depth: int, joined: bool) -> int:
    """Return the tokens reckoned for a verb phrase: all persons with "the", shortest form."""
    return 1 + _objects(persons, depth > 0) + 4 * depth + 2 * joined
