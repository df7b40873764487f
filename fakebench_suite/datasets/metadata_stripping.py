"""Remove metadata from an image file and keep its pixels, for decoders that reject the metadata.

Text, profiles, gamma, previews and their checksums are not used by the suite, but a decoder may
reject a file because of them. Each format is edited by its own structure; nothing is decoded.
"""

import struct
import zlib
from collections.abc import Callable, Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_PNG_TRANSPARENCY_SIZES = {0: 2, 2: 6}
"""Colour type -> bytes of a transparent colour (PNG 1.2, 4.2.1.1)."""
_JPEG_STANDALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers without a length: TEM, restarts and the start (ITU T.81, table B.1)."""
_JPEG_ADOBE, _JPEG_COMMENT, _JPEG_SCAN = 0xEE, 0xFE, 0xDA
_WEBP_PIXELS = {b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_WEBP_METADATA_FLAGS = 0b00101100
"""Bits of VP8X that announce a profile, EXIF and XMP (WebP container specification)."""
_WEBP_ORIENTATION_FLAGS = {b"EXIF": 0b1000, b"XMP ": 0b0100}
"""Chunks that may hold the orientation, and their bits of VP8X."""
_TIFF_PIXELS = {
    254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 296, 317, 320, 322,
    323, 324, 325, 332, 336, 338, 339, 340, 341, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521,
    529, 530, 531, 532,
}  # fmt: skip
"""Tags that describe the layout and coding of samples (TIFF 6.0, appendix A; TechNote 2)."""
_TIFF_ORIENTATION = 274


def drop_metadata(content: bytes, *, orientation: bool) -> bytes:
    """Return the file with its pixels and, if ``orientation`` is set, with its orientation.

    A format that is not listed is returned unchanged. Everything after the first image is dropped.
    Raises IndexError, ValueError or struct.error if the structure is broken.
    """
    for magic, drop in _FORMATS.items():
        if content.startswith(magic):
            return drop(content, orientation)
    return content


def _drop_png(content: bytes, orientation: bool) -> bytes:
    """Return the PNG with critical chunks, the transparent colour and perhaps the orientation."""
    parts, colour_type = [_PNG], 0
    for name, body, check in _list_chunks(content):
        if name == b"IHDR":
            colour_type = body[9]
        if name in _PNG_PIXELS:  # A wrong checksum here means wrong pixels.
            parts.append(struct.pack(">I", len(body)) + name + body + check)
        elif (name == b"tRNS" and len(body) >= _PNG_TRANSPARENCY_SIZES.get(colour_type, 0)) or (
            orientation and _has_png_orientation(name, body)
        ):
            checksum = struct.pack(">I", zlib.crc32(name + body))
            parts.append(struct.pack(">I", len(body)) + name + body + checksum)
    return b"".join(parts)


def _list_chunks(content: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield name, body and checksum of each PNG chunk; the last may be truncated."""
    position, name = len(_PNG), b""
    while position + 8 <= len(content) and name != b"IEND":
        (length,) = struct.unpack_from(">I", content, position)
        name, end = content[position + 4 : position + 8], position + 8 + length
        yield name, content[position + 8 : end], content[end : end + 4]
        position = end + 4


def _has_png_orientation(name: bytes, body: bytes) -> bool:
    return name == b"eXIf" or (name == b"iTXt" and body.startswith(b"XML:com.adobe.xmp\0\0"))


def _drop_jpeg(content: bytes, orientation: bool) -> bytes:
    """Return the JPEG with the segments that :func:`_is_kept_segment` selects, and its scans."""
    parts, position = [content[:2]], 2
    while True:
        position = content.index(b"\xff", position)
        marker = content[position + 1]
        if marker in {0x00, 0xFF, *_JPEG_STANDALONE}:
            position += 1 if marker == 0xFF else 2
            continue
        if marker == _JPEG_SCAN:
            return b"".join([*parts, content[position:]])
        (length,) = struct.unpack_from(">H", content, position + 2)
        segment = content[position : position + 2 + length]
        if _is_kept_segment(marker, segment[4:], orientation):
            parts.append(segment)
        position += 2 + length


