"""The workloads: what is sent through the proxies. Names are stable: results refer to them.

A workload is the same work for every proxy. Its kind says how it is run (kinds.py).
"""

import dataclasses
import fnmatch

MIB = 1 << 20
# A request that asks for something and an answer that is a little more, both in one packet.
SMALL = {"request_bytes": 64, "response_bytes": 512}
# The most connections any of them has.
CONNECTIONS_MAX = 10000
MODES = ("plain", "tls12", "tls13")


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    kind: str                    # which class of kinds.py runs it
    what: str                    # one line for people
    mode: str                    # towards the upstream: plain, tls12, tls13
    unit: str                    # of work: what CPU time is divided by, see UNITS
    client: dict = dataclasses.field(default_factory=dict)    # flags of load_client
    upstream: dict = dataclasses.field(default_factory=dict)  # flags of load_upstream
    client_mode: str = "plain"   # towards the client
    session_reuse: bool = True
    workers: int = 1
    tune: bool = False           # whether buffer sizes matter here and are tried
    values: dict = dataclasses.field(default_factory=dict)    # what else the kind wants to know


@dataclasses.dataclass(frozen=True)
class Unit:
    """How figures of a unit are printed: multiplied by a factor, with a label."""
    cpu_label: str
    cpu_factor: float
    throughput_label: str
    throughput_factor: float


UNITS = {
    "gigabyte": Unit("CPU s/GB", 1, "MB/s", 1000),
    "exchange": Unit("CPU us/exchange", 1e6, "exchanges/s", 1),
    "connection": Unit("CPU us/connection", 1e6, "connections/s", 1),
    "request": Unit("CPU us/request", 1e6, "requests/s", 1),
    "second": Unit("CPU ms/s", 1e3, "", 1),
    # Idle connections: the figure is memory, not CPU.
    "idle": Unit("KB/connection", 1e-3, "", 1),
}


