"""The proxies that are compared: how each is configured at its best, and how it is started.

Every proxy gets the same job (Service) and the same rules: one worker for each CPU it has, TLS
verified against the CA and the name "backend", one cipher suite, no logs, time limits that never
strike. What else is set, and why, stands beside each configuration. Where the best setting depends on
the traffic, `candidates` names several; the harness tries them and takes the one with the least CPU.
"""

import dataclasses
import functools
import os
import re
import shlex
import shutil
import socket
import subprocess
import time

from harness import usage
from harness.children import Child, ChildFailed, START_TIMEOUT_S
from harness.load import CIPHER_TLS12, CIPHER_TLS13, GROUPS, PROTOCOL_OF_MODE

NAME = "backend"
# Open files that a proxy needs besides two for each connection (HAProxy: also pipes to splice with).
SPARE_FILES = 1000
HAPROXY_PIPES = 256


@dataclasses.dataclass(frozen=True)
class Service:
    """What a proxy has to do in one cell."""
    upstream: str        # its address
    mode: str            # plain, tls12 or tls13, towards the upstream
    session_reuse: bool
    cpus: tuple          # one worker for each
    ca: str              # path of the CA's certificate
    files_max: int       # the limit of open files
    client_mode: str = "plain"  # as mode, towards the client
    certificates: str = ""      # folder of server.pem and server.key, which clients are shown


def free_port():
    """A TCP port of 127.0.0.1 that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port):
    """Whether somebody listens on `port`, without troubling them with a connection."""
    with open("/proc/net/tcp") as table:
        return any(f":{port:04X} 00000000:0000 0A " in line for line in table)


def connections_max(files_max):
    return (files_max - SPARE_FILES) // 2


def _nginx_tls(service, suites_of_tls13):
    if service.mode == "plain":
        return ""
    lines = [
        "proxy_ssl on;",
        "proxy_ssl_verify on;",
        f"proxy_ssl_trusted_certificate {service.ca};",
        f"proxy_ssl_name {NAME};",
        "proxy_ssl_server_name on;",
        f"proxy_ssl_protocols {PROTOCOL_OF_MODE[service.mode]};",
        f"proxy_ssl_ciphers {CIPHER_TLS12};",
        f"proxy_ssl_session_reuse {'on' if service.session_reuse else 'off'};",
    ]
    if suites_of_tls13:
        # OpenSSL prefers AES-256. BoringSSL, of sluice and of nginx-boringssl, has no such command: it
        # puts AES-128 first where the CPU has AES, and X25519 first always.
        lines.append(f"proxy_ssl_conf_command Ciphersuites {CIPHER_TLS13};")
        lines.append(f"proxy_ssl_conf_command Groups {GROUPS};")
    return "\n        ".join(lines)


def _nginx_client_tls(service, suites_of_tls13):
    if service.client_mode == "plain":
        return ""
    lines = [
        f"ssl_certificate {service.certificates}/server.pem;",
        f"ssl_certificate_key {service.certificates}/server.key;",
        f"ssl_protocols {PROTOCOL_OF_MODE[service.client_mode]};",
        f"ssl_ciphers {CIPHER_TLS12};",
    ]
    if suites_of_tls13:
        lines.append(f"ssl_conf_command Ciphersuites {CIPHER_TLS13};")
        lines.append(f"ssl_conf_command Groups {GROUPS};")
    return "\n        ".join(lines)


def _affinity(cpus):
    """worker_cpu_affinity for one worker on each CPU; nothing for one: taskset's work is done."""
    if len(cpus) == 1:
        return ""
    width = max(cpus) + 1
    masks = " ".join(format(1 << cpu, f"0{width}b") for cpu in cpus)
    return f"worker_cpu_affinity {masks};"


def nginx_configuration(service, listen, folder, options, module="", suites_of_tls13=True):
    """nginx's configuration, which is also the one of sluice and of --proxy.

    - one worker for each CPU, each bound to its own, with a listening socket of its own (reuseport):
      no lock, no wake-ups for nothing; a backlog that no burst of connections overflows
    - no access log; worker_connections and files as many as the machine allows
    - sessions reused, which is the default (but for the workloads of full handshakes)
    - proxy_buffer_size from 16k (the default) to 128k: larger buffers are fewer system calls
    """
    buffer_size = options.get("proxy_buffer_size")
    return f"""{module}
daemon off;
pid {folder}/proxy.pid;
error_log stderr error;
worker_processes {len(service.cpus)};
{_affinity(service.cpus)}
worker_rlimit_nofile {service.files_max};
events {{ worker_connections {min(65536, service.files_max)}; }}
stream {{
    server {{
        listen {listen}{"" if service.client_mode == "plain" else " ssl"} backlog=4096 reuseport;
        {_nginx_client_tls(service, suites_of_tls13)}
        proxy_pass {service.upstream};
        proxy_connect_timeout 60s;
        proxy_timeout 10m;
        {f"proxy_buffer_size {buffer_size};" if buffer_size else ""}
        {_nginx_tls(service, suites_of_tls13)}
    }}
}}
"""


