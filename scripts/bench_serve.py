"""Load on `seqtag serve`: every answer checked, speed, and memory.

    python scripts/bench_serve.py --model MODEL --input FILE
    python scripts/bench_serve.py --model MODEL --input FILE --clients 8 --seconds 10

FILE has a sentence per line, tokens separated by spaces. A server is started, and clients send it
requests of one to three of these sentences, one after the other on a connection each. Every answer
is compared with what `Tagger` returns: labels and spans are equal, probabilities differ by less
than 1e-5. One request in ten asks for alternatives, too. Among the clients are others: some send a
byte every half second, some a body that is too large or not JSON, and some close the connection
before the answer. Memory is the resident memory of the server after a tenth of the time, and at
the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from seqtag import Tagger

SENTENCES = 500
ALTERNATIVES = 3
# Clients of each unfriendly kind, for each 16 friendly ones.
PER_UNFRIENDLY = 16


class Connection:
    """A connection of HTTP/1.1 that is kept open."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)

    def close(self) -> None:
        """Disconnect; the next request connects again."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer."""
        if self.writer is None:
            await self.open()
        assert self.reader is not None
        assert self.writer is not None
        self.writer.write(head(len(body)) + body)
        await self.writer.drain()
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"content-length: (\d+)", lines)
        assert length is not None, lines
        content = await self.reader.readexactly(int(length[1]))
        if "connection: close" in lines:
            self.close()
        return int(lines.split(" ", 2)[1]), content


