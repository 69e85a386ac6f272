"""The form of the file that `src/domain/vin/vpic/data.rs` reads: numbers, sections, head."""

import hashlib
import struct
from array import array
from datetime import datetime, timezone

MAGIC = b"SBVPIC\x01\x00"  # the last two bytes are the version of this form
NONE = 0xFFFF

u16 = struct.Struct("<H").pack
u32 = struct.Struct("<I").pack


def u24(value):
    return u32(value)[:3]


def array_of(kind, values):
    packed = array(kind, values)
    assert packed.itemsize == {"B": 1, "H": 2, "I": 4}[kind]
    if struct.pack("=H", 1) != struct.pack("<H", 1):
        packed.byteswap()
    return packed.tobytes()


def seconds(published):
    """An instant, in microseconds or as a text, as seconds since 1970."""
    if isinstance(published, str) and not published.isdigit():
        instant = datetime.fromisoformat(published)
        published = instant.replace(tzinfo=instant.tzinfo or timezone.utc).timestamp() * 1e6
    return max(0, -(-int(published) // 1_000_000))


def date_of(changed):
    """The day of an instant, in microseconds or as a text."""
    if isinstance(changed, str) and not changed.isdigit():
        return changed[:10]
    return datetime.fromtimestamp(int(changed) / 1e6, timezone.utc).date().isoformat()


def assemble(sections, notes):
    """The file: magic, hash of the rest, notes, table of the sections, sections."""
    head = bytearray()
    for note in notes:
        head += u16(len(note.encode())) + note.encode()
    offset = len(MAGIC) + 32 + len(head) + 2 + 8 * len(sections)
    table, body = u16(len(sections)), bytearray()
    for data in sections.values():
        table += struct.pack("<II", offset + len(body), len(data))
        body += data
    rest = bytes(head + table + body)
    return MAGIC + hashlib.sha256(rest).digest() + rest
