"""Decode MessagePack, the encoding inside spaCy's files: plain values only, no extension types."""

import struct
from typing import Any

from seqtag.errors import InputError

_MAX_DEPTH = 32
_NUMBERS = {
    **{0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"},
    **{0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"},
}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
# The number of bytes of the length of bytes, strings, lists and mappings.
_BYTES = {0xC4: 1, 0xC5: 2, 0xC6: 4}
_STRINGS = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_LISTS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}


def decode(data: bytes) -> Any:
    """Return the value that MessagePack data encode.

    Raises:
        InputError: for data that are damaged, nested too deeply or of an extension type.
    """
    decoder = _Decoder(data)
    value = decoder.value(0)
    if decoder.position != len(data):
        raise InputError("data after the end of the MessagePack value")
    return value


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0

    def _take(self, size: int) -> bytes:
        start, self.position = self.position, self.position + size
        if self.position > len(self.data):
            raise InputError("the MessagePack data are cut short")
        return self.data[start : self.position]

    def _size(self, width: int) -> int:
        return int.from_bytes(self._take(width))

    def value(self, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise InputError("the MessagePack data are nested too deeply")
        kind = self._take(1)[0]
        if kind < 0x80 or kind >= 0xE0:
            return kind if kind < 0x80 else kind - 256
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind in _NUMBERS:
            form = _NUMBERS[kind]
            return struct.unpack(form, self._take(struct.calcsize(form)))[0]
        if kind in _BYTES:
            return self._take(self._size(_BYTES[kind]))
        if kind in _STRINGS or 0xA0 <= kind < 0xC0:
            return self._text(self._size(_STRINGS[kind]) if kind in _STRINGS else kind & 0x1F)
        if kind in _LISTS or 0x90 <= kind < 0xA0:
            count = self._size(_LISTS[kind]) if kind in _LISTS else kind & 0x0F
            return [self.value(depth + 1) for _ in range(count)]
        if kind in _MAPS or 0x80 <= kind < 0x90:
            return self._map(self._size(_MAPS[kind]) if kind in _MAPS else kind & 0x0F, depth)
        raise InputError(f"the MessagePack data have a value of the unsupported type {kind:#x}")

    def _text(self, size: int) -> str:
        try:
            return self._take(size).decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"a string of the MessagePack data is not UTF-8 ({error})") from None

    def _map(self, count: int, depth: int) -> dict[Any, Any]:
        pairs = {}
        for _ in range(count):
            key = self.value(depth + 1)
            if not isinstance(key, str | bytes | int | float | None):
                raise InputError("a key of the MessagePack data is a list or mapping")
            pairs[key] = self.value(depth + 1)
        return pairs