def head(length: int) -> bytes:
    """Return the head of a request."""
    return (
        f"POST /tag HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


class Load:
    """The clients, and what they find.

    Args:
        address: host and port of the server.
        sentences: sentences of words.
        expected: what `Tagger` returns for each, as JSON values.
        seconds: how long the clients send requests.
    """

    def __init__(
        self,
        address: tuple[str, int],
        sentences: list[list[str]],
        expected: list[dict[str, Any]],
        seconds: float,
    ) -> None:
        self.address, self.sentences, self.expected = address, sentences, expected
        self.end = time.monotonic() + seconds
        self.seconds: list[float] = []
        self.counts: Counter[str] = Counter()

    def running(self) -> bool:
        """Return whether clients go on."""
        return time.monotonic() < self.end

    async def friendly(self, number: int) -> None:
        """Send requests one after the other, and compare each answer."""
        choose = random.Random(number)
        connection = Connection(*self.address)
        while self.running():
            rows = [choose.randrange(len(self.sentences)) for _ in range(choose.randint(1, 3))]
            fields: dict[str, Any] = {"tokens": [self.sentences[row] for row in rows]}
            fields["probabilities"] = True
            if choose.random() < 0.1:
                fields["alternatives"] = ALTERNATIVES
            begun = time.monotonic()
            try:
                status, content = await asyncio.wait_for(
                    connection.post(json.dumps(fields).encode()), 60
                )
            except (OSError, EOFError, TimeoutError):
                self.counts["lost"] += 1
                connection.close()
                continue
            self.seconds.append(time.monotonic() - begun)
            answer = json.loads(content)
            right = status == 200 and all(
                same(got, self.expected[row], "alternatives" in fields)
                for got, row in zip(answer["sentences"], rows, strict=True)
            )
            self.counts["right" if right else "wrong"] += 1
        connection.close()

    async def slow(self, number: int) -> None:
        """Send a request byte by byte; the server must give up, and not wait with others."""
        while self.running():
            connection = Connection(*self.address)
            await connection.open()
            assert connection.writer is not None
            message = head(1_000) if number % 2 else head(1_000)[:40]
            try:
                for byte in message + b" " * 1_000:
                    if not self.running():
                        break
                    connection.writer.write(bytes([byte]))
                    await connection.writer.drain()
                    await asyncio.sleep(0.5)
                else:
                    self.counts["slow client was answered"] += 1
            except OSError:
                self.counts["slow client was cut off"] += 1
            connection.close()

    async def wrong(self, number: int) -> None:
        """Send bodies that must be refused."""
        cases = ((b'{"text": "' + b"a" * (2 << 20) + b'"}', 413), (b'{"text": ', 400))
        while self.running():
            body, expected = cases[number % 2]
            connection = Connection(*self.address)
            try:
                status, _ = await asyncio.wait_for(connection.post(body), 60)
                self.counts["refused" if status == expected else "not refused"] += 1
            except (OSError, EOFError, TimeoutError):
                self.counts["refused, connection closed"] += 1
            connection.close()
            await asyncio.sleep(0.2)

    async def leaving(self, number: int) -> None:
        """Send requests and leave before the answer."""
        body = json.dumps({"text": "Alex left. " * 30}).encode()
        while self.running():
            connection = Connection(*self.address)
            await connection.open()
            assert connection.writer is not None
            connection.writer.write(head(len(body)) + body)
            await connection.writer.drain()
            connection.close()
            self.counts["left early"] += 1
            await asyncio.sleep(1)


def same(got: dict[str, Any], expected: dict[str, Any], with_alternatives: bool) -> bool:
    """Return whether an answer is that of `Tagger`."""
    if (got["tokens"], got["labels"]) != (expected["tokens"], expected["labels"]):
        return False
    if ("alternatives" in got) != with_alternatives:
        return False
    pairs = [(got, expected)]
    if with_alternatives:
        rows = zip(got["alternatives"], expected["alternatives"], strict=True)
        pairs += list(rows)
    for one, other in pairs:
        if [without_probability(s) for s in one["spans"]] != [
            without_probability(s) for s in other["spans"]
        ]:
            return False
    close = np.allclose(got["probabilities"], expected["probabilities"], rtol=0, atol=1e-5)
    return bool(close)


def without_probability(span: dict[str, Any]) -> dict[str, Any]:
    """Return a span without its probability."""
    return {key: value for key, value in span.items() if key != "probability"}


def resident(process: int) -> float:
    """Return the resident memory of a process in MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def cpu_seconds(process: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def run_clients(load: Load, clients: int, process: int, seconds: float) -> list[float]:
    """Run all clients; return the memory of the server after a tenth of the time and at the end."""
    unfriendly = max(1, clients // PER_UNFRIENDLY)
    kinds: list[tuple[Callable[[int], Coroutine[Any, Any, None]], int]] = [
        *((load.friendly, clients), (load.slow, unfriendly)),
        *((load.wrong, unfriendly), (load.leaving, unfriendly)),
    ]
    tasks = [asyncio.create_task(run(n)) for run, count in kinds for n in range(count)]
    await asyncio.sleep(seconds / 10)
    memory = [resident(process)]
    await asyncio.gather(*tasks)
    return [*memory, resident(process)]


def start(
    model: str, workers: int | None, log: Path
) -> tuple[subprocess.Popen[bytes], tuple[str, int]]:
    """Start a server, which writes its messages to a file; return it and its address."""
    command = [sys.executable, "-m", "seqtag.cli", "serve", "--model", model, "--port", "0"]
    command += [] if workers is None else ["--workers", str(workers)]
    with log.open("w", encoding="utf-8") as file:
        server = subprocess.Popen(command, stderr=file)
    while server.poll() is None:
        if found := re.search(r"http://\S+(?= )", log.read_text(encoding="utf-8")):
            url = urlsplit(found[0])
            return server, (str(url.hostname), int(url.port or 80))
        time.sleep(0.1)
    raise SystemExit(f"the server did not start: {log.read_text(encoding='utf-8')}")


def main() -> None:
    """Run the clients, and print what they found."""
    summary = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--model", required=True, help="a model folder")
    parser.add_argument("--input", required=True, help="sentences, one per line")
    parser.add_argument("--clients", type=int, default=64, help="default: 64")
    parser.add_argument("--seconds", type=float, default=30, help="default: 30")
    parser.add_argument("--workers", type=int, help="of the server")
    args = parser.parse_args()
    lines = Path(args.input).read_text(encoding="utf-8").splitlines()
    sentences = [line.split() for line in lines if line.split()][:SENTENCES]
    options = {"probabilities": True, "alternatives": ALTERNATIVES}
    tagged = Tagger.load(args.model).tag(sentences, **options)
    expected = [json.loads(json.dumps(sentence.to_plain())) for sentence in tagged]
    log = Path(tempfile.mkdtemp()) / "server.log"
    server, address = start(args.model, args.workers, log)
    print(f"messages of the server: {log}")
    try:
        load = Load(address, sentences, expected, args.seconds)
        before = cpu_seconds(server.pid)
        memory = asyncio.run(run_clients(load, args.clients, server.pid, args.seconds))
        used = cpu_seconds(server.pid) - before
        server.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        code = server.wait(30)
    finally:
        server.kill()
    p50, p99 = (1000 * np.quantile(load.seconds, q) for q in (0.5, 0.99))
    print(f"{args.clients} clients, {args.seconds:g} s, {os.cpu_count()} cores")
    print(f"processor time of the server: {1000 * used / len(load.seconds):.1f} ms a request")
    print(f"requests/s {len(load.seconds) / args.seconds:,.0f}, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    for name, count in sorted(load.counts.items()):
        print(f"{name}: {count:,}")
    print(f"memory: {memory[0]:.0f} MiB after a tenth of the time, {memory[1]:.0f} MiB at the end")
    print(f"stopped after {time.monotonic() - begun:.1f} s with exit code {code}")
    if load.counts["wrong"] or load.counts["lost"] or load.counts["not refused"] or code:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
