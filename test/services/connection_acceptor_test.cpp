#define CAF_SUITE services.connection_acceptor
#include "services/connection_acceptor.hpp"

#include "services/connection_budget.hpp"

#include <caf/test/unit_test.hpp>

#include <arpa/inet.h>
#include <condition_variable>
#include <mutex>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace expbuild;

namespace {

constexpr int patience_ms = 20'000; // of what must happen

sockaddr_in loopback(int port, const char* address = "127.0.0.1") {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, address, &name.sin_addr);
  return name;
}

unique_fd connect_from(const char* source, int port) {
  unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto own = loopback(0, source);
  const auto other = loopback(port);
  ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&other), sizeof other) != 0)
    return unique_fd();
  return fd;
}

unique_fd connect_to(int port) {
  return connect_from("127.0.0.1", port);
}

/// What the other side does first: greets, closes, or neither.
enum class greeting { hello, closed, none };

greeting hear(const unique_fd& fd) {
  pollfd wait{fd.get(), POLLIN, 0};
  char byte = 0;
  if (::poll(&wait, 1, patience_ms) != 1)
    return greeting::none;
  return ::recv(fd.get(), &byte, 1, 0) == 1 ? greeting::hello : greeting::closed;
}

bool ends(const unique_fd& fd) {
  pollfd wait{fd.get(), POLLIN, 0};
  char byte = 0;
  return ::poll(&wait, 1, patience_ms) == 1 && ::recv(fd.get(), &byte, 1, 0) <= 0;
}

/// Greets every connection and holds it until it is told to let go, as gRPC does: shut down first.
class host {
public:
  void take(unique_fd fd) {
    ::send(fd.get(), "h", 1, MSG_NOSIGNAL);
    const std::lock_guard lock(guard_);
    held_.push_back(std::move(fd));
  }
  void let_one_go() {
    const std::lock_guard lock(guard_);
    ::shutdown(held_.back().get(), SHUT_RDWR);
    held_.pop_back();
  }
  /// Lets go what the client has left.
  void sweep() {
    const std::lock_guard lock(guard_);
    std::vector<unique_fd> staying;
    for (auto& fd : held_) {
      char byte = 0;
      if (::recv(fd.get(), &byte, 1, MSG_DONTWAIT) == 0)
        ::shutdown(fd.get(), SHUT_RDWR);
      else
        staying.push_back(std::move(fd));
    }
    held_ = std::move(staying);
  }

private:
  std::mutex guard_;
  std::vector<unique_fd> held_;
};

struct fixture {
  host holder;
  std::unique_ptr<connection_acceptor> acceptor;

  void serve(std::size_t most, std::size_t most_per_peer) {
    auto made = make_connection_acceptor({.address = "127.0.0.1:0",
                                          .max_connections = most,
                                          .max_connections_per_peer = most_per_peer});
    CAF_REQUIRE(made.ok());
    acceptor = *std::move(made);
    acceptor->start([this](unique_fd fd, int) { holder.take(std::move(fd)); });
  }