def haproxy_configuration(service, listen, options, certificate=""):
    """HAProxy's configuration.

    - one thread for each CPU, bound to it, with a listening socket of its own (shards by-thread)
    - splice-auto for plain traffic: bytes that never enter the process. With TLS there is nothing to
      splice. It is a candidate and not a rule: small exchanges can be cheaper without it
    - tune.bufsize from 16384 (the default) to 131072
    - no logs, no statistics, no health checks
    - sessions reused, which is the default (but for the workloads of full handshakes). HAProxy 2.6
      has no "curves" for servers; OpenSSL 3 puts X25519 first by itself
    """
    threads = len(service.cpus)
    tls = ""
    if service.mode != "plain":
        version = PROTOCOL_OF_MODE[service.mode]
        tls = (f"ssl verify required ca-file {service.ca} verifyhost {NAME} sni str({NAME}) "
               f"ssl-min-ver {version} ssl-max-ver {version}"
               + ("" if service.session_reuse else " no-ssl-reuse"))
    client_tls = ""
    if service.client_mode != "plain":
        version = PROTOCOL_OF_MODE[service.client_mode]
        client_tls = f"ssl crt {certificate} ssl-min-ver {version} ssl-max-ver {version}"
    cpu_map = "\n".join(f"    cpu-map 1/{thread + 1} {cpu}"
                        for thread, cpu in enumerate(service.cpus)) if threads > 1 else ""
    return f"""global
    nbthread {threads}
{cpu_map}
    maxconn {connections_max(service.files_max)}
    maxpipes {HAPROXY_PIPES}
    tune.bufsize {options.get("bufsize", 16384)}
    ssl-default-server-ciphers {CIPHER_TLS12}
    ssl-default-server-ciphersuites {CIPHER_TLS13}
    ssl-default-bind-ciphers {CIPHER_TLS12}
    ssl-default-bind-ciphersuites {CIPHER_TLS13}
    ssl-default-bind-curves {GROUPS}
defaults
    mode tcp
    timeout connect 60s
    timeout client 10m
    timeout server 10m
    {"option splice-auto" if options.get("splice") else ""}
frontend clients
    bind {listen} {client_tls} backlog 4096 {"shards by-thread" if threads > 1 else ""}
    maxconn {connections_max(service.files_max)}
    default_backend upstreams
backend upstreams
    server upstream {service.upstream} {tls}
"""


class Peer:
    """One proxy that takes part. Subclasses say how it is configured and called."""

    def __init__(self, name):
        self.name = name

    def candidates(self, service):
        """Settings worth trying, a list of dictionaries; the first is what is used untried."""
        return [{}]

    def prepare(self, service, listen, folder, options):
        """Writes the configuration; the command line that starts the proxy with it."""
        raise NotImplementedError

    def version(self):
        """One line that says what was measured."""
        raise NotImplementedError


def _write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def _first_line_of(argv):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=START_TIMEOUT_S)
    return ((done.stdout + done.stderr).strip().splitlines() or ["unknown"])[0]


class Nginx(Peer):
    BUFFER_SIZES = ("16k", "64k", "128k")

    def __init__(self, name="nginx", program=None, module=None):
        super().__init__(name)
        self._program = program or shutil.which("nginx", path=os.environ.get("PATH", "")
                                                + ":/usr/sbin:/usr/local/sbin")
        self._module = module

    def candidates(self, service):
        return [{"proxy_buffer_size": size} for size in self.BUFFER_SIZES]

    def prepare(self, service, listen, folder, options):
        if not self._program:
            raise ChildFailed("nginx is not installed: tools/setup.sh build bench installs it")
        text = nginx_configuration(service, listen, folder, options,
                                   module=f"load_module {self._module};" if self._module else "",
                                   suites_of_tls13="BoringSSL" not in self.version())
        path = _write(folder, "nginx.conf", text)
        return [self._program, "-p", folder, "-e", "stderr", "-c", path]

    @functools.lru_cache(maxsize=None)
    def version(self):
        if not self._program:
            return "not installed"
        done = subprocess.run([self._program, "-V"], capture_output=True, text=True,
                              timeout=START_TIMEOUT_S)
        lines = done.stderr.splitlines()
        version = lines[0].removeprefix("nginx version: ") if lines else "unknown"
        library = next((line for line in lines if line.startswith("built with") and "SSL" in line), "")
        return f"{version} {library}".strip()


