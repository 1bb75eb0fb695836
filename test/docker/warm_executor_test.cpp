#define CAF_SUITE docker.warm
#include "test/docker/docker_fixture.hpp"

#include <csignal>

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

struct warm_fixture : docker_fixture {
  warm_fixture() {
    make = [this] { return make_warm_executor(thread, engine, options); };
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(warm_tests, warm_fixture)

CAF_TEST(a command runs in the image as the user that was asked for) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK_EQUAL(says("id -u; id -g; pwd; cat /etc/passwd; echo made > out"),
                  "1000\n1000\n/build\nroot:x:0:0:root:/:/bin/sh\n");
  CAF_CHECK_EQUAL(read_text(own / "out"), "made\n");
  CAF_CHECK_EQUAL(attempt("exit 7").exit_code, 7);
  CAF_CHECK_EQUAL(attempt("kill -9 $$").exit_code, 128 + SIGKILL);
  CAF_CHECK_EQUAL(containers_of("slot").size(), 1u);
}

CAF_TEST(the image and the volumes say what a command sees and not the host) {
  write_text(folder.path() / "tools/tool", "a tool");
  std::filesystem::create_directories(folder.path() / "cache");
  std::filesystem::permissions(folder.path() / "cache", std::filesystem::perms(0777));
  options.volumes = {{folder.path() / "tools", "/tools", true},
                     {folder.path() / "cache", "/cache", false}};
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK_EQUAL(
      says("cat /tools/tool; echo kept > /cache/it; (echo x > /tools/no) 2>/dev/null || "
           "echo refused"),
      "a toolrefused\n");
  CAF_CHECK_EQUAL(read_text(folder.path() / "cache/it"), "kept\n");
  CAF_CHECK_EQUAL(says("ls -d /usr /home /var/lib /run 2>/dev/null; ls / | tr '\\n' ' '"),
                  "bin build cache dev etc proc sys tmp tools var ");
  CAF_CHECK_EQUAL(says("for x in / /etc /bin /dev /sys /proc /var; do touch $x/new 2>/dev/null && "
                       "echo $x; done; echo fine"),
                  "fine\n");
}

CAF_TEST(what a variable of the image says holds unless the command says otherwise) {
  options.image = other_image;
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK_EQUAL(says("echo $FLAVOUR; cat /etc/marker"), "other\nother");
  auto command = command_for("echo $FLAVOUR");
  command.environment.emplace_back("FLAVOUR", "mine");
  CAF_CHECK(start(command).get().ok());
  CAF_CHECK_EQUAL(printed(), "mine\n");
}

CAF_TEST(nothing of a command is there for the next one) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  const auto seconds = host_fixture::unique_seconds();
  attempt("echo x > /tmp/left; echo x > /var/tmp/left; echo x > /dev/shm/left; "
          "(setsid sleep "
          + seconds + " &) ; mkfifo /tmp/fifo; trap '' TERM; exit 0");
  CAF_CHECK(!host_fixture::runs(seconds));
  CAF_CHECK_EQUAL(says("find /tmp /var/tmp /dev/shm ! -type d; ps -o comm | grep -c sleep"), "0\n");
  CAF_CHECK_EQUAL(says("ls /build; cat /proc/sys/kernel/shmmni > /dev/null; ls /dev/mqueue"), "");
  CAF_CHECK_EQUAL(says("cat /proc/sysvipc/shm /proc/sysvipc/msg /proc/sysvipc/sem | wc -l"), "3\n");
  CAF_CHECK_EQUAL(containers_of("slot").size(), 1u); // the same one all the time
}

CAF_TEST(a command has no right that the image does not give) {
  options.identity = {0, 0}; // root in the image, as a configuration may demand
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK_EQUAL(says("grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status"),
                  "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n");
  CAF_CHECK_EQUAL(
      says("for x in / /etc /bin /dev /var /sys; do touch $x/new 2>/dev/null && echo $x; "
           "done; echo 1 > /proc/sys/vm/drop_caches || mount -t tmpfs x /tmp || "
           "chroot / /bin/true || echo refused"),
      "sh: can't create /proc/sys/vm/drop_caches: Read-only file system\n"
      "mount: permission denied (are you root?)\n"
      "chroot: can't change root directory to '/': Operation not permitted\nrefused\n");
}

CAF_TEST(limits of the container hold for what is put into it) {
  options.limits.memory_bytes = 64 << 20;
  options.limits.max_processes = 50;
  options.limits.cpus = 0.5;
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK(attempt("exit 137").why == command_ended::reason::exited);
  const auto hog = attempt("head -c 200000000 /dev/zero | tail; exit 0");
  CAF_CHECK(hog.why == command_ended::reason::out_of_memory);
  CAF_CHECK_EQUAL(hog.memory_limit, "memory_limit = 67108864");
  CAF_CHECK(hog.memory_peak_bytes > (60 << 20) && hog.memory_peak_bytes <= (64 << 20));
  CAF_CHECK(attempt("true").why == command_ended::reason::exited);
  CAF_CHECK(says("i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; echo survived")
                .find("fork")
            != std::string::npos);
  const auto spinner = attempt("timeout 1 sh -c 'while :; do :; done'");
  // Its start may be heard of late, and its end.
  const auto lasted = std::max<std::chrono::nanoseconds>(spinner.ended_at - spinner.started_at,
                                                         std::chrono::seconds(1));
  CAF_CHECK(spinner.user_time + spinner.system_time < lasted * 3 / 4); // on half a core
}

