"""Repository rule: a pinned Debian source package, unpacked for Bazel.

The archive's address is never written down here: it is taken from the apt
configuration of the machine that builds (see fetch_debian_source.sh). What
arrives is checked against a sha256 before it is unpacked.
"""

def _debian_source_impl(ctx):
    script = ctx.path(Label("//third_party:fetch_debian_source.sh"))
    result = ctx.execute(
        [
            "bash",
            script,
            "%s=%s" % (ctx.attr.package, ctx.attr.version),
            ctx.attr.tarball,
            ctx.attr.sha256,
        ],
        timeout = 1200,
        quiet = True,
    )
    if result.return_code != 0:
        fail("cannot fetch %s %s: %s" % (ctx.attr.package, ctx.attr.version, result.stderr))
    tarball = result.stdout.strip()

    # Unpacked by tar and not by Bazel: tar strips the top folder whatever its name.
    result = ctx.execute(
        ["tar", "-x", "-f", tarball, "--strip-components=1", "--no-same-owner"],
        timeout = 600,
    )
    if result.return_code != 0:
        fail("cannot unpack %s: %s" % (tarball, result.stderr))

    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name)
    if ctx.attr.build_file:
        ctx.delete("BUILD.bazel")
        ctx.delete("BUILD")
        ctx.symlink(ctx.attr.build_file, "BUILD.bazel")
    if ctx.attr.build_file_tail:
        own = ctx.read("BUILD")
        ctx.file("BUILD.bazel", own + ctx.read(ctx.attr.build_file_tail))

debian_source = repository_rule(
    implementation = _debian_source_impl,
    attrs = {
        "package": attr.string(mandatory = True, doc = "Debian source package name."),
        "version": attr.string(mandatory = True, doc = "Exact Debian version."),
        "tarball": attr.string(mandatory = True, doc = "File name of the upstream (orig) tarball."),
        "sha256": attr.string(mandatory = True, doc = "Checksum of the tarball."),
        "build_file": attr.label(allow_single_file = True, doc = "Replaces the package's own BUILD file."),
        "build_file_tail": attr.label(allow_single_file = True, doc = "Comes behind what stands in the package's own BUILD file."),
    },
)
