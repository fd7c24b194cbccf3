"""The packets of a signed OpenPGP message (RFC 9580, sections 4.2 and 5.6), looked at before anything
unpacks them.

A compressed packet of 500 bytes can stand for gigabytes, and may lie inside another. So one layer is unpacked
here, up to a limit, and a message that holds anything but signatures and a text is refused.
"""

import zlib
from collections.abc import Iterator

_SIGNATURE, _ONE_PASS, _COMPRESSED, _MARKER, _LITERAL = 2, 4, 8, 10, 11
# By the algorithm's number: what zlib has to be told. bzip2, which is the third, is used by nobody.
_WINDOWS = {1: -15, 2: 15}


def plain(message: bytes, limit: int) -> bytes:
    """Return a signed message without its compression; raises ValueError when it is cut off, over `limit`,
    or no binary signed message.
    """
    if len(message) > limit:
        raise ValueError("too large")
    packets = list(_packets(message))
    if [tag for tag, _ in packets] == [_COMPRESSED]:
        body = packets[0][1]
        if not body or body[0] not in _WINDOWS:
            raise ValueError("compressed in an unknown way")
        unpacker = zlib.decompressobj(_WINDOWS[body[0]])
        try:
            message = unpacker.decompress(body[1:], limit + 1)
        except zlib.error:
            raise ValueError("not compressed as it says") from None
        if not unpacker.eof:
            raise ValueError("too large, or cut off")
        packets = list(_packets(message))
    tags = [tag for tag, _ in packets if tag != _MARKER]
    if _LITERAL not in tags or _SIGNATURE not in tags or not set(tags) <= {_SIGNATURE, _ONE_PASS, _LITERAL}:
        raise ValueError("not a signed message")
    return message


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Split data into the tags and bodies of its packets."""
    at = 0
    while at < len(data):
        head, at = data[at], at + 1
        if head < 0x80:
            raise ValueError("not a packet")
        body = b""
        if head & 0x40:
            more = True
            while more:
                size, at, more = _size(data, at)
                body, at = body + _taken(data, at, size), at + size
            yield head & 0x3F, body
            continue
        # The old form: one, two or four bytes of length, or a body up to the end.
        bytes_of_size = (1, 2, 4, 0)[head & 3]
        size = int.from_bytes(_taken(data, at, bytes_of_size), "big") if bytes_of_size else len(data) - at
        at += bytes_of_size
        yield (head & 0x3C) >> 2, _taken(data, at, size)
        at += size


def _size(data: bytes, at: int) -> tuple[int, int, bool]:
    """Return a length of the new form, where its body begins, and whether another length follows the body."""
    first = _taken(data, at, 1)[0]
    if first < 192:
        return first, at + 1, False
    if first < 224:
        return ((first - 192) << 8) + _taken(data, at + 1, 1)[0] + 192, at + 2, False
    if first == 255:
        return int.from_bytes(_taken(data, at + 1, 4), "big"), at + 5, False
    return 1 << (first & 31), at + 1, True


def _taken(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise ValueError("cut off")
    return data[at : at + size]