def _count(number, thing):
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _bulk(quick):
    body = 256 << 10 if quick else 32 * MIB
    exchanges = 16 if quick else 32
    directions = (
        ("down", "from the upstream", {"request_bytes": 0, "response_bytes": body}, exchanges),
        ("up", "to the upstream", {"request_bytes": body, "response_bytes": 1}, exchanges),
        ("both", "both ways at once", {"request_bytes": body, "response_bytes": body,
                                       "respond_at_once": True}, exchanges // 2),
    )
    for direction, words, bodies, count in directions:
        for mode in MODES:
            for connections in (1, 8):
                yield Workload(
                    f"bulk_{direction}_{mode}_{connections}", "Load",
                    f"bodies of {body // 1024} KiB {words}, {_count(connections, 'connection')}", mode,
                    "gigabyte", tune=True,
                    client=dict(bodies, connections=connections, exchanges=count,
                                warmup_exchanges=connections))


def _records(quick):
    body = 256 << 10 if quick else 32 * MIB
    for record_bytes in (1024, 4096, 16384):
        yield Workload(
            f"records_{record_bytes}", "Load",
            f"bodies from the upstream in TLS records of {record_bytes} bytes, 8 connections", "tls13",
            "gigabyte", tune=True, upstream={"record_bytes": record_bytes},
            client={"request_bytes": 0, "response_bytes": body, "connections": 8,
                    "exchanges": 8 if quick else 24, "warmup_exchanges": 8})


def _small(quick):
    for mode in MODES:
        for connections in (1, 64, 1024):
            connections_used = min(connections, 128) if quick else connections
            yield Workload(
                f"small_{mode}_{connections}", "Load",
                f"64 bytes asked, 512 answered, {_count(connections_used, 'connection')}", mode,
                "exchange",
                client=dict(SMALL, connections=connections_used,
                            exchanges=300 if quick else 12000 if connections == 1 else 40000,
                            warmup_exchanges=2 * connections_used))


def _connect(quick):
    for name, mode, reuse, exchanges in (
            ("plain", "plain", True, 8000),
            ("tls12_full", "tls12", False, 1000),
            ("tls12_resumed", "tls12", True, 2500),
            ("tls13_full", "tls13", False, 1000),
            ("tls13_resumed", "tls13", True, 2000)):
        yield Workload(
            f"connect_{name}", "Load",
            "a new connection for each exchange of 64 and 512 bytes, 16 at a time", mode,
            "connection", session_reuse=reuse,
            client=dict(SMALL, connections=16, new_connections=True,
                        exchanges=60 if quick else exchanges, warmup_exchanges=32))


def _both_sides(quick):
    """TLS from the client, and TLS to the upstream."""
    body = 256 << 10 if quick else 32 * MIB
    for direction, words, bodies in (
            ("down", "from the upstream", {"request_bytes": 0, "response_bytes": body}),
            ("up", "to the upstream", {"request_bytes": body, "response_bytes": 1})):
        yield Workload(
            f"both_bulk_{direction}_tls13_8", "Load",
            f"bodies of {body // 1024} KiB {words}, 8 connections, TLS on both sides", "tls13",
            "gigabyte", client_mode="tls13", tune=True,
            client=dict(bodies, connections=8, exchanges=16 if quick else 32, warmup_exchanges=8))
    yield Workload(
        "both_small_tls13_64", "Load",
        "64 bytes asked, 512 answered, 64 connections, TLS on both sides", "tls13", "exchange",
        client_mode="tls13",
        client=dict(SMALL, connections=64, exchanges=300 if quick else 40000, warmup_exchanges=128))
    yield Workload(
        "both_connect_tls13_resumed", "Load",
        "a new connection for each exchange, 16 at a time, TLS on both sides, resumed", "tls13",
        "connection", client_mode="tls13",
        client=dict(SMALL, connections=16, new_connections=True,
                    exchanges=60 if quick else 2000, warmup_exchanges=32))


def _idle(quick):
    count = 50 if quick else 2000
    for mode in ("plain", "tls13"):
        yield Workload(
            f"idle_{mode}", "Idle",
            f"memory of each of {count} connections that wait after one exchange", mode, "idle",
            client=dict(SMALL, connections=count, idle=True),
            values={"settle_s": 0.2 if quick else 2.0, "rounds_max": 3})


def _fixed_rate(quick):
    for mode in ("plain", "tls13"):
        for percent in (30, 60, 90):
            yield Workload(
                f"rate_{mode}_{percent}", "FixedRate",
                f"64 connections, exchanges begun at {percent} % of what nginx can do", mode,
                "exchange", client=dict(SMALL, connections=64, warmup_exchanges=128),
                values={"fraction": percent / 100, "seconds": 0.2 if quick else 2.0,
                        "calibration_exchanges": 300 if quick else 20000})


def _mixed(quick):
    streams = 50 if quick else 1000
    for mode in ("plain", "tls13"):
        yield Workload(
            f"mixed_{mode}", "Mixed",
            f"{streams} streams of small exchanges beside 8 bulk ones at 60 % of what nginx can do",
            mode, "second",
            client=dict(SMALL, connections=streams, warmup_exchanges=streams),
            values={"rate": 1000 if quick else 2000, "seconds": 0.3 if quick else 2.0,
                    "bulk": {"connections": 8, "request_bytes": 0,
                             "response_bytes": (64 << 10) if quick else MIB, "warmup_exchanges": 8},
                    "calibration_exchanges": 50 if quick else 500, "fraction": 0.6})


def _pingpong(quick):
    for mode in ("plain", "tls13"):
        yield Workload(
            f"pingpong_{mode}", "FixedRate", "one connection, 500 exchanges a second", mode, "exchange",
            client=dict(SMALL, connections=1, warmup_exchanges=100),
            values={"rate": 500, "seconds": 0.2 if quick else 2.0})


def _saturation(quick):
    for mode in ("plain", "tls13"):
        yield Workload(
            f"saturation_{mode}", "Saturation",
            "64 connections, exchanges begun at 150 % of what the proxy itself can do", mode,
            "exchange",
            client=dict(SMALL, connections=64, warmup_exchanges=128),
            values={"fraction": 1.5, "seconds": 0.2 if quick else 1.2,
                    "calibration_exchanges": 300 if quick else 20000})


def _scale(quick):
    connections = 100 if quick else CONNECTIONS_MAX
    for mode in ("plain", "tls13"):
        for workers in (1, 2):
            yield Workload(
                f"scale_{mode}_w{workers}", "Scale",
                f"{connections} connections, 5000 exchanges a second, {_count(workers, 'worker')}",
                mode, "exchange", workers=workers,
                client=dict(SMALL, connections=connections, warmup_exchanges=connections),
                values={"rate": 1000 if quick else 5000, "seconds": 0.3 if quick else 2.0,
                        # Thousands of handshakes go before each measurement.
                        "rounds_max": 3})
    for workers in (1, 2):
        yield Workload(
            f"scale_small_tls13_w{workers}", "Scale",
            f"small exchanges, 64 connections, {_count(workers, 'worker')}", "tls13", "exchange",
            workers=workers,
            client=dict(SMALL, connections=64, exchanges=300 if quick else 30000, warmup_exchanges=128))
        yield Workload(
            f"scale_connect_tls13_w{workers}", "Scale",
            f"a new connection for each exchange, resumed, 16 at a time, {_count(workers, 'worker')}",
            "tls13", "connection", workers=workers,
            client=dict(SMALL, connections=16, new_connections=True, exchanges=60 if quick else 2000,
                        warmup_exchanges=32))


def _foreign(quick):
    # Without HTTP/2 over TLS: that wants ALPN, which nginx's stream proxy cannot ask for before 1.29.
    for tool, modes in (("wrk", ("plain", "tls13")), ("h2load_h1", ("plain", "tls13")),
                        ("h2load_h2", ("plain",))):
        for mode in modes:
            yield Workload(
                f"foreign_{tool}_{mode}", "Http",
                f"{tool.partition('_')[0]}, 64 connections, 512 bytes answered by nginx as "
                f"HTTP{'/2' if tool.endswith('h2') else ''} server", mode, "request",
                values={"tool": tool, "connections": 64, "seconds": 1 if quick else 2,
                        "requests": 500 if quick else 60000})
    for direction in ("down", "up"):
        yield Workload(
            f"foreign_iperf3_{direction}", "Iperf3", f"iperf3, 8 streams, {direction}", "plain",
            "gigabyte", values={"streams": 8, "direction": direction,
                                "bytes": (64 if quick else 1024) * MIB})


def table(quick):
    """All workloads; with `quick` the same ones with next to no work."""
    parts = (_bulk, _small, _connect, _both_sides, _idle, _fixed_rate, _records, _mixed, _pingpong,
             _saturation, _scale, _foreign)
    return [workload for part in parts for workload in part(quick)]


def select(workloads, globs):
    """Those whose name one of `globs` matches, in the table's order; all if there are no globs."""
    if not globs:
        return workloads
    return [w for w in workloads if any(fnmatch.fnmatchcase(w.name, glob) for glob in globs)]