  /// Connects until one is greeted: room is made by another thread, which takes its time.
  bool gets_in(int port) {
    for (int i = 0; i < 2000; ++i) {
      if (hear(connect_to(port)) == greeting::hello)
        return true;
      ::usleep(5000);
    }
    return false;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(connection_acceptor_tests, fixture)

CAF_TEST(a connection is handed over) {
  serve(10, 10);
  const auto client = connect_to(acceptor->port());
  CAF_CHECK(hear(client) == greeting::hello);
  CAF_CHECK_EQUAL(acceptor->open(), 1u);
}

CAF_TEST(one above the budget is closed at once) {
  serve(2, 2);
  const auto first = connect_to(acceptor->port());
  const auto second = connect_to(acceptor->port());
  CAF_REQUIRE(hear(first) == greeting::hello);
  CAF_REQUIRE(hear(second) == greeting::hello);
  CAF_CHECK(hear(connect_to(acceptor->port())) == greeting::closed);
  CAF_CHECK_EQUAL(acceptor->refused(), 1u);
  CAF_CHECK_EQUAL(acceptor->open(), 2u);
}

CAF_TEST(a connection that ended makes room for another) {
  serve(1, 1);
  const auto first = connect_to(acceptor->port());
  CAF_REQUIRE(hear(first) == greeting::hello);
  CAF_CHECK(hear(connect_to(acceptor->port())) == greeting::closed);
  holder.let_one_go();
  CAF_CHECK(ends(first));
  CAF_CHECK(gets_in(acceptor->port()));
}

CAF_TEST(one peer can not take what others need) {
  serve(10, 1);
  const auto first = connect_to(acceptor->port());
  CAF_REQUIRE(hear(first) == greeting::hello);
  CAF_CHECK(hear(connect_to(acceptor->port())) == greeting::closed);
  const auto other = connect_from("127.0.0.2", acceptor->port());
  CAF_CHECK(hear(other) == greeting::hello);
}

CAF_TEST(stopping closes the port and leaves connections alone) {
  serve(10, 10);
  const auto client = connect_to(acceptor->port());
  CAF_REQUIRE(hear(client) == greeting::hello);
  acceptor->stop();
  CAF_CHECK(!connect_to(acceptor->port()));
  char byte = 0;
  CAF_CHECK(::recv(client.get(), &byte, 1, MSG_DONTWAIT) < 0); // neither bytes nor the end
}

CAF_TEST(a port that is taken is refused and named) {
  serve(10, 10);
  const auto address = "127.0.0.1:" + std::to_string(acceptor->port());
  const auto second = make_connection_acceptor({.address = address});
  CAF_REQUIRE(!second.ok());
  CAF_CHECK(std::string(second.status().message()).find(address) != std::string::npos);
}

CAF_TEST(an IPv6 address listens where there is IPv6) {
  const auto made = make_connection_acceptor({.address = "[::1]:0"});
  if (!made.ok())
    CAF_MESSAGE("skipped: no IPv6 here: " << std::string(made.status().message()));
  else
    CAF_CHECK((*made)->port() > 0);
}

CAF_TEST(an address that is none is refused) {
  for (const auto* address : {"", "nonsense", "127.0.0.1:", "256.0.0.1:80", "127.0.0.1:99999"})
    CAF_CHECK(!make_connection_acceptor({.address = address}).ok());
}

CAF_TEST(a host counts as one peer however many addresses of its network it uses) {
  const auto peer = [](const char* text) {
    sockaddr_storage x{};
    if (::inet_pton(AF_INET, text, &reinterpret_cast<sockaddr_in&>(x).sin_addr) == 1) {
      x.ss_family = AF_INET;
    } else {
      ::inet_pton(AF_INET6, text, &reinterpret_cast<sockaddr_in6&>(x).sin6_addr);
      x.ss_family = AF_INET6;
    }
    return peer_of(x);
  };
  CAF_CHECK(peer("10.0.0.1") != peer("10.0.0.2"));
  CAF_CHECK(peer("2001:db8:1:2::1") == peer("2001:db8:1:2:ffff::9"));
  CAF_CHECK(peer("2001:db8:1:2::1") != peer("2001:db8:1:3::1"));
  CAF_CHECK(peer("::ffff:10.0.0.1") == peer("10.0.0.1"));
}

CAF_TEST_FIXTURE_SCOPE_END()

// ---- in a process of few descriptors ------------------------------------------------------------

namespace {

/// A child with a limit of 64 descriptors that serves until it is told otherwise. Commands by one
/// byte each, answered by one: 'u' uses up all descriptors, 'f' frees them, 's' lets go what
/// clients have left.
class small_server {
public:
  small_server() {
    int pair[2];
    CAF_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    child_ = ::fork();
    CAF_REQUIRE(child_ >= 0);
    if (child_ == 0) {
      ::close(pair[0]);
      ::_exit(serve(pair[1]));
    }
    ::close(pair[1]);
    control_ = unique_fd(pair[0]);
    CAF_REQUIRE(::read(control_.get(), &port, sizeof port) == sizeof port);
  }
  ~small_server() {
    control_ = unique_fd();
    ::waitpid(child_, nullptr, 0);
  }

  void tell(char command) {
    char answer = 0;
    CAF_REQUIRE(::write(control_.get(), &command, 1) == 1);
    CAF_REQUIRE(::read(control_.get(), &answer, 1) == 1);
  }

  int port = 0;

private:
  static int serve(int control) {
    const rlimit few{64, 64};
    ::setrlimit(RLIMIT_NOFILE, &few);
    host holder;
    auto made = make_connection_acceptor({.address = "127.0.0.1:0"});
    if (!made.ok())
      return 1;
    (*made)->start([&](unique_fd fd, int) { holder.take(std::move(fd)); });
    const int port = (*made)->port();
    ::send(control, &port, sizeof port, MSG_NOSIGNAL);
    std::vector<unique_fd> used_up;
    for (char command = 0; ::read(control, &command, 1) == 1;) {
      if (command == 'u')
        while (used_up.empty() || used_up.back())
          used_up.emplace_back(::dup(control));
      if (command == 'f')
        used_up.clear();
      if (command == 's')
        holder.sweep();
      ::send(control, &command, 1, MSG_NOSIGNAL);
    }
    return 0;
  }

  pid_t child_ = -1;
  unique_fd control_;
};

} // namespace

CAF_TEST(the listener answers again after a flood beyond the limit of descriptors) {
  small_server server;
  std::vector<unique_fd> flood;
  int greeted = 0;
  for (int i = 0; i < 300; ++i) {
    flood.push_back(connect_to(server.port));
    greeted += hear(flood.back()) == greeting::hello ? 1 : 0;
  }
  CAF_CHECK_EQUAL(greeted, 64 / 4);
  flood.clear();
  server.tell('s');
  CAF_CHECK(fixture().gets_in(server.port));
}

CAF_TEST(the listener turns away and survives when there are no descriptors at all) {
  small_server server;
  server.tell('u');
  for (int i = 0; i < 5; ++i)
    CAF_CHECK(hear(connect_to(server.port)) != greeting::hello);
  server.tell('f');
  CAF_CHECK(fixture().gets_in(server.port));
}
