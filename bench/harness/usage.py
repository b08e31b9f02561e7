"""What a tree of processes has used: CPU time and memory, as the kernel counts them."""

import os
import time

_CPUCLOCK_SCHED = 2


def tree(pid):
    """`pid` and all its descendants."""
    pids = [pid]
    for parent in pids:
        try:
            tasks = os.listdir(f"/proc/{parent}/task")
        except FileNotFoundError:
            continue
        for task in tasks:
            try:
                with open(f"/proc/{parent}/task/{task}/children") as children:
                    pids.extend(int(child) for child in children.read().split())
            except FileNotFoundError:
                pass
    return pids


def cpu_s(pid):
    """CPU seconds of the tree under `pid`.

    A process's CPU clock is the sum over its threads, those that have ended too, in nanoseconds. (The
    sum over /proc/PID/task/*/schedstat is the same without the ended ones, and io_uring's helper
    threads come and go.) The number of that clock is made as clock_getcpuclockid(3) does.
    """
    total_s = 0.0
    for member in tree(pid):
        try:
            total_s += time.clock_gettime((~member << 3) | _CPUCLOCK_SCHED)
        except OSError:
            pass  # Ended meanwhile.
    return total_s


def cpus_busy_s(cpus):
    """Seconds that the CPUs were busy, whoever it was for, in the kernel's ticks (10 ms).

    Time that the hypervisor gave to others while we wanted to run counts as busy.
    """
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    total_s = 0.0
    with open("/proc/stat") as stat:
        for line in stat:
            words = line.split()
            if words[0].startswith("cpu") and words[0][3:].isdigit() and int(words[0][3:]) in cpus:
                # user nice system idle iowait irq softirq steal
                values = [int(word) for word in words[1:9]]
                total_s += (sum(values) - values[3] - values[4]) * tick_s
    return total_s


def cpu_s_by_worker(pid):
    """CPU seconds of each thread of the tree, {(pid, tid): seconds}."""
    seconds = {}
    for member in tree(pid):
        try:
            for task in os.listdir(f"/proc/{member}/task"):
                with open(f"/proc/{member}/task/{task}/schedstat") as schedstat:
                    seconds[member, int(task)] = int(schedstat.read().split()[0]) / 1e9
        except (FileNotFoundError, ProcessLookupError):
            pass
    return seconds


def memory_bytes(pid):
    """Private memory of the tree: anonymous and shared pages, a shared one divided by its sharers.

    Pages of files (code) are left out: they cost nothing for each connection. So is the kernel's
    memory for sockets, which is the same whoever asks for them.
    """
    total = 0
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/smaps_rollup") as rollup:
                for line in rollup:
                    key, _, value = line.partition(":")
                    if key in ("Pss_Anon", "Pss_Shmem"):
                        total += int(value.split()[0]) * 1024
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def sockets_by_process(pid):
    """How many sockets each process of the tree has open, {pid: count}."""
    counts = {}
    for member in tree(pid):
        count = 0
        try:
            for descriptor in os.scandir(f"/proc/{member}/fd"):
                try:
                    count += os.readlink(descriptor.path).startswith("socket:")
                except FileNotFoundError:
                    pass
        except (FileNotFoundError, PermissionError):
            continue
        counts[member] = count
    return counts
