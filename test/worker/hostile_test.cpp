#define CAF_SUITE worker.hostile
#include "test/worker/sandbox_fixture.hpp"

#include <csignal>

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

const std::string refused = std::to_string(EPERM);

} // namespace

CAF_TEST_FIXTURE_SCOPE(hostile_tests, sandbox_fixture)

CAF_TEST(a fork bomb ends at the limit of its worker) {
  sandbox.max_processes = 60;
  if (!reopen())
    return;
  // A few more than allowed, one by one, first: only a limit that holds meets the bomb.
  attempt("i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; echo survived");
  CAF_REQUIRE(read_text(err).find("fork") != std::string::npos);
  const auto ended = attempt("b() { b | b & }; b; sleep 1000", 1s);
  CAF_CHECK(ended.exit_code != 0);
}

CAF_TEST(filling tmp takes neither space nor inodes of the host) {
  sandbox.max_tmp_bytes = 8 << 20;
  if (!reopen())
    return;
  CAF_CHECK(says("head -c 20M /dev/zero > /tmp/big").find("No space") != std::string::npos);
  CAF_CHECK(
      says("head -c 5M /dev/zero > /var/tmp/a; head -c 5M /dev/zero > /dev/shm/b").find("No space")
      != std::string::npos);
  CAF_CHECK(says("cd /tmp; seq 3000 | xargs touch").find("No space") != std::string::npos);
}

CAF_TEST(endless output ends at the limit) {
  sandbox.max_output_bytes = 1 << 20;
  if (!reopen())
    return;
  CAF_CHECK_EQUAL(attempt("exec yes").exit_code, 128 + SIGXFSZ);
  CAF_CHECK_EQUAL(std::filesystem::file_size(out), 1u << 20);
  CAF_CHECK_EQUAL(attempt("exec yes > output").exit_code, 128 + SIGXFSZ);
}

CAF_TEST(a hog of memory is told apart from a command that fails) {
  sandbox.max_memory_bytes = 64 << 20;
  if (!reopen())
    return;
  CAF_CHECK(attempt("exit 137").why == command_ended::reason::exited);
  const auto ended = attempt("exec perl -e '$x = \"x\" x 200_000_000'");
  CAF_CHECK(ended.why == command_ended::reason::out_of_memory);
  CAF_CHECK_EQUAL(ended.exit_code, 128 + SIGKILL);
  // Also when only a child dies and nobody minds.
  const auto child = attempt("perl -e '$x = \"x\" x 200_000_000'; exit 0");
  CAF_CHECK(child.why == command_ended::reason::out_of_memory);
  CAF_CHECK(attempt("true").why == command_ended::reason::exited);
}

CAF_TEST(daemons that nobody waits for die with their command) {
  if (!reopen())
    return;
  const auto seconds = unique_seconds();
  CAF_CHECK_EQUAL(attempt("trap '' TERM HUP; setsid sh -c 'setsid sleep " + seconds + " & sleep "
                          + seconds + "' & exit 3")
                      .exit_code,
                  3);
  CAF_CHECK(!runs(seconds));
}

CAF_TEST(nothing of the host can be seen or written) {
  if (!reopen())
    return;
  write_text(folder.path() / "secret", "secret");
  CAF_CHECK_EQUAL(says("ls -d " + folder.path().string() + " 2>/dev/null"), "");
  CAF_CHECK_EQUAL(says("ls -d /root /home /sys /run /boot /srv /var/lib 2>/dev/null"), "");
  attempt("for x in / /usr/ /etc/ /dev/ /var/; do touch ${x}new && echo $x; done; "
          "echo x > /etc/passwd; mv /usr/bin/env /tmp; touch "
          + (own.parent_path() / "new").string());
  CAF_CHECK(!std::filesystem::exists(own.parent_path() / "new"));
  CAF_CHECK_EQUAL(read_text(out), "");
  CAF_CHECK_EQUAL(says("touch new && ls"), "new\n");
}

