"""An image file without what is no picture: the same pixels, for decoders that choke on the rest.

Text, profiles, gamma, previews and their checksums are read by nobody here, and yet a decoder
refuses a file over them. Each format is cut along its own structure; nothing is decoded.
"""

import struct
import zlib
from collections.abc import Callable, Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_PNG_TRANSPARENCY_SIZES = {0: 2, 2: 6}
"""Colour type -> bytes of a colour that stands for clear (PNG 1.2, 4.2.1.1)."""
_JPEG_STANDALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers without a length: TEM, restarts and the start (ITU T.81, table B.1)."""
_JPEG_ADOBE, _JPEG_COMMENT, _JPEG_SCAN = 0xEE, 0xFE, 0xDA
_WEBP_PIXELS = {b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_WEBP_METADATA_FLAGS = 0b00101100
"""Bits of VP8X that promise a profile, EXIF and XMP (WebP container specification)."""
_WEBP_ORIENTATION_FLAGS = {b"EXIF": 0b1000, b"XMP ": 0b0100}
_TIFF_PIXELS = {
    254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 296, 317, 320, 322,
    323, 324, 325, 332, 336, 338, 339, 340, 341, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521,
    529, 530, 531, 532,
}  # fmt: skip
"""Tags that say how samples are laid out and coded (TIFF 6.0, appendix A; TechNote 2)."""
_TIFF_ORIENTATION = 274


def drop_metadata(content: bytes, *, orientation: bool) -> bytes:
    """The file with its pixels and, if asked for, what says how to turn them.

    ``content`` comes back as it is where its format has nothing to drop. What follows the first
    picture is left out. Raises IndexError, ValueError or struct.error where the structure breaks.
    """
    for magic, drop in _FORMATS.items():
        if content.startswith(magic):
            return drop(content, orientation)
    return content


def _drop_png(content: bytes, orientation: bool) -> bytes:
    kept, kind = [_PNG], 0
    for name, body, check in _list_chunks(content):
        if name == b"IHDR":
            kind = body[9]
        if name in _PNG_PIXELS:  # A wrong checksum here is a wrong picture.
            kept.append(struct.pack(">I", len(body)) + name + body + check)
        elif (name == b"tRNS" and len(body) >= _PNG_TRANSPARENCY_SIZES.get(kind, 0)) or (
            orientation and _has_png_orientation(name, body)
        ):
            right = struct.pack(">I", zlib.crc32(name + body))
            kept.append(struct.pack(">I", len(body)) + name + body + right)
    return b"".join(kept)


def _list_chunks(content: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Name, body and checksum of each PNG chunk; the last may be cut short."""
    place, name = len(_PNG), b""
    while place + 8 <= len(content) and name != b"IEND":
        (length,) = struct.unpack_from(">I", content, place)
        name, end = content[place + 4 : place + 8], place + 8 + length
        yield name, content[place + 8 : end], content[end : end + 4]
        place = end + 4


def _has_png_orientation(name: bytes, body: bytes) -> bool:
    return name == b"eXIf" or (name == b"iTXt" and body.startswith(b"XML:com.adobe.xmp\0\0"))


def _drop_jpeg(content: bytes, orientation: bool) -> bytes:
    kept, place = [content[:2]], 2
    while True:
        place = content.index(b"\xff", place)
        marker = content[place + 1]
        if marker in {0x00, 0xFF, *_JPEG_STANDALONE}:
            place += 1 if marker == 0xFF else 2
            continue
        if marker == _JPEG_SCAN:
            return b"".join([*kept, content[place:]])
        (length,) = struct.unpack_from(">H", content, place + 2)
        segment = content[place : place + 2 + length]
        if _is_kept_segment(marker, segment[4:], orientation):
            kept.append(segment)
        place += 2 + length


def _is_kept_segment(marker: int, body: bytes, orientation: bool) -> bool:
    """Whether a JPEG segment belongs to the picture; JFIF and Adobe tell how it codes colour."""
    if marker == 0xE0:
        return body.startswith(b"JFIF\0") and len(body) >= 14
    if marker == _JPEG_ADOBE:
        return body.startswith(b"Adobe") and len(body) >= 12
    if marker == 0xE1 and orientation:
        return body.startswith((b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"))
    return marker != _JPEG_COMMENT and not 0xE0 <= marker <= 0xEF


def _drop_webp(content: bytes, orientation: bool) -> bytes:
    if content[8:12] != b"WEBP":
        return content
    kept, flags, place = [], 0, 12
    head: bytes | None = None
    while place + 8 <= len(content):
        name, (length,) = content[place : place + 4], struct.unpack_from("<I", content, place + 4)
        chunk = content[place : place + 8 + length + length % 2]
        whole = len(chunk) >= 8 + length
        if name == b"VP8X":
            head = chunk
        elif name in _WEBP_PIXELS or (orientation and whole and name in _WEBP_ORIENTATION_FLAGS):
            kept.append(chunk + b"\0" * (len(chunk) % 2))
            flags |= _WEBP_ORIENTATION_FLAGS.get(name, 0)
        place += len(chunk)
    if head is not None:
        kept.insert(0, head[:8] + bytes([head[8] & ~_WEBP_METADATA_FLAGS | flags]) + head[9:])
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _drop_gif(content: bytes, orientation: bool) -> bytes:
    """The screen, its palette and the first frame with what says which colour is clear."""
    del orientation
    place = 13 + _compute_palette_size(content[10])
    kept = [content[:place]]
    while True:
        if content[place] == 0x21:
            end = _skip_blocks(content, place + 2)
            if content[place + 1] == 0xF9 and content[place + 2] == 4:
                kept.append(content[place:end])
            place = end
        elif content[place] == 0x2C:
            data = place + 10 + _compute_palette_size(content[place + 9]) + 1
            return b"".join([*kept, content[place : _skip_blocks(content, data)], b";"])
        else:
            raise ValueError("a GIF without a frame")


def _compute_palette_size(packed: int) -> int:
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0


def _skip_blocks(content: bytes, place: int) -> int:
    while content[place]:
        place += content[place] + 1
    return place + 1


def _drop_tiff(content: bytes, orientation: bool) -> bytes:
    """The file with fewer tags in its first directory, and no second; all else stays in place."""
    order = "<" if content.startswith(b"II") else ">"
    if struct.unpack_from(f"{order}H", content, 2)[0] == 43:  # BigTIFF
        count_code, offset_code, size, at = "Q", "Q", 20, 8
    else:
        count_code, offset_code, size, at = "H", "I", 12, 4
    (start,) = struct.unpack_from(order + offset_code, content, at)
    (count,) = struct.unpack_from(order + count_code, content, start)
    begin = start + struct.calcsize(count_code)
    if begin + size * count > len(content):
        raise ValueError("a TIFF directory beyond the end of the file")
    entries = [content[begin + size * n : begin + size * (n + 1)] for n in range(count)]
    wanted = _TIFF_PIXELS | ({_TIFF_ORIENTATION} if orientation else set())
    kept = [entry for entry in entries if struct.unpack_from(f"{order}H", entry)[0] in wanted]
    directory = struct.pack(order + count_code, len(kept)) + b"".join(kept)
    directory += bytes(struct.calcsize(offset_code))
    return content[:start] + directory + content[start + len(directory) :]


_FORMATS: dict[bytes, Callable[[bytes, bool], bytes]] = {
    _PNG: _drop_png,
    b"\xff\xd8": _drop_jpeg,
    b"RIFF": _drop_webp,
    b"GIF8": _drop_gif,
    b"II": _drop_tiff,
    b"MM": _drop_tiff,
}
