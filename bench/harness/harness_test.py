"""Tests of what can be told without starting anything. Run by bench/harness:harness_test."""

import contextlib
import io
import re
import unittest

from harness import figures, foreign, limits, main, output, proxies, report, summary, workloads
from harness.load import flags_of
from harness.measure import cpu_shares


class FiguresTest(unittest.TestCase):
    def test_ratios_are_of_the_same_round_and_leave_failed_rounds_out(self):
        self.assertEqual(figures.ratios([2.0, 3.0, 4.0], [1.0, None, 2.0]), [2.0, 2.0])
        self.assertEqual(figures.ratios([2.0, None], [1.0, 1.0, 1.0]), [2.0])

    def test_spread(self):
        self.assertEqual(figures.spread([3, 1, 2]), {"min": 1, "median": 2, "max": 3})
        self.assertIsNone(figures.spread([]))

    def test_histograms_are_merged_by_bucket(self):
        self.assertEqual(figures.merge_histograms([[[1, 5], [3, 1]], [[2, 1], [3, 4]]]),
                         [[1, 5], [2, 1], [3, 5]])

    def test_everyone_goes_first_once(self):
        self.assertEqual([figures.rotated("abc", n)[0] for n in range(4)], ["a", "b", "c", "a"])
        self.assertEqual(figures.rotated([], 3), [])

    def test_idle_threads_are_no_workers(self):
        after = {(1, 1): 1.001, (1, 2): 0.5, (1, 3): 0.4}
        self.assertEqual(cpu_shares({(1, 1): 1.0}, after), [0.5, 0.4])


class WorkloadsTest(unittest.TestCase):
    def test_names_are_unique_and_the_same_with_quick(self):
        names = [w.name for w in workloads.table(False)]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(names, [w.name for w in workloads.table(True)])

    def test_every_kind_and_unit_is_known(self):
        from harness.kinds import cell_of
        from harness.measure import Bench, Tools
        bench = Bench(Tools("", ""), [], "nginx", [0, 1], "", "", 1024, 1, False)
        for workload in workloads.table(False):
            cell_of(bench, workload)
            self.assertIn(workload.unit, workloads.UNITS)

    def test_selection_by_glob(self):
        table = workloads.table(False)
        self.assertEqual(workloads.select(table, None), table)
        self.assertEqual({w.name for w in workloads.select(table, ["idle_*", "pingpong_plain"])},
                         {"idle_plain", "idle_tls13", "pingpong_plain"})

    def test_every_limit_belongs_to_a_workload(self):
        self.assertLessEqual(set(limits.LIMITS), {w.name for w in workloads.table(False)})


