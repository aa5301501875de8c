#!/usr/bin/env python3
"""Many clients of one HTTP server at once, some of which send half a request and then nothing.

usage: clients.py PORT [COUNT=500] [SLOW_PERCENT=5] [PATH=/page] [SECONDS=0]

For so many seconds each comes again as soon as it has its answer; 0: once. Prints what became of their requests. Exit status 1 where a
client that wasn't slow had neither an answer, whole, nor a refusal within 30 s.
"""
import asyncio
import collections
import sys
import time

PATIENCE_S = 30


async def fast(port, path):
    started = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
    except (ConnectionRefusedError, ConnectionResetError, BrokenPipeError):
        return "refused", None
    except TimeoutError:
        return "forgotten", None
    if head.startswith(b"HTTP/1.1 503 "):
        return "refused", None
    length = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    whole = head.startswith(b"HTTP/1.1 200 ") and length == [len(body)]
    return ("answered" if whole else "garbled"), time.monotonic() - started


async def slow(port, path):
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost:".encode())
            await reader.read()
            writer.close()
    except (ConnectionError, TimeoutError) as error:
        return "kept" if isinstance(error, TimeoutError) else "cut off", None
    return "cut off", None


async def come(client, port, path, end):
    """Once, and again until the end."""
    outcomes = [await client(port, path)]
    while time.monotonic() < end:
        outcomes.append(await client(port, path))
    return outcomes


async def main(port, count=500, slow_percent=5, path="/page", seconds=0):
    port, count, slow_percent, end = int(port), int(count), int(slow_percent), time.monotonic() + float(seconds)
    slow_ones = count * slow_percent // 100
    # Those who hold places come first.
    clients = [slow] * slow_ones + [fast] * (count - slow_ones)
    each = await asyncio.gather(*(come(client, port, path, end) for client in clients))
    outcomes = [outcome for outcomes in each for outcome in outcomes]
    counts = collections.Counter(outcome for outcome, _ in outcomes)
    times = sorted(taken for _, taken in outcomes if taken is not None) or [0]
    print(*(f"{name.replace(' ', '_')}={counts[name]}" for name in ("answered", "refused", "garbled", "forgotten", "cut off", "kept")),
          f"median_s={times[len(times) // 2]:.2f} longest_s={times[-1]:.2f}")
    return 1 if counts["garbled"] or counts["forgotten"] or counts["kept"] else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
