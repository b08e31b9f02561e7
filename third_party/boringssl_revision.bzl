"""Repository rule: the revision of the BoringSSL that is built, as a C++ header.

The package carries it in a file that its own BUILD does not export. A BoringSSL put in its place
with --override_repository may lack the file: then the revision is "unknown".
"""

def _boringssl_revision_impl(ctx):
    revision_file = ctx.path(Label("@boringssl//:LICENSE")).dirname.get_child("BORINGSSL_REVISION")
    revision = ctx.read(revision_file).strip() if revision_file.exists else "unknown"
    ctx.file("boringssl_revision.h", "#define BORINGSSL_REVISION \"%s\"\n" % revision)
    ctx.file("BUILD.bazel", """cc_library(
    name = "boringssl_revision",
    hdrs = ["boringssl_revision.h"],
    visibility = ["//visibility:public"],
)
""")

boringssl_revision = repository_rule(implementation = _boringssl_revision_impl)
