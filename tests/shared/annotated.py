"""Texts annotated with character spans, as the annotation tool doccano exports them."""

import json
import random
from pathlib import Path

PEOPLE = (
    *("Anna Weber", "Omar Haddad", "Li Na", "Eva Novak", "Tom Burke", "Chidi Obi", "Ines Costa"),
    *("Jan de Vries", "Rosa Marin", "Yuki Sato", "Petra Lang", "Sam Cole"),
)
PRODUCTS = (
    *("MailHaven-4.3", "MailHaven-5.0", "DiskPilot-2.1", "DiskPilot-3.0", "NetWarden-1.9"),
    *("NetWarden-2.4", "PrintBay-7.2", "PrintBay-8.1"),
)
CITIES = ("Lagos", "Porto", "Munich", "Osaka", "Toronto", "Utrecht", "Prague", "Boston")
SENTENCES = (
    "{PERSON} cannot start {PRODUCT} since Monday.",
    "Please send {PERSON} the invoice for {PRODUCT}.",
    "{PRODUCT} prints every page twice, says {PERSON} from {CITY}.",
    "The office in {CITY} still runs {PRODUCT}.",
    "{PERSON} asked whether {PRODUCT} works in {CITY}.",
    "Nobody in {CITY} has heard from {PERSON}.",
    "After the update to {PRODUCT} the screen stays black.",
    "Could {PERSON} call me back before noon?",
)
VALUES = {"PERSON": PEOPLE, "PRODUCT": PRODUCTS, "CITY": CITIES}


def tickets(count: int, seed: int, types: tuple[str, ...]) -> list[dict]:
    """Return support tickets of two sentences with the spans of some types."""
    draw = random.Random(seed)
    return [ticket(number, draw, types) for number in range(1, count + 1)]


def ticket(number: int, draw: random.Random, types: tuple[str, ...]) -> dict:
    """Return a ticket: id, text, and label, a list of [start, end, type]."""
    text, spans = "", []
    for sentence in draw.sample(SENTENCES, 2):
        for part in sentence.replace("}", "{").split("{"):
            word = draw.choice(VALUES[part]) if part in VALUES else part
            if part in types:
                spans.append([len(text), len(text) + len(word), part])
            text += word
        text += " "
    return {"id": number, "text": text.rstrip(), "label": spans}


def write_records(path: Path, records: list[dict]) -> None:
    """Write records as JSON lines."""
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
