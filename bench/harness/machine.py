"""What was measured on, and what was measured: machine, kernel, versions, commit."""

import os
import platform
import subprocess


def _output(argv, folder=None):
    try:
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def cpu_model():
    with open("/proc/cpuinfo") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def describe():
    """The machine, for the results."""
    return {
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "cpus_usable": sorted(os.sched_getaffinity(0)),
        "lscpu": _output(["lscpu"]),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "system": _os_name(),
        "load_average": os.getloadavg(),
    }


def _os_name():
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def source(root):
    """{"commit", "dirty"} of the source tree; "unknown" where there is no git."""
    commit = _output(["git", "rev-parse", "--short=12", "HEAD"], root) if root else ""
    if not commit:
        return {"commit": "unknown", "dirty": None}
    # Results that are being written are no change of what is measured.
    changed = _output(["git", "status", "--porcelain", "--", ".", ":!bench/results"], root)
    return {"commit": commit, "dirty": bool(changed)}
