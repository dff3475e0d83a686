"""Damaged inputs for readers: bytes of valid files after a few random edits."""

from hypothesis import strategies as st

# Bytes that mean something to a reader of CSV, JSON, columns or text.
_SIGNS = (
    *(b"\n", b"\r", b"\r\n", b"\t", b" ", b",", b'"', b"'", b"[", b"]", b"{", b"}", b":", b"\\"),
    *(
        b"\\u",
        b"\\ud800",
        b"null",
        b"-",
        b"0",
        b"1e9",
        b"NaN",
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xe2\x80",
    ),
    *(b"\xef\xbb\xbf", b"?", b"", b"O", b"#", b"{}", b"[]", b"[{", b'""'),
)


@st.composite
def mutated(draw, samples):
    """Return one of the samples after one to six edits: bytes replaced, removed or repeated."""
    data = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 8)))
        kind = draw(st.sampled_from(("replace", "cut", "repeat", "byte", "shorten")))
        if kind == "replace":
            middle = draw(st.sampled_from(_SIGNS))
        elif kind == "byte":
            middle = bytes([draw(st.integers(0, 255))])
        else:
            middle = data[start:end] * (3 if kind == "repeat" else 0)
        data = data[:start] + middle + (b"" if kind == "shorten" else data[end:])
    return data
