"""The command line of bench/compare."""

import argparse
import datetime
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from harness import children, limits, machine, measure, output, proxies, report, summary, workloads
from harness.kinds import cell_of
from harness.load import CIPHER_TLS12, CIPHER_TLS13, GROUP

PEERS = ("nginx", "haproxy", "sluice", "nginx-boringssl")
NGINX_STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"

DESCRIPTION = """\
Compares nginx, HAProxy and sluice as stream proxies: the same work for each, by turns, on CPUs of
their own. The figure that counts is the CPU time that a proxy needs for a unit of work; the ratio
to nginx is of neighbouring runs."""

EXAMPLES = """\
examples:
  bench/compare                                  everything, about 40 minutes
  bench/compare --quick                          every workload with next to no work: does it run?
  bench/compare --only 'bulk_*' --rounds 3       one family
  bench/compare --proxy 'old=/path/to/old/sluice -p /tmp -e stderr -c {config}'
                                                 another build beside them
In --proxy, {config} is the path of a configuration in nginx's syntax, {listen} and {upstream} are
addresses. The program must stay in the foreground."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line and ends with 2."""

    def error(self, message):
        print(f"compare: {message}; see --help", file=sys.stderr)
        sys.exit(2)


def _positive(text):
    value = int(text) if re.fullmatch(r"\d{1,6}", text) else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f'"{text}" is no whole number from 1')
    return value


def _named(text):
    name, equals, value = text.partition("=")
    if not equals or not value.strip() or not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise argparse.ArgumentTypeError(f'"{text}" is not NAME=COMMAND')
    return name, value


def _peers(text):
    names = text.split(",")
    for name in names:
        if name not in PEERS:
            raise argparse.ArgumentTypeError(f'"{name}" is none of {", ".join(PEERS)}')
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f'"{text}" names one twice')
    return names


def parse(argv):
    parser = Parser(prog="bench/compare", description=DESCRIPTION, epilog=EXAMPLES,
                    formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--only", action="append", metavar="GLOB",
                        help="only workloads whose name matches; may be given several times")
    parser.add_argument("--rounds", type=_positive, metavar="N",
                        help="how often each proxy is measured (default 5; 1 with --quick)")
    parser.add_argument("--peers", type=_peers, metavar="NAME,...",
                        help=f"which proxies, of {','.join(PEERS)} "
                             "(default: all; the last if it can be built)")
    parser.add_argument("--proxy", type=_named, action="append", default=[], metavar="NAME=COMMAND",
                        help="another proxy beside them; may be given several times")
    parser.add_argument("--quick", action="store_true", help="tiny work, one round")
    parser.add_argument("--no-tuning", action="store_true",
                        help="take each proxy's default buffers instead of trying which are best")
    parser.add_argument("--no-limits", action="store_true",
                        help="leave out what the machine can do at all (bench/limits)")
    parser.add_argument("--out", metavar="DIR",
                        help="where results.json and report.html go (default: "
                             "bench/results/DATE-COMMIT for a whole run of committed code, a temporary folder otherwise)")
    parser.add_argument("--list", action="store_true", help="list the workloads and end")
    # What bench/compare has built; not for people.
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--program", type=_named, action="append", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--root", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)

    args.workloads = workloads.select(workloads.table(args.quick), args.only)
    for glob in args.only or []:
        if not workloads.select(args.workloads, [glob]):
            parser.error(f'--only: no workload is named like "{glob}" (--list shows them)')
    args.peers_are_default = args.peers is None
    args.peers = args.peers or list(PEERS)
    names = args.peers + [name for name, _ in args.proxy]
    for name in names:
        if names.count(name) > 1:
            parser.error(f'--proxy: there is a "{name}" already')
    args.rounds = args.rounds or (1 if args.quick else 5)
    return args


