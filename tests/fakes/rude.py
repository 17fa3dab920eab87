"""A site that keeps to no rule of HTTP: it sends the bytes that a test says, as long as anybody listens."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


@asynccontextmanager
async def rude_site(pieces: Iterable[bytes], pause_s: float = 0.0) -> AsyncIterator[str]:
    """Answers each request with `pieces`, so many seconds apart, and hangs up; gives its link."""

    writers: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                if writer.is_closing():
                    break
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(2 * pause_s)


def zeros(gigabytes: int, wbits: int) -> Iterator[bytes]:
    """So many zeros, packed a thousandfold (`wbits` as zlib has them: 31 for gzip, 15 for deflate).

    A piece that is flushed depends on none before it, so one does for all. The end, with its sum, never comes.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    block = bytes(10_000_000)
    yield packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(gigabytes * 100 - 1):
        yield piece
