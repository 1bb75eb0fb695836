#pragma once
#include "actors/worker/host_abilities.hpp"
#include "test/worker/host_fixture.hpp"

namespace expbuild::test {

/// Commands in a folder of their own, isolated. After each test, whatever it was, one more finds a
/// world in which nothing has happened.
struct sandbox_fixture : host_fixture {
  const std::filesystem::path own = folder.path() / "attempt/root";

  sandbox_fixture() {
    std::filesystem::create_directories(own);
    if (::geteuid() == 0)
      CAF_REQUIRE(::chown(own.c_str(), 65534, 65534) == 0);
  }

  ~sandbox_fixture() {
    if (!sut)
      return;
    CAF_CHECK_EQUAL(says("find /tmp /var/tmp /dev/shm -type f; echo fine"), "fine\n");
    const auto pid = std::to_string(sut->pid());
    CAF_CHECK_EQUAL(read_text("/proc/" + pid + "/task/" + pid + "/children"), "");
  }

  /// False, and told, when this system can not isolate: everything here is about that.
  bool reopen(run_as identity = somebody()) {
    const auto can = probe_host(thread, options(runner_program(), identity));
    CAF_REQUIRE(can.ok());
    for (const auto& [key, reason] : can->lacks)
      CAF_MESSAGE("skipped: " + key + ": " + reason);
    if (can->lacks.empty())
      CAF_REQUIRE_EQUAL(open(runner_program(), identity), absl::OkStatus());
    return can->lacks.empty();
  }

  command_ended attempt(const std::string& script,
                        std::chrono::nanoseconds timeout = std::chrono::nanoseconds(0)) {
    auto command = command_for({"/bin/sh", "-c", script});
    command.root = own;
    command.directory = own;
    command.timeout = timeout;
    auto ended = start(std::move(command)).get();
    CAF_REQUIRE_EQUAL(ended.status(), absl::OkStatus());
    return *std::move(ended);
  }

  /// What it printed.
  std::string says(const std::string& script) {
    attempt("exec 2>&1; " + script);
    return read_text(out);
  }

  /// What a system call answers inside: "0", or an errno in words.
  std::string call(long number, const std::string& arguments = "0, 0, 0, 0, 0") {
    return says("perl -e 'print syscall(" + std::to_string(number) + ", " + arguments
                + ") == -1 ? $!+0 : 0'");
  }
};

} // namespace expbuild::test
