#!/usr/bin/env python3
"""How many requests the server answers, how fast, and whether it answers all of them.

    python3 bench/serve.py [--connections 200] [--seconds 60]

Builds the release binaries, serves a model, keeps connections open that ask for one row each as fast as they are answered,
then at a steady pace, and stops the server while it is under load. Times the scoring of a row in the library besides. Writes
bench/results/DATE-serve.json and -serve.md. Needs nothing but Python and cargo.
"""

import argparse
import datetime
import heapq
import json
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path

from harness import ROOT, build_release, keep, output
from report import machine, where

MODELS = {
    "9 columns": ("saheart", ["--target", "chd"]),
    "20 columns, 48 coefficients": ("german_credit", ["--target", "creditability", "--positive", "bad"]),
}
PACE = 10  # requests a second on each connection, of the steady load
LATENCY_LIMIT = 10.0  # seconds after which an answer counts as none


def started(release, model):
    """A server, and where it listens."""
    command = [str(release / "logistic"), "serve", str(model), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    host, port = server.stdout.readline().split("//")[1].strip().split(":")
    return server, (host, int(port))


def whole(answer):
    """Whether an answer is all there: it ends as one does."""
    return answer.endswith(b"]}\n") or (b"\r\n\r\n" in answer and not answer.startswith(b"HTTP/1.1 200"))


class Load:
    """Connections that ask again and again, each when its answer has come, or at its time."""

    def __init__(self, address, connections, request, pace=None):
        self.request, self.pace = request, pace
        self.selector = selectors.DefaultSelector()
        self.latencies, self.errors, self.bodies, self.closed = array("d"), 0, set(), 0
        self.sent, self.parts, self.due = {}, {}, []
        for at in range(connections):
            own = socket.create_connection(address)
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(own, selectors.EVENT_READ)
            self.parts[own] = b""
            # Spread over the first turn of the pace.
            self.due.append((at / connections / (pace or 1e9), own))

    def ask(self, own, now):
        self.sent[own] = now
        own.sendall(self.request)

    def answered(self, own, now):
        answer, self.parts[own] = self.parts[own], b""
        if not answer.startswith(b"HTTP/1.1 200"):
            self.errors += 1
            return
        self.latencies.append(now - self.sent.pop(own))
        if len(self.latencies) % 1000 == 1:
            self.bodies.add(answer.split(b"\r\n\r\n", 1)[1])

    def leave(self, own):
        self.selector.unregister(own)
        own.close()
        self.closed += 1
        # It had asked, and has no answer.
        self.errors += own in self.sent
        self.sent.pop(own, None)

    def run(self, seconds, after=None):
        """Asks for so many seconds; `after` seconds something happens, once, and who is told to go goes."""
        begun = time.perf_counter()
        due = sorted((begun + wait, id(own), own) for wait, own in self.due)
        while True:
            now = time.perf_counter()
            if after and now - begun > after[0]:
                after[1]()
                after = None
            over = now - begun > seconds
            while due and due[0][0] <= now and not over:
                self.ask(heapq.heappop(due)[2], now)
            if (over and not self.sent) or not self.parts or self.closed == len(self.parts):
                return now - begun
            if now - begun > seconds + LATENCY_LIMIT:
                self.errors += len(self.sent)
                return now - begun
            for key, _ in self.selector.select(0.002):
                own = key.fileobj
                try:
                    data = own.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    self.leave(own)
                    continue
                self.parts[own] += data
                if not whole(self.parts[own]):
                    continue
                last = b"\r\nconnection: close\r\n" in self.parts[own][:400]
                now, began = time.perf_counter(), self.sent.get(own)
                self.answered(own, now)
                if last:
                    self.leave(own)
                elif self.pace:
                    heapq.heappush(due, (began + 1 / self.pace, id(own), own))
                elif now - begun < seconds:
                    self.ask(own, now)

    def told(self, seconds):
        ordered = sorted(self.latencies)
        share = lambda part: ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1e3
        return {
            "requests": len(ordered),
            "errors": self.errors,
            "seconds": seconds,
            "requests_per_second": len(ordered) / seconds,
            "p50_ms": share(0.5),
            "p99_ms": share(0.99),
            "worst_ms": ordered[-1] * 1e3,
        }


def cpu_and_memory(pid):
    """The seconds of processor that a process has taken, and its memory in bytes; none where the system does not say."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None, None
    fields = stat.read_text().rsplit(")", 1)[1].split()
    ticks = 100  # of every Linux there is
    status = Path(f"/proc/{pid}/status").read_text()
    most = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / ticks, most


def under_load(release, model, row, arguments):
    """As fast as it goes, at a steady pace, and while the server stops."""
    body = json.dumps({"rows": [row]}).encode()
    head = f"POST /predict HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    request = head.encode() + body
    found = {}
    for name, pace, seconds in (("fast", None, arguments.seconds), ("steady", PACE, min(20, arguments.seconds))):
        server, address = started(release, model)
        load = Load(address, arguments.connections, request, pace)
        took = load.run(seconds)
        cpu, memory = cpu_and_memory(server.pid)
        if len(load.bodies) != 1:
            sys.exit(f"{len(load.bodies)} different answers to one request")
        found[name] = {**load.told(took), "server_cpu_seconds": cpu, "server_peak_bytes": memory}
        server.terminate()
        found[name]["exit"] = server.wait(timeout=20)
        print(f"{name}: {found[name]}", file=sys.stderr)
    server, address = started(release, model)
    load = Load(address, arguments.connections, request)
    took = load.run(30, after=(2, server.terminate))
    found["stopped"] = {**load.told(took), "closed": load.closed, "exit": server.wait(timeout=20)}
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--connections", type=int, default=200, help="open at a time (default: 200)")
    arguments.add_argument("--seconds", type=int, default=60, help="of the load (default: 60)")
    arguments = arguments.parse_args()
    facts = machine()
    release = build_release("time_rows")
    rows, load = {}, None
    with tempfile.TemporaryDirectory() as folder:
        for name, (table, words) in MODELS.items():
            data, model = ROOT / "testdata" / f"{table}.csv", Path(folder) / f"{table}.json"
            output(release / "logistic", "train", data, *words, "-o", model)
            rows[name] = json.loads(output(release / "examples" / "time_rows", model, data, 2))
            a, b = rows[name]["sums"]
            if a != b:
                sys.exit(f"the ways do not agree: {a} and {b}")
            if load is None:
                names, first = data.read_text().splitlines()[:2]
                number = lambda text: float(text) if text.replace(".", "", 1).isdigit() else text
                row = {key: number(text) for key, text in zip(names.split(","), first.split(","))}
                load = under_load(release, model, row, arguments)
    result = {
        "date": datetime.date.today().isoformat(),
        "machine": facts,
        "commit": output("git", "describe", "--always", "--dirty").strip(),
        "rustc": output("rustc", "--version").split()[1],
        "connections": arguments.connections,
        "rows_ns": rows,
        "load": load,
    }
    keep(f"{result['date']}-serve", result, page(result))


def page(result):
    """The result as a page."""
    facts, load = result["machine"], result["load"]
    lines = [
        f"# {result['date']}: the server",
        "",
        where(facts) + f"Commit {result['commit']}, rustc {result['rustc']}. The client, one Python process, shares the cores.",
        "",
        f"{result['connections']} connections that stay open, each asking for one row of 9 columns with contributions, interval and flags:",
        "",
        "| load | seconds | requests | errors | requests a second | p50, ms | p99, ms | worst, ms | CPU of the server, s | most memory, MB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, words in (("fast", "as fast as it goes"), ("steady", f"{PACE} a second on each")):
        own = load[name]
        cpu = "–" if own["server_cpu_seconds"] is None else f"{own['server_cpu_seconds']:.1f}"
        memory = "–" if own["server_peak_bytes"] is None else f"{own['server_peak_bytes'] / 1e6:.0f}"
        lines.append(
            f"| {words} | {own['seconds']:.1f} | {own['requests']:,} | {own['errors']} | {own['requests_per_second']:,.0f} "
            f"| {own['p50_ms']:.2f} | {own['p99_ms']:.2f} | {own['worst_ms']:.1f} | {cpu} | {memory} |"
        )
    stopped = load["stopped"]
    lines += [
        "",
        f"SIGTERM after 2 s of the first load: {stopped['requests']:,} requests answered, {stopped['errors']} lost, "
        f"all {stopped['closed']} connections told to close, exit code {stopped['exit']}.",
        "",
        "One row in the library, one thread, in µs:",
        "",
        "| model | score, flags | the same, cells as text | with contributions | and interval |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, own in result["rows_ns"].items():
        cells = [f"{own[key] / 1e3:.2f}" for key in ("score", "texts", "contributions", "interval")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
