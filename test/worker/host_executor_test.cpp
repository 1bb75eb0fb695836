#define CAF_SUITE worker.host_executor
#include "test/worker/host_fixture.hpp"

#include <csignal>
#include <cstdlib>

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

CAF_TEST_FIXTURE_SCOPE(host_executor_tests, host_fixture)

CAF_TEST(exit codes and signals are told and output goes to files) {
  const auto ended = shell("echo out; echo err >&2; exit 7");
  CAF_REQUIRE(ended.ok());
  CAF_CHECK_EQUAL(ended->exit_code, 7);
  CAF_CHECK(ended->why == command_ended::reason::exited);
  CAF_CHECK_EQUAL(read_text(out), "out\n");
  CAF_CHECK_EQUAL(read_text(err), "err\n");
  CAF_CHECK(ended->ended_at >= ended->started_at);
  CAF_CHECK_EQUAL(+shell("kill -SEGV $$")->exit_code, 128 + SIGSEGV);
  CAF_CHECK_EQUAL(+shell("kill -KILL $$")->exit_code, 128 + SIGKILL);
}

CAF_TEST(logs serve one command after the other and hold the last ones output only) {
  const auto log = folder.path() / "log";
  const auto print = [&](const std::string& text) {
    auto command = command_for({"/bin/echo", text});
    command.stdout_path = log;
    CAF_CHECK(start(std::move(command)).get().ok());
    return read_text(log);
  };
  CAF_CHECK_EQUAL(print("a long first line"), "a long first line\n");
  CAF_CHECK_EQUAL(print("short"), "short\n");
  std::filesystem::permissions(log, std::filesystem::perms::none); // as a command may
  CAF_CHECK_EQUAL(print("again"), "again\n");
  struct stat facts {};
  CAF_CHECK(::stat(log.c_str(), &facts) == 0 && (facts.st_mode & 07777) == 0600);
  CAF_CHECK_EQUAL(facts.st_uid, somebody().uid);
}

CAF_TEST(a log that has become a link a pipe or a second name of a file is made anew) {
  const auto log = folder.path() / "log";
  const auto victim = folder.path() / "victim";
  const auto print = [&] {
    auto command = command_for({"/bin/echo", "printed"});
    command.stdout_path = log;
    CAF_CHECK(start(std::move(command)).get().ok());
    CAF_CHECK_EQUAL(read_text(log), "printed\n");
    CAF_CHECK_EQUAL(read_text(victim), "kept");
    std::filesystem::remove(log);
  };
  write_text(victim, "kept");
  std::filesystem::create_symlink(victim, log);
  print();
  std::filesystem::create_hard_link(victim, log);
  print();
  CAF_REQUIRE(::mkfifo(log.c_str(), 0666) == 0);
  print();
}

CAF_TEST(the environment is exactly what was given) {
  ::setenv("EXPBUILD_TEST_LEAK", "1", 1);
  auto command = command_for({"/usr/bin/env"});
  command.environment = {{"A", "1"}, {"B", "two words"}};
  CAF_REQUIRE(start(std::move(command)).get().ok());
  CAF_CHECK_EQUAL(read_text(out), "A=1\nB=two words\n");
}

CAF_TEST(a program without a slash is looked up in the PATH of the command) {
  write_text(folder.path() / "bin/tool", "#!/bin/sh\necho found\n");
  std::filesystem::permissions(folder.path() / "bin/tool", std::filesystem::perms(0755));
  std::filesystem::permissions(folder.path() / "bin", std::filesystem::perms(0755));
  auto command = command_for({"tool"});
  command.environment = {{"PATH", "/nowhere:bin"}};
  CAF_REQUIRE(start(std::move(command)).get().ok());
  CAF_CHECK_EQUAL(read_text(out), "found\n");
}

CAF_TEST(a program that is not there or not executable is refused in words) {
  const auto absent = run({"no-such-program"});
  CAF_CHECK(absl::IsInvalidArgument(absent.status()));
  CAF_CHECK(std::string(absent.status().message()).find("no-such-program") != std::string::npos);
  CAF_CHECK(std::string(absent.status().message()).find("No such file") != std::string::npos);
  write_text(folder.path() / "plain", "no program");
  const auto plain = run({"./plain"});
  CAF_CHECK(absl::IsInvalidArgument(plain.status()));
  CAF_CHECK(std::string(plain.status().message()).find("Permission denied") != std::string::npos);
  CAF_CHECK(shell("exit 0").ok()); // and the executor goes on
}

CAF_TEST(as root the command runs as somebody else and may not become more) {
  if (::geteuid() != 0) {
    CAF_MESSAGE("skipped: not root");
    return;
  }
  CAF_CHECK(shell("id -u; id -G; grep NoNewPrivs /proc/self/status").ok());
  CAF_CHECK_EQUAL(read_text(out), "65534\n65534\nNoNewPrivs:\t1\n");
}

CAF_TEST(signals that the runner ignores do to a command what they do elsewhere) {
  for (const int signal : {SIGPIPE, SIGINT})
    CAF_CHECK_EQUAL(+shell("kill -" + std::to_string(signal) + " $$; exit 0")->exit_code,
                    128 + signal);
  CAF_CHECK(shell("yes | head -n 1")->why == command_ended::reason::exited);
  CAF_CHECK_EQUAL(read_text(err), "");
}

