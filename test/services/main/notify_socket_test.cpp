#define CAF_SUITE services.notify_socket
#include "services/main/notify_socket.hpp"

#include "services/main/service_manager.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace expbuild;
using namespace expbuild::test;

namespace {

/// A manager's socket.
struct listener {
  explicit listener(const std::string& address) : fd(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, address.data(), address.size());
    if (address[0] == '@')
      at.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    CAF_REQUIRE_EQUAL(::bind(fd, reinterpret_cast<const sockaddr*>(&at), size), 0);
  }
  ~listener() { ::close(fd); }
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  /// Empty: nothing has come.
  std::string take() const {
    char text[1024];
    const auto size = ::recv(fd, text, sizeof text, MSG_DONTWAIT);
    return size < 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
  }

  int fd;
};

notify_socket from(const std::string& address, const char* period, const std::string& pid) {
  ::setenv("NOTIFY_SOCKET", address.c_str(), 1);
  ::setenv("WATCHDOG_USEC", period, 1);
  if (!pid.empty())
    ::setenv("WATCHDOG_PID", pid.c_str(), 1);
  auto made = notify_socket::from_environment();
  CAF_REQUIRE(made.ok());
  return *std::move(made);
}

} // namespace

CAF_TEST(what is sent arrives at a path and at an abstract name) {
  const temporary_folder folder;
  for (const auto& address :
       {(folder.path() / "notify").string(), "@expbuild-notify-" + std::to_string(::getpid())}) {
    const listener manager(address);
    auto socket = notify_socket::open(address);
    CAF_REQUIRE(socket.ok());
    socket->send("READY=1");
    CAF_CHECK_EQUAL(manager.take(), "READY=1");
  }
}

CAF_TEST(the environment says where and how often and is clean afterwards) {
  const temporary_folder folder;
  const auto address = (folder.path() / "notify").string();
  const listener manager(address);
  const auto mine = from(address, "3000000", std::to_string(::getpid()));
  CAF_CHECK(mine.is_open());
  CAF_CHECK(mine.watchdog == std::chrono::seconds(3));
  for (const auto* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
    CAF_CHECK(std::getenv(name) == nullptr);
  CAF_CHECK(from(address, "3000000", "").watchdog == std::chrono::seconds(3));
  CAF_CHECK(from(address, "3000000", "1").watchdog.count() == 0); // of another process
  for (const auto* nonsense : {"", "0", "-5", "5x", "99999999999999999999"})
    CAF_CHECK(from(address, nonsense, "").watchdog.count() == 0);
}

CAF_TEST(without a manager nothing is sent) {
  const auto none = notify_socket::from_environment();
  CAF_REQUIRE(none.ok());
  CAF_CHECK(!none->is_open());
  none->send("READY=1");
  service_manager nobody{notify_socket()};
  CAF_CHECK(!nobody.pause());
  nobody.look_after();
  nobody.stopping();
}

CAF_TEST(an address that is none is told) {
  for (const auto& bad : {std::string("relative"), std::string("@"), std::string("/"),
                          "/" + std::string(200, 'x'), std::string("/nowhere/notify")})
    CAF_CHECK(!notify_socket::open(bad).ok());
}

CAF_TEST(a manager that does not listen makes nobody wait) {
  const std::string address = "@expbuild-deaf-" + std::to_string(::getpid());
  const listener manager(address);
  auto socket = notify_socket::open(address);
  CAF_REQUIRE(socket.ok());
  for (int i = 0; i < 10'000; ++i) // far more than its queue holds
    socket->send("WATCHDOG=1");
  CAF_CHECK_EQUAL(manager.take(), "WATCHDOG=1");
}

CAF_TEST(the status line counts) {
  scheduler_stats x;
  x.running = 142;
  x.queued = 12;
  x.workers.resize(8);
  CAF_CHECK_EQUAL(status_line(x), "142 running, 12 queued, 8 workers");
  x.workers.resize(1);
  CAF_CHECK_EQUAL(status_line(x), "142 running, 12 queued, 1 worker");
}
