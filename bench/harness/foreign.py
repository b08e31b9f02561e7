"""Clients and servers that are not ours: wrk and h2load with nginx behind the proxies, and iperf3.

They know nothing of our load programs' protocol, so they also show that ours is not made to fit.
"""

import json
import os
import re
import shutil
import time

from harness.children import Child, ChildFailed, START_TIMEOUT_S
from harness.load import CIPHER_TLS12, CIPHER_TLS13, GROUPS, PROTOCOL_OF_MODE, RUN_TIMEOUT_S
from harness.measure import Cell, sample_of
from harness.proxies import free_port, is_listening


class _Foreign(Cell):
    """A client that is not ours. Its work begins and ends with its process."""

    def tool(self):
        """The name of its program."""
        raise NotImplementedError

    def command(self, proxy):
        raise NotImplementedError

    def parse(self, output):
        """(units of work, seconds, failed) of the tool's output."""
        raise NotImplementedError

    def why_skipped(self):
        return None if _find(self.tool()) else f"{self.tool()} is not installed"

    def measure(self, proxy):
        argv = self.command(proxy)
        log_path = os.path.join(self.folder(proxy.peer.name), "tool.log")
        meter = self.meter(proxy)
        child = Child(argv, self.bench.client_cpus(self.workload.workers), log_path)
        try:
            code = child.wait(RUN_TIMEOUT_S)
        finally:
            child.stop()
        spent = meter.read()
        proxy.check_alive()
        with open(log_path) as log:
            output = log.read()
        if code != 0:
            child.fail(f"ended with {code}")
        units, seconds, failed = self.parse(output)
        if failed or not units:
            child.fail(f"counted {failed} failures and {units} units of work")
        return sample_of({"seconds": seconds}, spent, units, memory_bytes=proxy.memory_bytes())


class _ServerChild:
    """An upstream that is not ours: started, waited for, stopped."""

    def __init__(self, argv, cpus, port, folder):
        self.address = f"127.0.0.1:{port}"
        self.child = Child(argv, cpus, os.path.join(folder, "upstream.log"), folder=folder)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not is_listening(port):
            if self.child.has_ended() or time.monotonic() > deadline:
                try:
                    self.child.fail("does not listen")
                finally:
                    self.child.stop()
            time.sleep(0.01)

    def stop(self):
        self.child.stop()
        return {}


class Http(_Foreign):
    """wrk and h2load, with nginx as HTTP server behind the proxies."""

    def start_upstream(self, name):
        folder, mode = self.folder(name), self.workload.mode
        nginx = _find("nginx")
        if not nginx:
            raise ChildFailed("nginx, the HTTP server of this workload, is not installed")
        port = free_port()
        listen = f"127.0.0.1:{port} backlog=4096"
        tls = ""
        if mode != "plain":
            listen += " ssl"
            tls = f"""
        ssl_certificate {self.bench.certificates}/server.pem;
        ssl_certificate_key {self.bench.certificates}/server.key;
        ssl_protocols {PROTOCOL_OF_MODE[mode]};
        ssl_ciphers {CIPHER_TLS12};
        ssl_conf_command Ciphersuites {CIPHER_TLS13};
        ssl_ecdh_curve {GROUPS};"""
        if self.workload.values["tool"] == "h2load_h2":
            listen += " http2"
        # Debian's module folders may hold modules that want others: none is loaded.
        folders = "\n    ".join(f"{kind}_temp_path {folder}/{kind};" for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path = os.path.join(folder, "upstream.conf")
        with open(path, "w") as file:
            file.write(f"""daemon off;
master_process off;
pid {folder}/upstream.pid;
error_log stderr error;
worker_rlimit_nofile {self.bench.files_max};
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    {folders}
    server {{
        listen {listen};{tls}
        location / {{ return 200 "{'x' * 511}\\n"; }}
    }}
}}
""")
        return _ServerChild([nginx, "-p", folder, "-e", "stderr", "-c", path],
                            self.bench.upstream_cpus(self.workload.workers), port, folder)

    def tool(self):
        return self.workload.values["tool"].partition("_")[0]

    def command(self, proxy):
        values = self.workload.values
        url = f"http://{proxy.address}/"
        if values["tool"] == "wrk":
            return [_find("wrk"), "-t", "1", "-c", str(values["connections"]),
                    "-d", f"{values['seconds']}s", url]
        http1 = ["--h1"] if values["tool"] == "h2load_h1" else []
        return [_find("h2load")] + http1 + ["-t", "1", "-c", str(values["connections"]),
                                            "-n", str(values["requests"]), url]

    def parse(self, output):
        if self.workload.values["tool"] == "wrk":
            return parse_wrk(output)
        return parse_h2load(output)


def parse_wrk(output):
    """(requests, seconds, failed) of what wrk prints."""
    match = re.search(r"(\d+) requests in ([\d.]+)(m?s|m)", output)
    if not match:
        raise ChildFailed(f"cannot read wrk's output: {output[-300:]}")
    seconds = float(match[2]) * {"ms": 1e-3, "s": 1, "m": 60}[match[3]]
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+)", output)
    other = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    failed = sum(int(group) for group in errors.groups()) if errors else 0
    return int(match[1]), seconds, failed + (int(other[1]) if other else 0)


def parse_h2load(output):
    """(requests, seconds, failed) of what h2load prints."""
    finished = re.search(r"finished in ([\d.]+)(us|ms|s|m)?", output)
    counts = re.search(r"(\d+) done, (\d+) succeeded, (\d+) failed", output)
    if not finished or not counts:
        raise ChildFailed(f"cannot read h2load's output: {output[-300:]}")
    seconds = float(finished[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, None: 1}[finished[2]]
    return int(counts[2]), seconds, int(counts[3])


class Iperf3(_Foreign):
    """iperf3 on both ends; what it sends is counted where it arrives."""

    def start_upstream(self, name):
        port = free_port()
        return _ServerChild([_find("iperf3"), "-s", "-B", "127.0.0.1", "-p", str(port)],
                            self.bench.upstream_cpus(self.workload.workers), port, self.folder(name))

    def tool(self):
        return "iperf3"

    def command(self, proxy):
        values = self.workload.values
        host, port = proxy.address.split(":")
        reverse = ["-R"] if values["direction"] == "down" else []
        return [_find("iperf3"), "-c", host, "-p", port, "-J", "-P", str(values["streams"]),
                "-n", str(values["bytes"])] + reverse

    def parse(self, output):
        return parse_iperf3(output)


def parse_iperf3(output):
    """(gigabytes received, seconds, failed) of iperf3 -J."""
    try:
        end = json.loads(output)["end"]
        received = end["sum_received"]
        return received["bytes"] / 1e9, received["seconds"], 0
    except (json.JSONDecodeError, KeyError) as error:
        raise ChildFailed(f"cannot read iperf3's output: {output[-300:]}") from error


def _find(tool):
    return shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/bin:/usr/sbin")