class Haproxy(Peer):
    def __init__(self):
        super().__init__("haproxy")
        self._program = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")

    def candidates(self, service):
        plain = service.mode == "plain"
        options = [{"bufsize": 16384, "splice": plain}, {"bufsize": 65536, "splice": False},
                   {"bufsize": 131072, "splice": False}]
        if plain:
            options.append({"bufsize": 131072, "splice": True})
        return options

    def prepare(self, service, listen, folder, options):
        if not self._program:
            raise ChildFailed("HAProxy is not installed: tools/setup.sh build bench installs it")
        certificate = ""
        if service.client_mode != "plain":
            # It wants both in one file.
            parts = []
            for name in ("server.pem", "server.key"):
                with open(os.path.join(service.certificates, name)) as file:
                    parts.append(file.read())
            certificate = _write(folder, "client.pem", "".join(parts))
        path = _write(folder, "haproxy.cfg",
                      haproxy_configuration(service, listen, options, certificate))
        return [self._program, "-db", "-f", path]

    def version(self):
        if not self._program:
            return "not installed"
        library = next((line for line in subprocess.run(
            [self._program, "-vv"], capture_output=True, text=True,
            timeout=START_TIMEOUT_S).stdout.splitlines()
            if line.startswith("Running on OpenSSL version")), "")
        version = re.sub(r" - https?://.*", "", _first_line_of([self._program, "-v"]))
        return f"{version}, {library.partition(': ')[2] or 'no TLS'}"


class Sluice(Peer):
    """sluice, with nothing set: its buffers grow with the traffic, and it uses io_uring always."""

    def __init__(self, program):
        super().__init__("sluice")
        self._program = program

    def prepare(self, service, listen, folder, options):
        path = _write(folder, "sluice.conf",
                      nginx_configuration(service, listen, folder, options, suites_of_tls13=False))
        return [self._program, "-p", folder, "-e", "stderr", "-c", path]

    def version(self):
        return _first_line_of([self._program, "-v"])


class Command(Peer):
    """Any program: --proxy NAME=COMMAND, see --help."""

    def __init__(self, name, command):
        super().__init__(name)
        self._words = shlex.split(command)

    def prepare(self, service, listen, folder, options):
        path = _write(folder, "proxy.conf",
                      nginx_configuration(service, listen, folder, options, suites_of_tls13=False))
        values = {"{config}": path, "{listen}": listen, "{upstream}": service.upstream}
        words = []
        for word in self._words:
            for mark, value in values.items():
                word = word.replace(mark, value)
            words.append(word)
        return words

    def version(self):
        return " ".join(self._words)


class Proxy:
    """A running proxy. `address` is where clients connect."""

    def __init__(self, peer, service, options, folder):
        self.peer = peer
        self.options = options
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        os.makedirs(folder, exist_ok=True)
        self._child = Child(peer.prepare(service, self.address, folder, options), service.cpus,
                            os.path.join(folder, "proxy.log"), folder=folder)
        deadline = time.monotonic() + START_TIMEOUT_S
        try:
            while not is_listening(port):
                if self._child.has_ended():
                    self._child.fail("ended at start")
                if time.monotonic() > deadline:
                    self._child.fail(f"does not listen after {START_TIMEOUT_S:.0f} s")
                time.sleep(0.01)
        except BaseException:
            self._child.stop()
            raise

    def cpu_s(self):
        return usage.cpu_s(self._child.pid)

    def cpu_s_by_worker(self):
        return usage.cpu_s_by_worker(self._child.pid)

    def memory_bytes(self):
        return usage.memory_bytes(self._child.pid)

    def sockets_by_process(self):
        return usage.sockets_by_process(self._child.pid)

    def check_alive(self):
        if self._child.has_ended():
            self._child.fail("ended while it was measured")

    def words(self):
        return self._child.words()

    def stop(self):
        self._child.stop()