def make_peers(args, programs):
    """The proxies that take part, and words about those that cannot."""
    peers, words = [], []
    module = NGINX_STREAM_MODULE if os.path.exists(NGINX_STREAM_MODULE) else None
    for name in args.peers:
        if name == "nginx":
            peers.append(proxies.Nginx(module=module))
        elif name == "haproxy":
            peers.append(proxies.Haproxy())
        elif name == "sluice":
            peers.append(proxies.Sluice(programs["sluice"]))
        elif "nginx-boringssl" in programs:
            peers.append(proxies.Nginx("nginx-boringssl", programs["nginx-boringssl"]))
        else:
            words.append("nginx-boringssl is left out: it could not be built")
    peers += [proxies.Command(name, command) for name, command in args.proxy]
    return peers, words


def raise_files_limit():
    """As many open files as we may have; how many that is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 1 << 20 if hard == resource.RLIM_INFINITY else min(hard, 1 << 20)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def result_folder(args, source, now):
    if args.out:
        folder = args.out
    elif args.root and not (args.quick or args.only or source["dirty"] or source["dirty"] is None):
        folder = os.path.join(args.root, "bench", "results",
                              f"{now.strftime('%Y-%m-%d')}-{source['commit']}")
    else:
        return tempfile.mkdtemp(prefix="sluice-compare-")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        print(f'compare: --out: cannot make "{folder}": {error.strerror}', file=sys.stderr)
        sys.exit(2)
    return folder


def results_text(results):
    """The results as JSON for people and git: indented, a bucket of a histogram a line."""
    text = json.dumps(results, indent=1)
    return re.sub(r"\[\s+([\d.e+-]+),\s+([\d.e+-]+)\s+\]", r"[\1, \2]", text)


def write_results(results, folder):
    for name, text in (("results.json", results_text(results)),
                       ("report.html", report.html(results))):
        unfinished = os.path.join(folder, name + ".new")
        with open(unfinished, "w") as file:
            file.write(text + "\n")
        os.replace(unfinished, os.path.join(folder, name))


def run_cells(bench, args, results):
    began = time.monotonic()
    for position, workload in enumerate(args.workloads, 1):
        cell_began = time.monotonic()
        cell = cell_of(bench, workload)
        reason = cell.why_skipped()
        if reason:
            part = {"workload": workload.name, "what": workload.what, "unit": workload.unit,
                    "skipped": reason}
        else:
            part = cell.execute()
            summary.summarise(part, bench.reference)
        results["cells"].append(part)
        print(output.progress_line(position, len(args.workloads), part, bench.reference,
                                   time.monotonic() - cell_began))
        for line in output.errors(part):
            print(line)
        sys.stdout.flush()
    results["seconds"] = time.monotonic() - began


def compare(args):
    """Runs the comparison; the exit code."""
    programs = dict(args.program)
    now = datetime.datetime.now(datetime.timezone.utc)
    source = machine.source(args.root)
    peers, words = make_peers(args, programs)
    if not peers:
        print(f"compare: nothing to compare: {'; '.join(words)}", file=sys.stderr)
        return 1
    folder = result_folder(args, source, now)
    cpus = sorted(os.sched_getaffinity(0))
    work_folder = tempfile.mkdtemp(prefix="sluice-compare-work-")
    try:
        # nginx's workers give up root and must still get at what is theirs.
        os.chmod(work_folder, 0o755)
        certificates = os.path.join(work_folder, "certificates")
        subprocess.run([programs["make_certificates"], f"--directory={certificates}",
                        f"--server_names={proxies.NAME}"], check=True)
        bench = measure.Bench(
            tools=measure.Tools(programs["load_client"], programs["load_upstream"]), peers=peers,
            reference="nginx" if any(p.name == "nginx" for p in peers) else peers[0].name,
            cpus=cpus, certificates=certificates, folder=work_folder,
            files_max=raise_files_limit(), rounds=args.rounds, tune=not (args.quick or args.no_tuning))
        results = {
            "schema": 1,
            "date": now.isoformat(timespec="seconds"),
            "source": source,
            "machine": machine.describe(),
            "command": [word for word in sys.argv[1:]
                        if not word.startswith(("--program=", "--root="))],
            "rounds": args.rounds,
            "quick": args.quick,
            "reference": bench.reference,
            "peers": [{"name": peer.name, "version": peer.version()} for peer in peers],
            "pinned": {"tls12_cipher": CIPHER_TLS12, "tls13_cipher": CIPHER_TLS13, "group": GROUP,
                       "certificate": "P-256", "verification": "on",
                       "proxy_cpus_of_one_worker": bench.proxy_cpus(1),
                       "client_cpus": bench.client_cpus(1), "upstream_cpus": bench.upstream_cpus(1)},
            "files_max": bench.files_max,
            "limits": None,
            "cells": [],
            "limit_fractions": [],
        }
        say_begin(results, words, folder, cpus)
        if not args.no_limits and "limits" in programs:
            results["limits"] = limits.run(programs["limits"], cpus[0], cpus[-1], args.quick)
        run_cells(bench, args, results)
        results["limit_fractions"] = limits.fractions(results)
    finally:
        children.stop_all()
        shutil.rmtree(work_folder, ignore_errors=True)
    print(output.final(results))
    write_results(results, folder)
    print(f"\nWritten: {os.path.join(folder, 'results.json')} and report.html beside it")
    failed = sum(1 for cell in results["cells"] for proxy in cell.get("proxies", {}).values()
                 if proxy["error"])
    if failed:
        print(f"{failed} measurements failed: see above", file=sys.stderr)
    return 1 if failed else 0


def say_begin(results, words, folder, cpus):
    for peer in results["peers"]:
        print(f"{peer['name']:<16} {peer['version']}")
    for line in words:
        print(line)
    pinned = results["pinned"]
    machine_, source = results["machine"], results["source"]
    print(f"{machine_['cpu']}, {len(cpus)} CPUs, Linux {machine_['kernel']}, "
          f"commit {source['commit']}{' and changes' if source['dirty'] else ''}")
    print(f"TLS to the upstream, verified, P-256 certificate, {GROUP}, "
          f"{CIPHER_TLS13} or {CIPHER_TLS12} for all")
    print(f"One worker on CPU {','.join(map(str, pinned['proxy_cpus_of_one_worker']))}, client on "
          f"{','.join(map(str, pinned['client_cpus']))}, upstream on "
          f"{','.join(map(str, pinned['upstream_cpus']))}; {results['rounds']} rounds by turns")
    if len(cpus) < 2:
        print("There is one CPU only: proxies and load share it, and throughput says little")
    connections = proxies.connections_max(results["files_max"])
    if connections < workloads.CONNECTIONS_MAX:
        print(f"{results['files_max']} files may be open: no more than {connections} connections")
    print(f"Results go to {folder}")
    sys.stdout.flush()


def main(argv):
    args = parse(argv)
    if args.list:
        print(output.table([[w.name, w.what] for w in args.workloads], left=2))
        return 0
    if args.check:
        print("\n".join(args.peers))
        return 0
    needed = ["make_certificates", "load_client", "load_upstream"] + \
        (["sluice"] if "sluice" in args.peers else [])
    missing = [name for name in needed if name not in dict(args.program)]
    if missing:
        print(f"compare: no {', '.join(missing)}; start bench/compare, which builds them",
              file=sys.stderr)
        return 2

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def ended(number, frame):
        # Once is enough: a second Ctrl-C must not break off the cleaning up.
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    for one in signals:
        signal.signal(one, ended)
    try:
        return compare(args)
    except KeyboardInterrupt:
        print("\ncompare: stopped; nothing was written and nothing runs on", file=sys.stderr)
        return 130
    except (children.ChildFailed, subprocess.CalledProcessError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