CAF_TEST(a command reaches the network that its worker has and no other) {
  const auto interfaces =
      "tail -n +3 /proc/net/dev | sed 's/:.*//' | tr -d ' ' | sort | tr '\\n' ' '";
  // The listener speaks: whoever has nothing to say hangs up first, with busybox's nc.
  const auto talk =
      "nc -l -p 4711 -e echo hi & { until nc 127.0.0.1 4711 < /dev/null; do :; done; } "
      "2> /dev/null; wait";
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK_EQUAL(says(interfaces), "lo ");
  CAF_CHECK_EQUAL(says(talk), "hi\n");
  CAF_CHECK_EQUAL(says(talk), "hi\n");
  if (!has_bridge())
    return;
  options.network = "bridge";
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK_EQUAL(says(interfaces), "eth0 lo ");
  options.network = "host";
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK(says(interfaces).find("docker0") != std::string::npos);
}

CAF_TEST(a timeout and a stop kill everything and the container serves on) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  check_kills();
  CAF_CHECK_EQUAL(attempt("exit 3").exit_code, 3);
}

CAF_TEST(a program that is not in the image is the fault of the command) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  auto command = command_for("");
  command.arguments = {"/usr/bin/gcc"};
  const auto ended = start(command).get();
  CAF_CHECK(absl::IsInvalidArgument(ended.status()));
  CAF_CHECK(std::string(ended.status().message()).find("cannot start /usr/bin/gcc: No such file")
            != std::string::npos);
}

CAF_TEST(a container that is removed takes its command with it and is no result) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  const auto seconds = host_fixture::unique_seconds();
  auto ended = start_lasting(seconds);
  wait_until_up();
  CAF_CHECK_EQUAL(
      ask("DELETE", "/containers/" + containers_of("slot").at(0) + "?force=true").status, 204u);
  const auto why = lost.get();
  CAF_CHECK(absl::IsUnavailable(why));
  CAF_CHECK(std::string(why.message()).find("container") != std::string::npos);
  CAF_CHECK(ended.empty());
  CAF_CHECK(!host_fixture::runs(seconds));
}

CAF_TEST(an image that nobody has is told with what the engine says) {
  options.image = "localhost:1/none:1";
  const auto status = open();
  CAF_CHECK(absl::IsFailedPrecondition(status));
  const std::string text(status.message());
  CAF_CHECK(text.find("localhost:1/none:1") != std::string::npos);
  CAF_CHECK(text.find("connection refused") != std::string::npos);
}

CAF_TEST(a command that wants another image gets it and one that is not there keeps the container) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  auto other = command_for("cat /etc/marker");
  other.image = other_image;
  CAF_CHECK(start(other).get().ok());
  CAF_CHECK_EQUAL(printed(), "other");
  const auto container = sut->pid();
  auto absent = command_for("true");
  absent.image = "localhost:1/none:1";
  CAF_CHECK(absl::IsFailedPrecondition(start(absent).get().status()));
  CAF_CHECK(start(other).get().ok());
  CAF_CHECK_EQUAL(sut->pid(), container);
  CAF_CHECK_EQUAL(says("cat /etc/marker || echo none"),
                  "cat: can't open '/etc/marker': No such file or directory\nnone\n");
}

CAF_TEST(containers of an earlier life are gone before the first command) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  const auto first = containers_of("slot");
  box<absl::StatusOr<running_container>> left;
  engine.boxes->run(
      [this] {
        auto spec = common_spec(options, test_image);
        spec.command = {"/.expbuild/re-runner", "--idle"};
        return spec;
      }(),
      left.callback());
  CAF_REQUIRE(left.get().ok());
  CAF_CHECK_EQUAL(containers_of("slot").size(), 2u);
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  CAF_CHECK_EQUAL(containers_of("slot").size(), 1u);
  CAF_CHECK(containers_of("slot") != first);
}

CAF_TEST(an overlay of inputs is seen in the container) {
  CAF_REQUIRE_EQUAL(open().ToString(), "OK");
  const auto top = options.directory / "attempt-o";
  for (const auto* name : {"lower", "upper", "work", "root"}) {
    std::filesystem::create_directories(top / name);
    CAF_REQUIRE(::chown((top / name).c_str(), 1000, 1000) == 0);
  }
  write_text(top / "lower/input", "given");
  auto command = command_for("cat input; echo more > input; echo out > output");
  command.root = command.directory = top / "root";
  command.overlay = overlay_spec{top / "lower", top / "upper", top / "work", top / "root"};
  const auto ended = start(command).get();
  CAF_REQUIRE_EQUAL(ended.status().ToString(), "OK");
  CAF_CHECK_EQUAL(ended->exit_code, 0);
  CAF_CHECK_EQUAL(printed(), "given");
  CAF_CHECK_EQUAL(read_text(top / "lower/input"), "given");
  CAF_CHECK_EQUAL(read_text(top / "upper/output"), "out\n");
}

CAF_TEST_FIXTURE_SCOPE_END()
