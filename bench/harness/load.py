"""The two programs of bench/load: the client in front of a proxy and the upstream behind it."""

import json
import os

from harness.children import Child, ChildFailed, START_TIMEOUT_S

# load_client itself gives up when nothing moves for 20 s; this is for one that hangs.
RUN_TIMEOUT_S = 180.0

PROTOCOL_OF_MODE = {"tls12": "TLSv1.2", "tls13": "TLSv1.3"}
# One suite for all, so that nobody wins by choosing a cheaper one. Of TLS 1.3 the proxies are told.
CIPHER_TLS12 = "ECDHE-ECDSA-AES128-GCM-SHA256"
CIPHER_TLS13 = "TLS_AES_128_GCM_SHA256"
GROUP = "X25519"
# What OpenSSL is told: in TLS 1.2 a certificate's curve must be among the groups, too.
GROUPS = f"{GROUP}:P-256"


def flags_of(options):
    """{"a": 1, "b": True, "c": None} as ["--a=1", "--b"]."""
    argv = []
    for key, value in options.items():
        if value is True:
            argv.append(f"--{key}")
        elif value is not None and value is not False:
            argv.append(f"--{key}={value}")
    return argv


class Upstream:
    """A load_upstream. `address` is where it listens."""

    def __init__(self, program, mode, certificates, cpus, folder, options):
        flags = dict(options, port=0)
        if mode != "plain":
            flags.update(
                tls_certificate=os.path.join(certificates, "server.pem"),
                tls_key=os.path.join(certificates, "server.key"),
                tls_min_version=PROTOCOL_OF_MODE[mode],
                tls_max_version=PROTOCOL_OF_MODE[mode])
            if mode == "tls12":
                flags["tls_ciphers"] = CIPHER_TLS12
        self.child = Child([program] + flags_of(flags), cpus,
                           os.path.join(folder, "upstream.log"), talks=True)
        line = self.child.read_line(START_TIMEOUT_S)
        if line is None or not line.startswith("port "):
            self.child.fail("did not tell its port")
        self.address = f"127.0.0.1:{int(line.split()[1])}"

    def stop(self):
        """Ends it; what it has counted."""
        try:
            self.child.terminate()
            counts, line = {}, self.child.read_line(START_TIMEOUT_S)
            while line is not None:
                if line.startswith("{"):
                    counts = json.loads(line)
                line = self.child.read_line(START_TIMEOUT_S)
            return counts
        finally:
            self.child.stop()


class Client:
    """A load_client that has warmed up and waits for go(), then done(), then result()."""

    def __init__(self, program, target, cpus, folder, options, name="client"):
        flags = dict(options, target=target, wait=True)
        self.child = Child([program] + flags_of(flags), cpus,
                           os.path.join(folder, f"{name}.log"), talks=True)
        try:
            self._expect("ready")
        except BaseException:
            self.child.stop()
            raise

    def _expect(self, word):
        line = self.child.read_line(RUN_TIMEOUT_S)
        if line != word:
            # Its results, with the number of failed exchanges, or nothing: stderr has the reason.
            self.child.wait()
            self.child.fail(f"ended before \"{word}\"")

    def go(self):
        self.child.write_line()

    def done(self):
        self._expect("done")

    def result(self):
        """Lets it close its connections and end; the JSON it prints."""
        self.child.write_line()
        last, line = None, self.child.read_line(RUN_TIMEOUT_S)
        while line is not None:
            last, line = line, self.child.read_line(RUN_TIMEOUT_S)
        if self.child.wait() != 0 or last is None:
            self.child.fail("failed")
        try:
            result = json.loads(last)
        except json.JSONDecodeError as error:
            raise ChildFailed(f"load_client's last line is no JSON: {last[:200]}") from error
        if result.get("failed") or result.get("mismatched"):
            raise ChildFailed(
                f"{result.get('failed')} exchanges failed, {result.get('mismatched')} had wrong bytes")
        return result

    def stop(self):
        self.child.stop()