class ConfigurationTest(unittest.TestCase):
    def service(self, **more):
        values = dict(upstream="127.0.0.1:2", mode="tls13", session_reuse=True, cpus=(0,),
                      ca="/ca.pem", files_max=20000)
        return proxies.Service(**dict(values, **more))

    def test_nginx_verifies_and_is_pinned_to_one_suite(self):
        text = proxies.nginx_configuration(self.service(), "127.0.0.1:1", "/f",
                                           {"proxy_buffer_size": "64k"})
        for line in ("proxy_ssl_verify on;", "proxy_ssl_trusted_certificate /ca.pem;",
                     "proxy_ssl_name backend;", "proxy_ssl_protocols TLSv1.3;",
                     "proxy_ssl_session_reuse on;", "proxy_buffer_size 64k;",
                     "proxy_ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;"):
            self.assertIn(line, text)

    def test_plain_says_nothing_of_tls(self):
        service = self.service(mode="plain")
        self.assertNotIn("ssl", proxies.nginx_configuration(service, "127.0.0.1:1", "/f", {}))
        text = proxies.haproxy_configuration(service, "127.0.0.1:1", {"splice": True})
        self.assertNotIn("verify", text)
        self.assertIn("splice-auto", text)

    def test_full_handshakes(self):
        service = self.service(session_reuse=False, mode="tls12")
        text = proxies.nginx_configuration(service, "a:1", "/f", {})
        self.assertIn("proxy_ssl_session_reuse off;", text)
        text = proxies.haproxy_configuration(service, "a:1", {})
        self.assertIn("no-ssl-reuse", text)
        self.assertIn("ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.2", text)

    def test_tls_on_both_sides(self):
        service = self.service(client_mode="tls13", certificates="/c")
        text = proxies.nginx_configuration(service, "a:1", "/f", {})
        for line in ("listen a:1 ssl ", "ssl_certificate /c/server.pem;", "ssl_protocols TLSv1.3;",
                     "ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;", "proxy_ssl on;"):
            self.assertIn(line, text)
        text = proxies.haproxy_configuration(service, "a:1", {}, "/both.pem")
        self.assertIn("ssl crt /both.pem ssl-min-ver TLSv1.3 ssl-max-ver TLSv1.3", text)

    def test_one_worker_for_each_cpu(self):
        text = proxies.nginx_configuration(self.service(cpus=(0, 2)), "a:1", "/f", {})
        self.assertIn("worker_processes 2;", text)
        self.assertIn("worker_cpu_affinity 001 100;", text)
        text = proxies.haproxy_configuration(self.service(cpus=(0, 2)), "a:1", {})
        self.assertIn("nbthread 2", text)
        self.assertIn("cpu-map 1/2 2", text)
        self.assertIn("shards by-thread", text)

    def test_flags(self):
        self.assertEqual(flags_of({"a": 1, "b": True, "c": None, "d": False, "e": 0}),
                         ["--a=1", "--b", "--e=0"])


class ForeignTest(unittest.TestCase):
    def test_wrk(self):
        self.assertEqual(foreign.parse_wrk("  120 requests in 2.00s, 1.1MB read\n"), (120, 2.0, 0))
        self.assertEqual(foreign.parse_wrk("  120 requests in 1.50m, 1.1MB read\n"
                                           "  Socket errors: connect 1, read 2, write 0, timeout 9\n"
                                           "  Non-2xx or 3xx responses: 4\n"), (120, 90.0, 7))

    def test_h2load(self):
        self.assertEqual(foreign.parse_h2load(
            "finished in 750ms, 100 req/s, 1MB/s\n"
            "requests: 500 total, 500 started, 500 done, 499 succeeded, 1 failed, 1 errored\n"),
            (499, 0.75, 1))

    def test_iperf3(self):
        self.assertEqual(foreign.parse_iperf3(
            '{"end": {"sum_received": {"bytes": 2000000000, "seconds": 1.5}}}'), (2.0, 1.5, 0))

    def test_what_cannot_be_read_is_said(self):
        for parse in (foreign.parse_wrk, foreign.parse_h2load, foreign.parse_iperf3):
            with self.assertRaisesRegex(foreign.ChildFailed, "cannot read .*: nonsense"):
                parse("nonsense")


class CommandLineTest(unittest.TestCase):
    def refused(self, *argv):
        words = io.StringIO()
        with contextlib.redirect_stderr(words), self.assertRaises(SystemExit) as ended:
            main.parse(argv)
        self.assertEqual(ended.exception.code, 2)
        self.assertEqual(len(words.getvalue().splitlines()), 1)
        return words.getvalue()

    def test_mistakes_are_named_in_one_line(self):
        self.assertIn('"0" is no whole number from 1', self.refused("--rounds=0"))
        self.assertIn('"x" is none of nginx', self.refused("--peers=x"))
        self.assertIn("names one twice", self.refused("--peers=nginx,nginx"))
        self.assertIn('no workload is named like "nothing*"', self.refused("--only=nothing*"))
        self.assertIn('"old" is not NAME=COMMAND', self.refused("--proxy=old"))
        self.assertIn('there is a "sluice" already', self.refused("--proxy=sluice=x"))
        self.assertIn("--what", self.refused("--what"))

    def test_defaults(self):
        args = main.parse([])
        self.assertEqual(args.rounds, 5)
        self.assertEqual(args.peers, list(main.PEERS))
        self.assertEqual(main.parse(["--quick"]).rounds, 1)


