#define CAF_SUITE worker.sandbox
#include "test/worker/sandbox_fixture.hpp"

#include <csignal>
#include <netinet/in.h>
#include <sys/un.h>

using namespace expbuild;
using namespace expbuild::test;

namespace {

/// A service of the host: on a port of its loopback, and under an abstract name.
struct host_service {
  unique_fd tcp{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  unique_fd local{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  int port = 0;
  std::string name = "expbuild-test-" + std::to_string(::getpid());

  host_service() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    CAF_REQUIRE(::bind(tcp.get(), generic, length) == 0 && ::listen(tcp.get(), 8) == 0);
    CAF_REQUIRE(::getsockname(tcp.get(), generic, &length) == 0);
    port = ntohs(address.sin_port);
    sockaddr_un abstract{};
    abstract.sun_family = AF_UNIX;
    name.copy(abstract.sun_path + 1, name.size());
    const auto size = offsetof(sockaddr_un, sun_path) + 1 + name.size();
    CAF_REQUIRE(::bind(local.get(), reinterpret_cast<sockaddr*>(&abstract), size) == 0);
    CAF_REQUIRE(::listen(local.get(), 8) == 0);
  }

  std::string connect_tcp() const {
    return "perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); print connect(S, "
           "sockaddr_in("
           + std::to_string(port) + ", INADDR_LOOPBACK)) ? \"reached\" : $!'";
  }
  std::string connect_local() const {
    return "perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0); print connect(S, "
           "pack(\"S a*\", 1, \"\\0"
           + name + "\")) ? \"reached\" : $!'";
  }
};

/// Serves and fetches within one command; the server closes first, which leaves TIME_WAIT behind.
const std::string loopback_service =
    "perl -MSocket -e 'socket(L, PF_INET, SOCK_STREAM, 0); "
    "bind(L, sockaddr_in(7777, INADDR_LOOPBACK)) or die \"bind: $!\"; listen(L, 1); "
    "if (!fork) { socket(C, PF_INET, SOCK_STREAM, 0); "
    "connect(C, sockaddr_in(7777, INADDR_LOOPBACK)) or die \"connect: $!\"; print <C>; exit 0 } "
    "accept(A, L); syswrite(A, \"served\\n\"); close(A); wait'";

/// Control groups with the name of that runner's, anywhere. Other programs make and remove groups
/// meanwhile: a folder that goes while it is read ends the look at that folder, not all of it.
std::size_t groups_of(std::int64_t runner, const std::filesystem::path& below = "/sys/fs/cgroup") {
  std::size_t count = 0;
  std::error_code gone;
  for (std::filesystem::directory_iterator i(below, gone); !gone && i != end(i);
       i.increment(gone)) {
    std::error_code ignored;
    if (i->is_directory(ignored))
      count += (i->path().filename() == "expbuild-" + std::to_string(runner) ? 1 : 0)
               + groups_of(runner, i->path());
  }
  return count;
}

std::size_t mounts_in(const std::string& folder) {
  std::size_t count = 0;
  const auto mounts = read_text("/proc/self/mounts");
  for (auto at = mounts.find(folder); at != std::string::npos; at = mounts.find(folder, at + 1))
    ++count;
  return count;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(sandbox_tests, sandbox_fixture)

CAF_TEST(a command has its inputs the system and places to write) {
  if (!reopen())
    return;
  write_text(own / "input", "input\n");
  CAF_CHECK_EQUAL(says("cat input; pwd; echo x > output; cat output; echo t > /tmp/t; cat /tmp/t"),
                  "input\n/build\nx\nt\n");
  CAF_CHECK_EQUAL(read_text(own / "output"), "x\n");
  CAF_CHECK_EQUAL(says("head -c 3 /dev/zero | wc -c; echo x > /dev/null; echo y >> /dev/stdout; "
                       "test -c /dev/pts/ptmx && ls -l /dev/fd | wc -w; umask"),
                  "3\ny\n11\n0022\n");
  CAF_CHECK_EQUAL(says("gcc --version > /dev/null && echo toolchain; awk 'BEGIN { print 1 }'"),
                  "toolchain\n1\n");
}

CAF_TEST(loopback works and reaches nothing of the host) {
  if (!reopen())
    return;
  const host_service service;
  CAF_CHECK_EQUAL(says(service.connect_tcp()), "Connection refused");
  CAF_CHECK_EQUAL(says(service.connect_local()), "Connection refused");
  CAF_CHECK_EQUAL(says(loopback_service), "served\n");
  CAF_CHECK_EQUAL(says("uname -n; tail -n +3 /proc/net/dev | cut -d: -f1"), "localhost\n    lo\n");
}

CAF_TEST(a command finds every port free whatever the one before it did) {
  if (!reopen())
    return;
  CAF_CHECK_EQUAL(says(loopback_service), "served\n");
  CAF_CHECK_EQUAL(says(loopback_service), "served\n");
}

CAF_TEST(with the network of the host its services are reached) {
  sandbox.host_network = true;
  if (!reopen())
    return;
  const host_service service;
  CAF_CHECK_EQUAL(says(service.connect_tcp()), "reached");
  CAF_CHECK_EQUAL(says(service.connect_local()), "reached");
}

CAF_TEST(shared memory semaphores and queues end with their command) {
  if (!reopen())
    return;
  CAF_CHECK_EQUAL(says("ipcmk -M 4096 > /dev/null; ipcmk -S 2 > /dev/null; ipcmk -Q > /dev/null; "
                       "cat /proc/sysvipc/* | wc -l"),
                  "6\n");
  CAF_CHECK_EQUAL(says("cat /proc/sysvipc/* | wc -l"), "3\n"); // headings
}

CAF_TEST(what the worker makes readable is there and read only) {
  sandbox.readable_paths = {"/var/lib/dpkg", "/sys/kernel/uevent_seqnum"};
  if (!reopen())
    return;
  CAF_CHECK(says("head -c 7 /var/lib/dpkg/status").rfind("Package", 0) == 0);
  CAF_CHECK(says("cat /sys/kernel/uevent_seqnum").find("No such") == std::string::npos);
  CAF_CHECK(says("touch /var/lib/dpkg/new").find("Read-only") != std::string::npos);
  CAF_CHECK_EQUAL(says("ls /sys /sys/kernel"), "/sys:\nkernel\n\n/sys/kernel:\nuevent_seqnum\n");
}

CAF_TEST(a path to read that is not there is told by its key) {
  sandbox.readable_paths = {"/no/such/tools"};
  const auto status = open(runner_program());
  CAF_CHECK(absl::IsUnavailable(status));
  CAF_CHECK(std::string(status.message()).find("'readable_paths'") != std::string::npos);
  CAF_CHECK(std::string(status.message()).find("/no/such/tools") != std::string::npos);
  sut.reset();
}

CAF_TEST(without isolation a command sees the host and still dies with all it started) {
  sandbox.namespaces = false;
  sandbox.host_network = true;
  sandbox.max_processes = 0;
  CAF_REQUIRE_EQUAL(open(runner_program()), absl::OkStatus());
  const host_service service;
  write_text(folder.path() / "file", "of the host");
  CAF_CHECK_EQUAL(says("cat " + (folder.path() / "file").string()), "of the host");
  CAF_CHECK_EQUAL(says(service.connect_tcp()), "reached");
  const auto seconds = unique_seconds();
  attempt("setsid sleep " + seconds + " &");
  CAF_CHECK(!runs(seconds));
  sut.reset(); // what the fixture checks is isolation
}

CAF_TEST(a system that refuses namespaces is never taken for one that gives them) {
  if (::geteuid() != 0) {
    CAF_MESSAGE("skipped: not root");
    return;
  }
  const auto powerless = folder.path() / "runner";
  write_text(powerless,
             std::string("#!/bin/sh\nexec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin ")
                 + runner_program() + "\n");
  std::filesystem::permissions(powerless, std::filesystem::perms(0755));
  const auto can = probe_host(thread, options(powerless));
  CAF_REQUIRE(can.ok());
  CAF_CHECK(can->lacks.at("isolation").find("Operation not permitted") != std::string::npos);
  CAF_CHECK(can->lacks.contains("network"));
  CAF_CHECK(!can->overlays && !can->no_overlays.empty());
  const auto status = open(powerless);
  CAF_CHECK(absl::IsUnavailable(status));
  CAF_CHECK(std::string(status.message()).find("'isolation'") != std::string::npos);
  sandbox.namespaces = false;
  sandbox.host_network = true;
  CAF_REQUIRE_EQUAL(open(powerless), absl::OkStatus());
  CAF_CHECK_EQUAL(says("echo works"), "works\n");
  sut.reset();
}

CAF_TEST(what was demanded is refused and the rest becomes weaker in words) {
  host_abilities can;
  can.lacks = {{"isolation", "a reason"}, {"network", "another"}};
  std::vector<std::string> warnings;
  const auto weaker = settle({}, {}, can, warnings);
  CAF_REQUIRE(weaker.ok());
  CAF_CHECK(!weaker->namespaces && weaker->host_network);
  CAF_CHECK_EQUAL(weaker->max_processes, 4096u);
  CAF_REQUIRE_EQUAL(warnings.size(), 2u);
  CAF_CHECK(warnings[0].find("a reason") != std::string::npos);
  const auto refused = settle({}, {"isolation"}, can, warnings);
  CAF_CHECK(absl::IsFailedPrecondition(refused.status()));
  CAF_CHECK(std::string(refused.status().message()).find("'isolation'") != std::string::npos);
  CAF_CHECK(std::string(refused.status().message()).find("a reason") != std::string::npos);
  can.lacks = {{"readable_paths", "a reason"}}; // nothing can take its place
  CAF_CHECK(absl::IsFailedPrecondition(settle({}, {}, can, warnings).status()));
}

CAF_TEST(a runner leaves no mount and no group behind however it ends) {
  if (!reopen())
    return;
  const auto first = sut->pid();
  attempt("true");
  CAF_CHECK_EQUAL(mounts_in(folder.path()), 0u);
  sut.reset();
  CAF_CHECK(wait_gone(static_cast<pid_t>(first)));
  CAF_REQUIRE_EQUAL(open(runner_program()), absl::OkStatus());
  CAF_CHECK_EQUAL(groups_of(first), 0u);
  const auto second = sut->pid();
  if (::geteuid() == 0)
    CAF_CHECK(groups_of(second) > 0);
  const auto seconds = unique_seconds();
  auto box = start({"/bin/sh", "-c", announced("setsid sleep " + seconds)});
  wait_until_up();
  ::kill(static_cast<pid_t>(second), SIGKILL);
  CAF_CHECK(absl::IsUnavailable(lost.get()));
  CAF_CHECK(!runs(seconds));
  CAF_CHECK_EQUAL(groups_of(second), 0u);
  CAF_CHECK_EQUAL(mounts_in(folder.path()), 0u);
  sut.reset();
}

CAF_TEST_FIXTURE_SCOPE_END()
