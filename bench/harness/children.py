"""Child processes: pinned, watched and never left behind."""

import ctypes
import os
import select
import signal
import subprocess
import time

# What a program that should answer at once may take before we call it stuck. A load_client gives up
# by itself when nothing moves for 20 s, so nothing here waits for long without a reason.
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_alive = []


class ChildFailed(Exception):
    """A child did not do what it was started for. The message ends with the child's own words."""


class Child:
    """One program in a session of its own, on the given CPUs.

    Its standard input and output are pipes if `talks`, otherwise both outputs go to `log_path`.
    Standard error always goes to `log_path`.
    """

    def __init__(self, argv, cpus, log_path, talks=False, folder=None):
        self.argv = argv
        self.log_path = log_path
        self._line_rest = b""

        def prepare():
            os.sched_setaffinity(0, cpus)
            # Even when this harness is killed the hard way, nothing stays behind.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

        with open(log_path, "wb") as log:
            try:
                self._process = subprocess.Popen(
                    argv,
                    cwd=folder,
                    stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if talks else log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=prepare)
            except OSError as error:
                raise ChildFailed(f"cannot start {argv[0]}: {error.strerror}") from error
        _alive.append(self)

    @property
    def pid(self):
        return self._process.pid

    def has_ended(self):
        return self._process.poll() is not None

    def words(self):
        """What it wrote to its log, for people: the last lines only."""
        with open(self.log_path, errors="replace") as log:
            return "\n".join(log.read().strip().splitlines()[-8:])

    def fail(self, what):
        words = self.words()
        raise ChildFailed(f"{os.path.basename(self.argv[0])} {what}" + (f": {words}" if words else ""))

    def read_line(self, timeout_s):
        """The next line of its standard output, without the newline; None at the end of it."""
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._line_rest:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([self._process.stdout], [], [], left_s)[0]:
                self.fail(f"said nothing for {timeout_s:.0f} s")
            piece = os.read(self._process.stdout.fileno(), 1 << 16)
            if not piece:
                rest, self._line_rest = self._line_rest, b""
                return rest.decode() or None
            self._line_rest += piece
        line, self._line_rest = self._line_rest.split(b"\n", 1)
        return line.decode()

    def write_line(self):
        try:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self.fail("ended early")

    def wait(self, timeout_s=STOP_TIMEOUT_S):
        """Its exit code; fails if it takes longer."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.fail(f"did not end within {timeout_s:.0f} s")

    def terminate(self):
        if not self.has_ended():
            self._process.terminate()

    def stop(self):
        """Ends it and all it started, politely first."""
        self.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            pass
        self._kill_session()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass
        if self in _alive:
            _alive.remove(self)

    def _kill_session(self):
        # A proxy's workers live in its session and may outlast a master that was killed.
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def stop_all():
    """Ends whatever still runs, at once: for the end of the harness, however it comes."""
    for child in list(_alive):
        child._kill_session()
        child._process.wait()
    _alive.clear()