def results():
    """Two peers, one workload that went well and one that was skipped."""
    def proxy(figure, error=None):
        def sample(round_number, factor, others_cpu_s):
            latency = {"p50": 100 * factor, "p90": 100 * factor, "p99": 200, "p99.9": 300}
            return {"round": round_number, "figure": figure * factor, "throughput": 2.0 * factor,
                    "seconds": 1.0, "memory_bytes": 5e6, "latency_us": latency,
                    "others_cpu_s": others_cpu_s}

        return {"samples": [sample(0, 1, 0.0), sample(1, 2, 0.5)],
                "histogram": [[100, 90], [200, 10]], "upstream": {"handshakes": 4, "resumed": 3},
                "error": error}

    cell = {"workload": "rate_tls13_60", "what": "what it is", "kind": "FixedRate", "mode": "tls13",
            "unit": "exchange",
            "proxies": {"nginx": proxy(3e-6), "x<y": proxy(1.5e-6, "broke & fell")}}
    summary.summarise(cell, "nginx")
    return {"date": "2026-01-01", "source": {"commit": "abc", "dirty": True},
            "machine": {"cpu": "c", "cpus": 2, "system": "s", "kernel": "k"}, "command": [],
            "rounds": 2,
            "quick": True, "reference": "nginx",
            "peers": [{"name": "nginx", "version": "1"}, {"name": "x<y", "version": "2"}],
            "pinned": {"tls12_cipher": "a", "tls13_cipher": "b", "group": "g", "certificate": "P-256",
                       "verification": "on"},
            "limits": None, "limit_fractions": [],
            "cells": [cell, {"workload": "foreign_wrk_plain", "what": "w", "unit": "request",
                             "skipped": "wrk is not installed"}]}


class OutputTest(unittest.TestCase):
    def test_summary(self):
        done = results()["cells"][0]["proxies"]["x<y"]["summary"]
        self.assertEqual(done["ratio"], {"min": 2.0, "median": 2.0, "max": 2.0})
        self.assertEqual(done["latency_us"]["p50"], 150)
        self.assertEqual(done["latency_ratio"]["p50"], 1.0)
        self.assertEqual(done["resumed_percent"], 75.0)

    def test_disturbed_measurements_are_counted(self):
        self.assertEqual(summary.disturbed(results()), (2, 4))
        self.assertIn("2 of 4 measurements", output.final(results()))

    def test_numbers_have_three_digits(self):
        self.assertEqual([output.number(value) for value in (None, 0.01234, 1.234, 12.34, 1234.5)],
                         ["-", "0.0123", "1.23", "12.3", "1234"])
        self.assertEqual(output.latency(250000), "250 ms")

    def test_progress(self):
        done = results()
        line = output.progress_line(1, 2, done["cells"][0], "nginx", 3)
        self.assertRegex(line, r"^\[1/2\] rate_tls13_60 +CPU us/exchange +"
                               r"nginx 4.50, x<y 2.25 \(2.00x\)  \[3 s\]")
        self.assertIn("skipped: wrk is not installed",
                      output.progress_line(2, 2, done["cells"][1], "nginx", 0))

    def test_tables(self):
        self.assertIn("rate_tls13_60", output.final(results()))

    def test_report_is_one_file_and_escapes_what_it_shows(self):
        page = report.html(results())
        self.assertIn("broke &amp; fell", page)
        self.assertNotIn("x<y", re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL))
        self.assertNotIn("<link", page)
        self.assertNotRegex(page, r'(src|href)="http')


if __name__ == "__main__":
    unittest.main()