CAF_TEST(no process of the host can be seen or killed) {
  if (!reopen())
    return;
  const auto runner = std::to_string(sut->pid());
  attempt(
      "ls -d /proc/" + runner + "; kill -9 " + runner + " " + std::to_string(::getpid())
      + "; kill -9 -1; kill -9 1; cat /proc/1/environ /proc/1/maps; ls /proc/1/fd /proc/1/root");
  CAF_CHECK_EQUAL(read_text(out), "");
  CAF_CHECK_EQUAL(says("cd /proc; set -- [0-9]*; echo $#"), "2\n"); // init, sh
}

CAF_TEST(no capability no privilege and no new one) {
  if (!reopen())
    return;
  const std::string none = "0000000000000000";
  CAF_CHECK_EQUAL(says("grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status | tr -d '\\t'"),
                  "CapInh:" + none + "\nCapPrm:" + none + "\nCapEff:" + none + "\nCapBnd:" + none
                      + "\nCapAmb:" + none + "\nNoNewPrivs:1\nSeccomp:2\n");
}

CAF_TEST(system calls that no build needs are refused) {
  if (!reopen())
    return;
  for (const long number : {SYS_ptrace,
                            SYS_process_vm_readv,
                            SYS_mount,
                            SYS_umount2,
                            SYS_pivot_root,
                            SYS_chroot,
                            SYS_setns,
                            SYS_bpf,
                            SYS_perf_event_open,
                            SYS_userfaultfd,
                            SYS_keyctl,
                            SYS_add_key,
                            SYS_io_uring_setup,
                            SYS_open_tree,
                            SYS_fsopen,
                            SYS_open_by_handle_at,
                            SYS_kexec_load,
                            SYS_init_module,
                            SYS_reboot,
                            SYS_swapon,
                            SYS_acct})
    CAF_CHECK_EQUAL(std::to_string(number) + ": " + call(number),
                    std::to_string(number) + ": " + refused);
  CAF_CHECK_EQUAL(call(SYS_clone3, "0, 0"), std::to_string(ENOSYS));
  for (const std::string flags : {"0x10000000", "0x00020000", "0x20000000", "0x40000000"}) {
    CAF_CHECK_EQUAL(call(SYS_unshare, flags), refused);
    CAF_CHECK_EQUAL(call(SYS_clone, flags + " | 17, 0, 0, 0, 0"), refused);
  }
  CAF_CHECK_EQUAL(call(SYS_personality, "8"), refused);
  CAF_CHECK_EQUAL(call(SYS_personality, "0x40000"), "0");
  CAF_CHECK_EQUAL(call(SYS_socket, "38, 5, 0"), refused);    // AF_ALG
  CAF_CHECK_EQUAL(call(SYS_socket, "16, 3, 9"), refused);    // audit
  CAF_CHECK_EQUAL(call(SYS_socket, "16, 3, 0"), "0");        // interfaces
  CAF_CHECK_EQUAL(call(SYS_ioctl, "0, 0x5412, 0"), refused); // typing on a terminal
}

CAF_TEST(debuggers work when the worker allows them) {
  sandbox.allow_ptrace = true;
  if (!reopen())
    return;
  CAF_CHECK_EQUAL(call(SYS_ptrace), "0");                    // PTRACE_TRACEME
  CAF_CHECK_EQUAL(call(SYS_ptrace, "16, 1, 0, 0"), refused); // init is nobody's to attach to
}

CAF_TEST(a command of root is no more than another one) {
  if (::geteuid() != 0) {
    CAF_MESSAGE("skipped: not root");
    return;
  }
  CAF_REQUIRE(::chown(own.c_str(), 0, 0) == 0);
  if (!reopen({0, 0}))
    return;
  CAF_CHECK_EQUAL(says("id -u; grep CapEff /proc/self/status"), "0\nCapEff:\t0000000000000000\n");
  attempt("echo x > /proc/sys/kernel/core_pattern && echo kernel; "
          "echo 1 > /proc/sys/net/ipv4/ip_forward && echo net; mknod d b 8 0 && echo device; "
          "cat /dev/vda /dev/sda && echo disk; touch /etc/new && echo etc; "
          "chown 1 . && echo owner; kill -9 1");
  CAF_CHECK_EQUAL(read_text(out), "");
}

CAF_TEST_FIXTURE_SCOPE_END()
