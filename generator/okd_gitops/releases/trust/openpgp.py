"""The packets of a signed OpenPGP message (RFC 9580, sections 4.2 and 5.6), before they are unpacked.

A compressed packet of 500 bytes can stand for gigabytes, and may lie inside another. So one layer is unpacked
here, up to a limit, and a message that holds anything but signatures and a text is refused.
"""

import zlib
from collections.abc import Iterator

_SIGNATURE, _ONE_PASS, _COMPRESSED, _MARKER, _LITERAL = 2, 4, 8, 10, 11
# By the algorithm's number: what zlib has to be told. bzip2, which is the third, is used by nobody.
_WINDOWS = {1: -15, 2: 15}


def plain(message: bytes, limit: int) -> bytes:
    """Return a signed message without its compression.

    Raises ValueError when it is cut off, larger than `limit` bytes, or not a binary signed message.
    """
    if len(message) > limit:
        raise ValueError("too large")

    packets = list(_packets(message))
    if [tag for tag, _ in packets] == [_COMPRESSED]:
        message = _decompressed(packets[0][1], limit)
        packets = list(_packets(message))

    tags = {tag for tag, _ in packets} - {_MARKER}
    if not {_LITERAL, _SIGNATURE} <= tags <= {_LITERAL, _SIGNATURE, _ONE_PASS}:
        raise ValueError("not a signed message")

    return message


def signed_text(message: bytes) -> bytes:
    """Return the text of a message from `plain`, whoever signed it."""
    (body,) = [body for tag, body in _packets(message) if tag == _LITERAL]
    if len(body) < 2 or len(body) < 6 + body[1]:
        raise ValueError("cut off")

    # A format, a name with its length before it, and four bytes of time.
    return body[6 + body[1] :]


def _decompressed(body: bytes, limit: int) -> bytes:
    """Return the content of a compressed packet; never more than a byte over the limit is unpacked."""
    if not body or body[0] not in _WINDOWS:
        raise ValueError("compressed in an unknown way")

    unpacker = zlib.decompressobj(_WINDOWS[body[0]])
    try:
        content = unpacker.decompress(body[1:], limit + 1)
    except zlib.error:
        raise ValueError("not compressed as it says") from None

    if not unpacker.eof:
        raise ValueError("too large, or cut off")

    return content


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Split data into the tags and bodies of its packets."""
    at = 0
    while at < len(data):
        head = data[at]
        if head < 0x80:
            raise ValueError("not a packet")

        if head & 0x40:
            body, at = _body_of_new_form(data, at + 1)
            yield head & 0x3F, body
        else:
            body, at = _body_of_old_form(data, at + 1, head & 3)
            yield (head & 0x3C) >> 2, body


def _body_of_new_form(data: bytes, at: int) -> tuple[bytes, int]:
    """Return a body that may come in parts, each after its own length, and where it ends."""
    body = b""
    is_partial = True

    while is_partial:
        size, at, is_partial = _size(data, at)
        body += _taken(data, at, size)
        at += size

    return body, at


def _body_of_old_form(data: bytes, at: int, type_of_length: int) -> tuple[bytes, int]:
    """Return a body after up to four bytes of length, or up to the end of the data, and where it ends."""
    bytes_of_size = (1, 2, 4, 0)[type_of_length]
    if not bytes_of_size:
        return data[at:], len(data)

    size = int.from_bytes(_taken(data, at, bytes_of_size), "big")
    at += bytes_of_size
    return _taken(data, at, size), at + size


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
