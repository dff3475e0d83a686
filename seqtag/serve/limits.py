"""What the server accepts, and how long it waits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of a request and of the server.

    Attributes:
        body: bytes of the body of a request.
        texts: texts, or sentences of words, in a request.
        sentence: tokens in a sentence.
        waiting: requests that may wait for a worker; further ones get status 503.
        batch: tokens that a worker tags at once; longer texts are tagged in parts, between which
            other requests get their turn.
        reading: seconds in which a request must have arrived.
        writing: seconds in which a client must have received the answer.
        closing: seconds that running requests have when the server stops.
    """

    body: int = 1 << 20
    texts: int = 1_000
    sentence: int = 20_000
    waiting: int = 1_000
    batch: int = 2_048
    reading: float = 20.0
    writing: float = 60.0
    closing: float = 10.0