CAF_TEST(a timeout kills the whole tree) {
  const auto seconds = unique_seconds();
  const auto ended = shell("setsid sleep " + seconds + " & sleep " + seconds, 300ms);
  CAF_REQUIRE(ended.ok());
  CAF_CHECK(ended->why == command_ended::reason::timed_out);
  CAF_CHECK_EQUAL(ended->exit_code, 128 + SIGKILL);
  CAF_CHECK(!runs(seconds));
}

CAF_TEST(a background child that holds stdout delays nothing and does not survive) {
  const auto seconds = unique_seconds();
  const auto before = std::chrono::steady_clock::now();
  const auto ended = shell("(setsid sleep " + seconds + " &) ; echo done");
  CAF_CHECK_EQUAL(ended->exit_code, 0);
  CAF_CHECK(std::chrono::steady_clock::now() - before < patience / 2);
  CAF_CHECK(!runs(seconds));
}

CAF_TEST(
    a stop kills the whole tree of a command that ignores SIGTERM and keeps the output so far) {
  const auto seconds = unique_seconds();
  auto box =
      start({"/bin/sh", "-c", "trap '' TERM; echo so far; " + announced("sleep " + seconds)});
  wait_until_up();
  sut->stop();
  const auto ended = box.get();
  CAF_CHECK(ended->why == command_ended::reason::stopped);
  CAF_CHECK_EQUAL(read_text(out), "so far\n");
  CAF_CHECK(!runs(seconds));
  CAF_CHECK_EQUAL(+shell("exit 3")->exit_code, 3);
}

CAF_TEST(when the runner is killed the executor is lost only after the tree is dead) {
  const auto seconds = unique_seconds();
  auto box = start({"/bin/sh", "-c", announced("setsid sleep " + seconds)});
  wait_until_up();
  ::kill(static_cast<pid_t>(sut->pid()), SIGKILL);
  const auto why = lost.get();
  CAF_CHECK(!runs(seconds));
  CAF_CHECK(absl::IsUnavailable(why));
  CAF_CHECK(std::string(why.message()).find("signal 9") != std::string::npos);
  CAF_CHECK(box.empty());
  CAF_CHECK_EQUAL(sut->pid(), 0);
}

CAF_TEST(letting go of the executor kills what runs) {
  const auto seconds = unique_seconds();
  auto box = start({"/bin/sh", "-c", announced("sleep " + seconds)});
  wait_until_up();
  const auto runner = static_cast<pid_t>(sut->pid());
  sut.reset();
  CAF_CHECK(wait_gone(runner));
  if (const auto pid = find(seconds); pid != 0)
    CAF_CHECK(wait_gone(pid));
  CAF_CHECK(box.empty());
}

CAF_TEST(a runner that is not there is told) {
  const auto status = open("/nowhere/re-runner");
  CAF_CHECK(absl::IsUnavailable(status));
#ifndef __SANITIZE_THREAD__ // which makes a fork of vfork: the child's error stays the child's
  CAF_CHECK(std::string(status.message()).find("/nowhere/re-runner") != std::string::npos);
#endif
}

CAF_TEST(a healthy executor answers and a lost one does not ) {
  box<absl::Status> healthy;
  sut->check_health(healthy.callback());
  CAF_CHECK(healthy.get().ok());
  ::kill(static_cast<pid_t>(sut->pid()), SIGKILL);
  CAF_CHECK(absl::IsUnavailable(lost.get()));
  box<absl::Status> ill;
  sut->check_health(ill.callback());
  CAF_CHECK(absl::IsUnavailable(ill.get()));
}

CAF_TEST(arguments larger than a packet arrive whole) {
  std::vector<std::string> arguments{"/bin/sh", "-c", "echo $# ${#1}", "sh"};
  for (int i = 0; i < 20; ++i)
    arguments.emplace_back(std::string(20'000, 'x'));
  CAF_REQUIRE(run(arguments).ok());
  CAF_CHECK_EQUAL(read_text(out), "20 20000\n");
}

CAF_TEST(a hundred megabytes of output are kept) {
  CAF_CHECK_EQUAL(+shell("head -c 100000000 /dev/zero")->exit_code, 0);
  CAF_CHECK_EQUAL(std::filesystem::file_size(out), 100'000'000u);
}

CAF_TEST(commands one after another leave no process and no descriptor behind) {
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  };
  CAF_CHECK(run({"/bin/true"}).ok());
  const auto before = descriptors();
  for (int i = 0; i < 200; ++i)
    CAF_CHECK(run({"/bin/true"}).ok());
  CAF_CHECK_EQUAL(descriptors(), before);
  const auto children =
      "/proc/" + std::to_string(sut->pid()) + "/task/" + std::to_string(sut->pid()) + "/children";
  CAF_CHECK_EQUAL(read_text(children), "");
}

CAF_TEST(runners that come while others go are heard) {
  // A loop that closes descriptors and opens others may hear what the old ones had to say.
  for (int round = 0; round < 150; ++round) {
    std::vector<std::unique_ptr<executor>> coming;
    std::vector<box<absl::Status>> ready(3);
    sut.reset(); // its runner ends meanwhile
    for (auto& each : ready) {
      coming.push_back(make_host_executor(thread, options(runner_program())));
      coming.back()->open(each.callback(), [](const absl::Status&) {});
    }
    for (auto& each : ready)
      CAF_REQUIRE_EQUAL(each.get(), absl::OkStatus());
    sut = std::move(coming.front());
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
