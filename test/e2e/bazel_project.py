"""A C project of several dozen sources, and the flags with which Debian's Bazel 4 builds it offline."""
import pathlib

LIBRARIES, PER_LIBRARY = 10, 5
JAVA = "/usr/lib/jvm/java-17-openjdk-amd64"

RULES = {
    "rules_cc/cc": ["cc_library", "cc_binary", "cc_test", "cc_import", "cc_toolchain", "cc_toolchain_suite",
                    "cc_proto_library", "objc_library", "objc_import", "fdo_prefetch_hints", "fdo_profile"],
    "rules_java/java": ["java_library", "java_binary", "java_import", "java_test", "java_plugin", "java_toolchain",
                        "java_runtime", "java_package_configuration", "java_lite_proto_library",
                        "java_proto_library"],
    "rules_proto/proto": ["proto_library", "proto_lang_toolchain"],
}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_stubs(stubs):
    """Repositories that Bazel wants to download, re-exporting what is built in."""
    for package, rules in RULES.items():
        repository = package.split("/")[0]
        write(stubs / repository / "WORKSPACE", "")
        write(stubs / repository / "BUILD", "")
        write(stubs / package / "BUILD", "")
        write(stubs / package / "defs.bzl", "".join(f"{r} = native.{r}\n" for r in rules))
    write(stubs / "coverage/WORKSPACE", "")
    write(stubs / "coverage/BUILD",
          'package(default_visibility = ["//visibility:public"])\n'
          'filegroup(name = "coverage_report_generator")\nfilegroup(name = "coverage_output_generator")\n')


def library(folder, number):
    """One package: sources, a library, a test."""
    first = number * PER_LIBRARY
    for i in range(first, first + PER_LIBRARY):
        write(folder / f"f{i}.c", f'#include "lib{number}/lib.h"\nint f{i}(int x) {{ return x * {i} + 1; }}\n')
    names = [f"f{i}" for i in range(first, first + PER_LIBRARY)]
    write(folder / "lib.h", "#pragma once\n" + "".join(f"int {n}(int x);\n" for n in names))
    write(folder / "test.c", f'#include "lib{number}/lib.h"\n'
                             f"int main(void) {{ return {names[0]}(1) == {first + 1} ? 0 : 1; }}\n")
    sources = ", ".join(f'"{n}.c"' for n in names)
    write(folder / "BUILD", f"""
cc_library(name = "lib", srcs = [{sources}], hdrs = ["lib.h"], visibility = ["//visibility:public"])
cc_test(name = "test", srcs = ["test.c"], deps = [":lib"])
""")


def write_project(root):
    """Returns the labels of the whole good project; the troublemakers lie in //trouble."""
    stubs = root / "stubs"
    write_stubs(stubs)
    project = root / "project"
    write(project / "WORKSPACE",
          f'local_repository(name = "remote_coverage_tools", path = "{stubs}/coverage")\n')
    for number in range(LIBRARIES):
        library(project / f"lib{number}", number)
    includes = "".join(f'#include "lib{n}/lib.h"\n' for n in range(LIBRARIES))
    calls = "".join(f"  s += f{i}(s);\n" for i in range(LIBRARIES * PER_LIBRARY))
    write(project / "main/main.c",
          f"#include <stdio.h>\n{includes}\nint main(void) {{\n  unsigned s = 1;\n{calls}"
          '  printf("%u\\n", s);\n  return 0;\n}\n')
    deps = ", ".join(f'"//lib{n}:lib"' for n in range(LIBRARIES))
    write(project / "main/tree.bzl", """
def _tree(ctx):
    out = ctx.actions.declare_directory(ctx.attr.name)
    ctx.actions.run_shell(outputs = [out], command = "mkdir -p $1/a/b && echo x > $1/a/b/x && ln -s a/b/x $1/link",
                          arguments = [out.path])
    return [DefaultInfo(files = depset([out]))]
tree = rule(implementation = _tree)
""")
    write(project / "main/check.sh", "#!/bin/sh\ntest \"$(cat main/said.txt)\" = said\n")
    (project / "main/check.sh").chmod(0o755)
    write(project / "main/BUILD", f"""
load(":tree.bzl", "tree")
cc_binary(name = "main", srcs = ["main.c"], deps = [{deps}])
genrule(name = "said", outs = ["said.txt"], cmd = "echo said > $@")
tree(name = "folder")
sh_test(name = "check", srcs = ["check.sh"], data = [":said.txt"])
""")
    write(project / "trouble/slow.sh", "#!/bin/sh\necho partial log\nsleep 300\n")
    (project / "trouble/slow.sh").chmod(0o755)
    write(project / "trouble/BUILD", """
genrule(name = "fails", outs = ["never"], cmd = "echo it is broken >&2; exit 42")
genrule(name = "loud", outs = ["done"], cmd = "head -c 5000000 /dev/zero | tr '\\\\0' x; echo; touch $@")
sh_test(name = "slow", srcs = ["slow.sh"])
""")
    return project


def command(root, output_root):
    """Everything before the verb, and the flags after it."""
    before = ["bazel", "--nosystem_rc", "--nohome_rc", "--install_base=/usr/share/bazel", "--trust_install_base",
              f"--server_javabase={JAVA}", f"--output_user_root={output_root}"]
    after = [f"--override_repository={r.split('/')[0]}={root}/stubs/{r.split('/')[0]}" for r in RULES]
    return before, after + ["--incompatible_strict_action_env", "--jobs=8", "--color=no", "--curses=no"]
