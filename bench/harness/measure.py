"""One cell of the comparison: a workload, all proxies at once, measured in turn, round after round.

Proxies that are not being measured are idle, which costs nothing. Each has an upstream of its own, so
that what upstreams count (handshakes, resumptions, wrong bytes) can be told apart.
"""

import dataclasses
import os

from harness import figures, usage
from harness.children import ChildFailed
from harness.load import Client, PROTOCOL_OF_MODE, Upstream
from harness.proxies import Proxy, Service


@dataclasses.dataclass(frozen=True)
class Tools:
    """Paths of the programs of bench/load."""
    load_client: str
    load_upstream: str


@dataclasses.dataclass(frozen=True)
class Bench:
    """What all cells share."""
    tools: Tools
    peers: list
    reference: str        # name of the peer that ratios are to and rates come from
    cpus: list            # what the machine lets us use
    certificates: str     # folder with ca.pem, server.pem, server.key
    folder: str           # for configurations and logs
    files_max: int
    rounds: int
    tune: bool

    def proxy_cpus(self, workers):
        return tuple(self.cpus[:workers])

    def client_cpus(self, workers):
        """The first CPU behind the proxy's; the last one of all if there is none."""
        return tuple(self.cpus[workers:workers + 1] or self.cpus[-1:])

    def upstream_cpus(self, workers):
        """A CPU of its own where there is one; otherwise the client's."""
        return tuple(self.cpus[workers + 1:workers + 2] or self.cpus[-1:])


class Meter:
    """What a proxy uses between the meter's beginning and read()."""

    def __init__(self, proxy, proxy_cpus, load_cpus):
        self._proxy = proxy
        # Where proxy and load share a CPU, nobody can tell who disturbs whom.
        self._cpus = proxy_cpus if not set(proxy_cpus) & set(load_cpus) else ()
        self._busy_s = usage.cpus_busy_s(self._cpus)
        self._cpu_s = proxy.cpu_s()

    def read(self):
        """{"cpu_s": of the proxy, "others_cpu_s": of all others on its CPUs, None where unknown}"""
        cpu_s = self._proxy.cpu_s() - self._cpu_s
        busy_s = usage.cpus_busy_s(self._cpus) - self._busy_s
        return {"cpu_s": cpu_s, "others_cpu_s": max(0.0, busy_s - cpu_s) if self._cpus else None}


def sample_of(result, spent, units, **more):
    """One measurement. `figure` is what counts: CPU seconds for a unit of work."""
    seconds, cpu_s = result["seconds"], spent["cpu_s"]
    sample = {
        "figure": cpu_s / units,
        "cpu_s": cpu_s,
        "others_cpu_s": spent["others_cpu_s"],
        "units": units,
        "seconds": seconds,
        "throughput": units / seconds if seconds else None,
        "proxy_busy": cpu_s / seconds if seconds else None,
        "latency_us": result.get("latency_us"),
        "client_cpu_s": result.get("cpu_seconds"),
    }
    sample.update(more)
    return sample


def units_of(workload, result):
    if workload.unit == "gigabyte":
        return (result["request_bytes"] + result["response_bytes"]) / 1e9
    return result["exchanges"]


# To see which settings are best takes less work than to measure.
TUNING_DIVISOR = 4


