"""Chunk bytes to record bytes, with the size told beforehand as a bound: a bomb costs nothing."""

from __future__ import annotations

import lz4.frame
import zstandard

from embodied_kit.errors import DataError

MAX_WINDOW_BYTES = 64 * 1024 * 1024


class Decompressor:
    """Decompresses chunks of one file; keeps its contexts."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)

    def __call__(self, compression: str, data: memoryview, size: int) -> memoryview:
        """Records of a chunk.

        Args:
            data: What the chunk stores.
            compression: As the chunk names it; empty for none.
            size: Uncompressed size that the chunk declares, already held against the caller's limit.

        Raises:
            DataError: unknown compression, damaged data, or another size than declared.
        """
        if compression == "":
            found = data
        elif size == 0:
            found = memoryview(b"")
        elif compression == "zstd":
            found = self._unzstd(data, size)
        elif compression == "lz4":
            found = _unlz4(data, size)
        else:
            raise DataError(f"expected the compression '', zstd or lz4, got {compression[:40]!r}")
        if len(found) != size:
            raise DataError(f"expected {size} uncompressed bytes as declared, got {len(found)}")
        return found

    def _unzstd(self, data: memoryview, size: int) -> memoryview:
        try:
            told = zstandard.frame_content_size(data)
            if told > size:
                raise DataError(f"expected {size} uncompressed bytes as declared, got a zstd frame of {told}")
            found = self._zstd.decompress(data, max_output_size=size) if told in (-1, size) else b""
            if len(found) != size:  # several frames, or not all there
                with self._zstd.stream_reader(data, read_across_frames=True) as stream:
                    found = stream.read(size + 1)
        except (zstandard.ZstdError, MemoryError) as error:
            raise DataError(f"expected whole zstd data, got {error}") from error
        return memoryview(found)


def _unlz4(data: memoryview, size: int) -> memoryview:
    context = lz4.frame.create_decompression_context()
    try:
        found, read, ended = lz4.frame.decompress_chunk(context, data, max_length=size)
        if not ended and len(found) == size:  # only the end mark may be left
            more, _, ended = lz4.frame.decompress_chunk(context, data[read:], max_length=1)
            found += more
    except (RuntimeError, MemoryError, EOFError) as error:
        raise DataError(f"expected whole lz4 frame data, got {error}") from error
    if not ended:
        raise DataError("expected the end of the lz4 frame, got more or less data")
    return memoryview(found)
