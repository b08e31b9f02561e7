"""A fuzzer with its corpus."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

def fuzz_test(name, deps, extra_corpus = None, extra_corpus_folder = None):
    """Makes of NAME_fuzzer.cc, corpus/NAME and dictionaries/NAME:

    NAME_replay_test, which gives it the files of its corpus, in every configuration;
    NAME_fuzz_test, which has libFuzzer look for more for a while, with --config=fuzz only.

    Args:
      name: of the fuzzer.
      deps: of NAME_fuzzer.cc.
      extra_corpus: a target with more inputs,
      extra_corpus_folder: and the folder where they are.
    """
    corpus = native.glob(["corpus/%s/*" % name])
    folders = ["tests/fuzz/corpus/" + name] + ([extra_corpus_folder] if extra_corpus else [])
    data = corpus + ([extra_corpus] if extra_corpus else [])
    cc_library(
        name = name + "_fuzzer_lib",
        testonly = True,
        srcs = [name + "_fuzzer.cc"],
        deps = deps + [":check"],
        alwayslink = True,
    )
    cc_test(
        name = name + "_replay_test",
        size = "small",
        srcs = ["replay_main.cc"],
        args = folders,
        data = data,
        deps = [
            ":%s_fuzzer_lib" % name,
            "@com_google_googletest//:gtest",
        ],
    )
    cc_binary(
        name = name + "_fuzzer",
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = [":%s_fuzzer_lib" % name],
    )
    native.sh_test(
        name = name + "_fuzz_test",
        size = "medium",
        srcs = ["run_fuzzer.sh"],
        args = [
            "$(rootpath :%s_fuzzer)" % name,
            "tests/fuzz/dictionaries/" + name,
        ] + folders,
        data = data + [
            "dictionaries/" + name,
            ":%s_fuzzer" % name,
        ],
        # external: it finds something else each time.
        tags = [
            "external",
            "manual",
        ],
    )
