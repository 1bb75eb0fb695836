#define CAF_SUITE docker.single_use
#include "test/docker/docker_fixture.hpp"

#include <algorithm>
#include <csignal>
#include <set>

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

struct single_use_fixture : docker_fixture {
  single_use_fixture() {
    make = [this] { return make_single_use_executor(thread, engine, io, options); };
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(single_use_tests, single_use_fixture)

CAF_TEST(a command runs in a container of its own and finds its folder at the usual place) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  auto command =
      command_for("id -u; id -g; pwd; cat input; echo made > sub/out; mkdir -m 0555 locked");
  write_text(own / "input", "given\n");
  std::filesystem::create_directories(own / "sub");
  CAF_REQUIRE(::chown((own / "sub").c_str(), 1000, 1000) == 0);
  CAF_CHECK_EQUAL(start(command).get().status().ToString(), "OK");
  CAF_CHECK_EQUAL(printed(), "1000\n1000\n/build\ngiven\n");
  CAF_CHECK_EQUAL(read_text(own / "sub/out"), "made\n");
  CAF_CHECK(std::filesystem::exists(own / "locked"));
  auto below = command_for("pwd");
  std::filesystem::create_directories(own / "a/b");
  below.directory = own / "a/b";
  CAF_CHECK(start(below).get().ok());
  CAF_CHECK_EQUAL(printed(), "/build/a/b\n");
  CAF_CHECK_EQUAL(attempt("exit 7").exit_code, 7);
  CAF_CHECK_EQUAL(attempt("kill -9 $$").exit_code, 128 + SIGKILL);
}

CAF_TEST(nothing of a command is there for the next one) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  const auto seconds = host_fixture::unique_seconds();
  attempt("echo x > /tmp/left; echo x > /var/tmp/left; echo x > /dev/shm/left; "
          "(setsid sleep "
          + seconds + " &) ; trap '' TERM; exit 0");
  CAF_CHECK(!host_fixture::runs(seconds));
  CAF_CHECK_EQUAL(says("find /tmp /var/tmp /dev/shm ! -type d; ps -o comm | grep -c sleep; ls"),
                  "0\n");
}

CAF_TEST(an orphan that ends is gone for whoever waits for its end) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  const auto ended = attempt("grep SigBlk /proc/self/status; sh -c 'sleep 1000 & echo $! > pid'; "
                             "kill $(cat pid); while kill -0 $(cat pid) 2> /dev/null; do :; done; "
                             "for i in $(seq 300); do sh -c 'true &'; done; "
                             "while ps -o stat | grep -q Z; do :; done; exit 7",
                             20s);
  CAF_CHECK(ended.why == command_ended::reason::exited);
  CAF_CHECK_EQUAL(ended.exit_code, 7);
  CAF_CHECK_EQUAL(printed(), "SigBlk:\t0000000000000000\n");
}

CAF_TEST(a command can neither reach its runner nor be root) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK_EQUAL(says("grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status; "
                       "ls /proc/1/fd 2>/dev/null || echo hidden; kill -9 1; kill -STOP 1; "
                       "nc local:/.expbuild/socket < /dev/null 2>/dev/null || echo nobody"),
                  "CapEff:\t0000000000000000\nNoNewPrivs:\t1\nhidden\nnobody\n");
}

CAF_TEST(memory that is used up is told apart from a command that fails) {
  options.limits.memory_bytes = 64 << 20;
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK(attempt("exit 137").why == command_ended::reason::exited);
  const auto hog = attempt("head -c 200000000 /dev/zero | tail; exit 0");
  CAF_CHECK(hog.why == command_ended::reason::out_of_memory);
  CAF_CHECK_EQUAL(hog.memory_limit, "memory_limit = 67108864");
  // Files in memory are not freed by killing whoever wrote them.
  CAF_CHECK(attempt("head -c 200000000 /dev/zero > /tmp/x").why
            == command_ended::reason::out_of_memory);
  CAF_CHECK(attempt("true").why == command_ended::reason::exited);
}

CAF_TEST(a command reaches the network that its worker has and no other) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK_EQUAL(says("ls /sys/class/net"), "lo\n");
  if (!has_bridge())
    return;
  options.network = "bridge";
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK_EQUAL(says("ls /sys/class/net"), "eth0\nlo\n");
}

CAF_TEST(what goes of an executor takes nothing from the one that follows it) {
  const auto box_folders = [this] {
    std::set<std::string> names;
    for (const auto& x : std::filesystem::directory_iterator(options.directory))
      if (const auto name = x.path().filename().string(); name.starts_with("box-"))
        names.insert(name);
    return names;
  };
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  const auto before = box_folders();
  CAF_CHECK_EQUAL(before.size(), 1u);
  const auto first = std::move(sut);
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  const auto after = box_folders();
  CAF_CHECK(std::any_of(after.begin(), after.end(), [&](auto& x) { return !before.contains(x); }));
}

CAF_TEST(a timeout and a stop kill everything) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  check_kills();
}

CAF_TEST(a stop before the start is one) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  auto ended = start(command_for("sleep 1000"));
  sut->stop();
  CAF_CHECK(ended.get()->why == command_ended::reason::stopped);
}

CAF_TEST(a container that is removed takes its command with it and is no result) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  const auto seconds = host_fixture::unique_seconds();
  auto ended = start_lasting(seconds);
  wait_until_up();
  for (const auto& id : containers_of("slot"))
    ask("DELETE", "/containers/" + id + "?force=true");
  CAF_CHECK(absl::IsUnavailable(lost.get()));
  CAF_CHECK(ended.empty());
  CAF_CHECK(!host_fixture::runs(seconds));
}

CAF_TEST(a program or an image that is not there is told) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  auto command = command_for("");
  command.arguments = {"/usr/bin/gcc"};
  CAF_CHECK(absl::IsInvalidArgument(start(command).get().status()));
  auto absent = command_for("true");
  absent.image = "localhost:1/none:1";
  CAF_CHECK(absl::IsFailedPrecondition(start(absent).get().status()));
  auto other = command_for("cat /etc/marker; echo $FLAVOUR");
  other.image = other_image;
  CAF_CHECK(start(other).get().ok());
  CAF_CHECK_EQUAL(printed(), "otherother\n");
  CAF_CHECK_EQUAL(attempt("exit 3").exit_code, 3);
}

CAF_TEST(few containers live at a time and none is left) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  for (int i = 0; i < 5; ++i)
    CAF_CHECK_EQUAL(attempt("true").exit_code, 0);
  settle();
  CAF_CHECK_EQUAL(containers_of("slot").size(), 2u); // loopback and next
  sut.reset();
  clear();
  io->stop();
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(options.directory))
    if (entry.path().filename().string().rfind("box", 0) == 0)
      left.push_back(entry.path());
  CAF_CHECK_EQUAL(left, std::vector<std::string>{});
}

CAF_TEST_FIXTURE_SCOPE_END()
