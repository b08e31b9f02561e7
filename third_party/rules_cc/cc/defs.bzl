"""The part of rules_cc that our dependencies load, on Bazel's native rules.

Debian's bazel-rules-cc does not load under Debian's Bazel 4.2.3.
"""

cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
objc_library = native.objc_library

def _nothing_impl(_ctx):
    return []

# abseil loads these for toolchains that we do not have.
cc_flags_supplier = rule(implementation = _nothing_impl)
compiler_flag = rule(implementation = _nothing_impl)