class Cell:
    """Subclasses (kinds.py) say in measure() what is done with one proxy in one round."""

    def __init__(self, bench, workload):
        self.bench = bench
        self.workload = workload
        self.upstreams = {}
        self.proxies = {}
        self.errors = {}       # peer's name -> its own words
        self.tuning = {}       # peer's name -> [{"settings", "figure"}] that were tried
        self.histograms = {}   # peer's name -> [histogram of each round]
        self.samples = {peer.name: [] for peer in bench.peers}
        self._started = 0
        self._is_tuning = False

    # What subclasses change.

    def why_skipped(self):
        """Why this cell cannot be run here, in words; None if it can."""
        return None

    def prepare(self):
        """Called once, when all proxies run: to find out rates and the like."""

    def measure(self, proxy):
        """One measurement: a sample."""
        raise NotImplementedError

    def start_upstream(self, name):
        return Upstream(self.bench.tools.load_upstream, self.workload.mode, self.bench.certificates,
                        self.bench.upstream_cpus(self.workload.workers), self.folder(name),
                        self.workload.upstream)

    @property
    def rounds(self):
        return min(self.bench.rounds, self.workload.values.get("rounds_max", self.bench.rounds))

    # What they use.

    def folder(self, name):
        path = os.path.join(self.bench.folder, self.workload.name, name)
        os.makedirs(path, exist_ok=True)
        return path

    def client(self, proxy, name="client", **options):
        """A load_client that has warmed up, in front of `proxy`."""
        flags = dict(self.workload.client, **options)
        if self.workload.client_mode != "plain":
            version = PROTOCOL_OF_MODE[self.workload.client_mode]
            flags.update(tls=True, tls_min_version=version, tls_max_version=version)
        if self._is_tuning:
            flags["exchanges"] = max(flags["connections"], flags["exchanges"] // TUNING_DIVISOR)
        return Client(self.bench.tools.load_client, proxy.address,
                      self.bench.client_cpus(self.workload.workers), self.folder(proxy.peer.name),
                      flags, name)

    def meter(self, proxy):
        """Begins to measure what `proxy` uses."""
        bench, workers = self.bench, self.workload.workers
        return Meter(proxy, bench.proxy_cpus(workers),
                     bench.client_cpus(workers) + bench.upstream_cpus(workers))

    def run(self, proxy, **options):
        """One run of load_client: (its result, what the proxy used, its memory at the end)."""
        client = self.client(proxy, **options)
        try:
            meter = self.meter(proxy)
            client.go()
            client.done()
            spent = meter.read()
            memory = proxy.memory_bytes()
            result = client.result()
        finally:
            client.stop()
        proxy.check_alive()
        return result, spent, memory

    def sample(self, proxy, result, spent, memory, **more):
        """The sample of a run; keeps its histogram."""
        self.histograms.setdefault(proxy.peer.name, []).append(result.get("histogram", []))
        return sample_of(result, spent, units_of(self.workload, result), memory_bytes=memory, **more)

    def start_proxy(self, peer, options):
        workload, bench = self.workload, self.bench
        service = Service(
            upstream=self.upstreams[peer.name].address, mode=workload.mode,
            session_reuse=workload.session_reuse, cpus=bench.proxy_cpus(workload.workers),
            ca=os.path.join(bench.certificates, "ca.pem"), files_max=bench.files_max,
            client_mode=workload.client_mode, certificates=bench.certificates)
        # A folder for each process: pid files are locked.
        self._started += 1
        folder = os.path.join(self.folder(peer.name), str(self._started))
        return Proxy(peer, service, options, folder)

    def candidates(self, peer):
        service = Service("", self.workload.mode, True, (0,), "", self.bench.files_max)
        return peer.candidates(service)

    # The course of a cell.

    def execute(self):
        """Measures everything; the cell's part of the results."""
        try:
            for peer in self.bench.peers:
                self.guard(peer.name, lambda peer=peer: self._start(peer))
            self._prepare()
            for round_number in range(self.rounds):
                for proxy in figures.rotated(list(self.proxies.values()), round_number):
                    name = proxy.peer.name
                    if name in self.errors:
                        continue
                    sample = self.guard(name, lambda proxy=proxy: self.measure(proxy))
                    if sample is not None:
                        self.samples[name].append(dict(sample, round=round_number))
                    elif proxy.words():
                        self.errors[name] += f"; {name} says: {proxy.words()}"
        finally:
            for proxy in self.proxies.values():
                proxy.stop()
            counts = {}
            for name, upstream in self.upstreams.items():
                counts[name] = self.guard(name, upstream.stop)
        return self._results(counts)

    def guard(self, name, work):
        """What work() returns; None, and the error kept for `name`, if a child failed."""
        try:
            return work()
        except ChildFailed as error:
            self.errors.setdefault(name, str(error))
            return None

    def _prepare(self):
        try:
            self.prepare()
        except ChildFailed as error:
            # Without it nobody can be measured.
            for name in self.proxies:
                self.errors.setdefault(name, str(error))

    def _start(self, peer):
        self.upstreams[peer.name] = self.start_upstream(peer.name)
        candidates = self.candidates(peer)
        if not (self.workload.tune and self.bench.tune) or len(candidates) == 1:
            self.proxies[peer.name] = self.start_proxy(peer, candidates[0])
            return
        self._is_tuning = True
        try:
            self.proxies[peer.name] = self._best_of(peer, candidates)
        finally:
            self._is_tuning = False
            # Tried once is not measured: those figures are no samples.
            self.histograms.pop(peer.name, None)

    def _best_of(self, peer, candidates):
        """A running proxy with the settings that needed the least; what was tried is kept."""
        best = None
        for options in candidates:
            proxy = self.start_proxy(peer, options)
            try:
                figure = self.measure(proxy)["figure"]
            except BaseException:
                proxy.stop()
                if best:
                    best[1].stop()
                raise
            self.tuning.setdefault(peer.name, []).append({"settings": options, "figure": figure})
            if best is None or figure < best[0]:
                if best:
                    best[1].stop()
                best = (figure, proxy)
            else:
                proxy.stop()
        return best[1]

    def _results(self, counts):
        proxies = {}
        for peer in self.bench.peers:
            name = peer.name
            samples = self.samples[name]
            upstream = counts.get(name) or {}
            if upstream.get("mismatches"):
                self.errors.setdefault(
                    name, f"the upstream got wrong bytes in {upstream['mismatches']} exchanges")
            proxies[name] = {
                "settings": self.proxies[name].options if name in self.proxies else None,
                "tried": self.tuning.get(name),
                "samples": samples,
                "histogram": figures.merge_histograms(self.histograms.get(name, [])),
                "upstream": upstream or None,
                "error": self.errors.get(name),
            }
        return {
            "workload": self.workload.name,
            "what": self.workload.what,
            "kind": self.workload.kind,
            "mode": self.workload.mode,
            "unit": self.workload.unit,
            "workers": self.workload.workers,
            "client_flags": self.workload.client,
            "proxies": proxies,
        }


def cpu_shares(before, after):
    """CPU seconds of each worker thread between two readings, the largest first; idle ones left out."""
    spent = sorted((after[key] - before.get(key, 0.0) for key in after), reverse=True)
    total = sum(spent)
    # A master process, a control thread or a log writer does next to nothing.
    return [value for value in spent if total and value > 0.02 * total]
