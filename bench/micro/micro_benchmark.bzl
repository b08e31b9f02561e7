"""A Google Benchmark program, and a test that it works."""

load("@rules_cc//cc:defs.bzl", "cc_binary")

def micro_benchmark(name, deps, target_compatible_with = []):
    """Makes the program NAME from NAME.cc, and NAME_smoke_test.

    The test runs every benchmark for a moment: a measurement that has stopped working is otherwise
    noticed only when it is needed.

    Args:
      name: ends with _bench.
      deps: without Google Benchmark.
      target_compatible_with: as of any rule.
    """
    cc_binary(
        name = name,
        testonly = True,
        srcs = [name + ".cc"],
        target_compatible_with = target_compatible_with,
        deps = deps + ["@com_github_google_benchmark//:benchmark_main"],
    )
    native.sh_test(
        name = name + "_smoke_test",
        size = "small",
        srcs = ["//bench/micro:smoke_test.sh"],
        args = ["$(location :%s)" % name],
        data = [":" + name],
        tags = ["bench"],
        target_compatible_with = target_compatible_with,
    )