def _is_kept_segment(marker: int, body: bytes, orientation: bool) -> bool:
    """Return whether a JPEG segment affects pixels; JFIF and Adobe define the colour coding."""
    if marker == 0xE0:
        return body.startswith(b"JFIF\0") and len(body) >= 14
    if marker == _JPEG_ADOBE:
        return body.startswith(b"Adobe") and len(body) >= 12
    if marker == 0xE1 and orientation:
        return body.startswith((b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"))
    return marker != _JPEG_COMMENT and not 0xE0 <= marker <= 0xEF


def _drop_webp(content: bytes, orientation: bool) -> bytes:
    """Return the WebP with its pixel chunks and, if asked for, EXIF and XMP; VP8X is updated."""
    if content[8:12] != b"WEBP":
        return content
    chunks, flags, position = [], 0, 12
    header: bytes | None = None
    while position + 8 <= len(content):
        name, (length,) = (
            content[position : position + 4],
            struct.unpack_from("<I", content, position + 4),
        )
        chunk = content[position : position + 8 + length + length % 2]
        complete = len(chunk) >= 8 + length
        if name == b"VP8X":
            header = chunk
        elif name in _WEBP_PIXELS or (orientation and complete and name in _WEBP_ORIENTATION_FLAGS):
            chunks.append(chunk + b"\0" * (len(chunk) % 2))
            flags |= _WEBP_ORIENTATION_FLAGS.get(name, 0)
        position += len(chunk)
    if header is not None:
        chunks.insert(
            0, header[:8] + bytes([header[8] & ~_WEBP_METADATA_FLAGS | flags]) + header[9:]
        )
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _drop_gif(content: bytes, orientation: bool) -> bytes:
    """Return the screen, its palette and the first frame with its transparent colour."""
    del orientation
    position = 13 + _compute_palette_size(content[10])
    parts = [content[:position]]
    while True:
        if content[position] == 0x21:
            end = _skip_blocks(content, position + 2)
            if content[position + 1] == 0xF9 and content[position + 2] == 4:
                parts.append(content[position:end])
            position = end
        elif content[position] == 0x2C:
            data = position + 10 + _compute_palette_size(content[position + 9]) + 1
            return b"".join([*parts, content[position : _skip_blocks(content, data)], b";"])
        else:
            raise ValueError("a GIF without a frame")


def _compute_palette_size(packed: int) -> int:
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0


def _skip_blocks(content: bytes, position: int) -> int:
    while content[position]:
        position += content[position] + 1
    return position + 1


def _drop_tiff(content: bytes, orientation: bool) -> bytes:
    """Return the TIFF with fewer tags in its first directory and no second; offsets stay valid."""
    order = "<" if content.startswith(b"II") else ">"
    if struct.unpack_from(f"{order}H", content, 2)[0] == 43:  # BigTIFF
        count_code, offset_code, size, position = "Q", "Q", 20, 8
    else:
        count_code, offset_code, size, position = "H", "I", 12, 4
    (start,) = struct.unpack_from(order + offset_code, content, position)
    (count,) = struct.unpack_from(order + count_code, content, start)
    begin = start + struct.calcsize(count_code)
    if begin + size * count > len(content):
        raise ValueError("a TIFF directory beyond the end of the file")
    entries = [content[begin + size * n : begin + size * (n + 1)] for n in range(count)]
    wanted = _TIFF_PIXELS | ({_TIFF_ORIENTATION} if orientation else set())
    kept_entries = [
        entry for entry in entries if struct.unpack_from(f"{order}H", entry)[0] in wanted
    ]
    directory = struct.pack(order + count_code, len(kept_entries)) + b"".join(kept_entries)
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
