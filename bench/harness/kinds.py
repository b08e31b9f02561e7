"""How each kind of workload is run. workloads.py names them."""

import math
import time

from harness.children import ChildFailed
from harness.foreign import Http, Iperf3
from harness.measure import Cell, cpu_shares, sample_of
from harness.proxies import connections_max

# No workload asks for less, however slow the reference is.
RATE_MIN = 50


class Load(Cell):
    """Fixed work as fast as it goes (closed loop)."""

    def measure(self, proxy):
        return self.sample(proxy, *self.run(proxy))


class FixedRate(Cell):
    """Exchanges that begin by the clock (open loop), at a given rate or a part of nginx's capacity."""

    def prepare(self):
        values = self.workload.values
        self.rate = values.get("rate")
        if self.rate is None:
            capacity = self.of_reference(self.capacity)
            self.rate = max(RATE_MIN, round(capacity * values["fraction"]))

    def of_reference(self, find_out):
        """find_out(nginx); of the next proxy where nginx does not run or fails."""
        names = sorted(self.proxies, key=lambda name: name != self.bench.reference)
        for name in names:
            found = self.guard(name, lambda name=name: find_out(self.proxies[name]))
            if found is not None:
                return found
        raise ChildFailed("no proxy ran")

    def capacity(self, proxy):
        """Exchanges a second, closed loop, a short run."""
        result, _, _ = self.run(proxy, exchanges=self.workload.values["calibration_exchanges"])
        return result["exchanges"] / result["seconds"]

    def measure(self, proxy):
        result, spent, memory = self.run(
            proxy, rate=self.rate, exchanges=math.ceil(self.rate * self.workload.values["seconds"]))
        return self.sample(proxy, result, spent, memory, rate=self.rate)


class Saturation(FixedRate):
    """More than the proxy can do: does it still do as much as it can?"""

    def prepare(self):
        self._capacities = {name: self.guard(name, lambda proxy=proxy: self.capacity(proxy))
                            for name, proxy in self.proxies.items()}

    def measure(self, proxy):
        capacity = self._capacities[proxy.peer.name]
        self.rate = max(RATE_MIN, round(capacity * self.workload.values["fraction"]))
        sample = super().measure(proxy)
        # Kept: the part of the closed loop's throughput that is left under too much work.
        return dict(sample, capacity=capacity, kept=sample["throughput"] / capacity)


class Scale(Cell):
    """Many connections or several workers; also how evenly the workers share the work."""

    def measure(self, proxy):
        values = self.workload.values
        options = {"connections": min(self.workload.client["connections"],
                                      connections_max(self.bench.files_max))}
        if "warmup_exchanges" in self.workload.client:
            options["warmup_exchanges"] = min(self.workload.client["warmup_exchanges"],
                                              options["connections"])
        if "rate" in values:
            options.update(rate=values["rate"], exchanges=math.ceil(values["rate"] * values["seconds"]))
        client = self.client(proxy, **options)
        try:
            sockets = proxy.sockets_by_process()
            workers_before = proxy.cpu_s_by_worker()
            meter = self.meter(proxy)
            client.go()
            client.done()
            spent = meter.read()
            shares = cpu_shares(workers_before, proxy.cpu_s_by_worker())
            memory = proxy.memory_bytes()
            result = client.result()
        finally:
            client.stop()
        proxy.check_alive()
        return self.sample(proxy, result, spent, memory, connections=options["connections"],
                           worker_cpu_s=shares, sockets=sorted(sockets.values(), reverse=True))


class Idle(Cell):
    """Memory of connections that wait. Every round begins with new processes."""

    def measure(self, proxy):
        settle_s = self.workload.values["settle_s"]
        connections = self.workload.client["connections"]
        fresh = self.start_proxy(proxy.peer, proxy.options)
        try:
            # What is made once, at the first connection, is not a price of each.
            self.run_one(fresh)
            time.sleep(settle_s)
            before = fresh.memory_bytes()
            client = self.client(fresh)
            try:
                # Buffers of an exchange that has just been may be kept for a moment.
                time.sleep(settle_s)
                after = fresh.memory_bytes()
                client.go()
                client.done()
                client.result()
            finally:
                client.stop()
            fresh.check_alive()
        finally:
            fresh.stop()
        return {"figure": (after - before) / connections, "units": connections,
                "memory_before_bytes": before, "memory_bytes": after}

    def run_one(self, proxy):
        client = self.client(proxy, name="first", connections=1)
        try:
            client.go()
            client.done()
            client.result()
        finally:
            client.stop()


class Mixed(FixedRate):
    """Small exchanges by the clock beside paced bulk: what the small ones have to wait."""

    def prepare(self):
        self._bulk_rate = round(self.of_reference(self.bulk_capacity)
                                * self.workload.values["fraction"])

    def bulk_capacity(self, proxy):
        """Bytes a second, both ways, without anything beside them."""
        values = self.workload.values
        result, _, _ = self.run(proxy, **dict(
            values["bulk"], exchanges=values["calibration_exchanges"]))
        return (result["request_bytes"] + result["response_bytes"]) / result["seconds"]

    def measure(self, proxy):
        values = self.workload.values
        bulk_exchanges = math.ceil(
            self._bulk_rate * (values["seconds"] + 0.5) / values["bulk"]["response_bytes"])
        bulk = self.client(proxy, name="bulk", **dict(
            values["bulk"], exchanges=max(8, bulk_exchanges), bulk_rate_bytes=self._bulk_rate))
        try:
            small = self.client(proxy, name="small", rate=values["rate"],
                                exchanges=math.ceil(values["rate"] * values["seconds"]))
            try:
                bulk.go()
                meter = self.meter(proxy)
                small.go()
                small.done()
                spent = meter.read()
                memory = proxy.memory_bytes()
                bulk.done()
                result = small.result()
                bulk_result = bulk.result()
            finally:
                small.stop()
        finally:
            bulk.stop()
        proxy.check_alive()
        self.histograms.setdefault(proxy.peer.name, []).append(result.get("histogram", []))
        return sample_of(result, spent, result["seconds"], memory_bytes=memory,
                         bulk_rate_bytes=self._bulk_rate,
                         bulk_bytes_per_s=bulk_result["response_bytes"] / bulk_result["seconds"])


def cell_of(bench, workload):
    """The cell that runs `workload`."""
    kinds = {kind.__name__: kind for kind in (
        Load, FixedRate, Saturation, Scale, Idle, Mixed, Http, Iperf3)}
    return kinds[workload.kind](bench, workload)
