#pragma once
#include "storage/posix.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <functional>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace expbuild::test {

/// One connection to the scripted engine, as its script sees it.
class engine_connection {
public:
  explicit engine_connection(unique_fd fd) : fd_(std::move(fd)) {}

  /// The request: its head, and its body as far as Content-Length says.
  std::string request() {
    std::string text;
    for (;;) {
      const auto head = text.find("\r\n\r\n");
      if (head != std::string::npos) {
        const auto at = text.find("Content-Length: ");
        const auto body = at < head ? std::stoul(text.substr(at + 16)) : 0;
        if (text.size() >= head + 4 + body)
          return text;
      }
      char buffer[4096];
      const auto n = ::read(fd_.get(), buffer, sizeof buffer);
      if (n <= 0)
        return text;
      text.append(buffer, static_cast<std::size_t>(n));
    }
  }

  void send(const std::string& bytes) {
    [[maybe_unused]] const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  void answer(int status, const std::string& body) {
    send("HTTP/1.1 " + std::to_string(status)
         + " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  void begin_chunks() { send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); }
  void chunk(const std::string& bytes) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    send(size + bytes + "\r\n");
  }

  /// Until the other side has closed; false when it does not.
  bool wait_closed() {
    pollfd waits{fd_.get(), POLLIN, 0};
    char nothing = 0;
    while (::poll(&waits, 1, 20'000) == 1)
      if (::read(fd_.get(), &nothing, 1) <= 0)
        return true;
    return false;
  }

private:
  unique_fd fd_;
};

/// A container engine that does what the test says: what a real one can not be made to do.
class scripted_engine {
public:
  using script = std::function<void(engine_connection&)>;

  explicit scripted_engine(script what) : script_(std::move(what)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket().string().copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = unique_fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CAF_REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0
                && ::listen(listener_.get(), 64) == 0);
    thread_ = std::thread([this] { run(); });
  }

  ~scripted_engine() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    for (auto& each : connections_)
      each.join();
  }

  std::filesystem::path socket() const { return folder_.path() / "engine.sock"; }

private:
  void run() {
    for (;;) {
      unique_fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd)
        return;
      connections_.emplace_back(
          [this, connection = engine_connection(std::move(fd))]() mutable { script_(connection); });
    }
  }

  const temporary_folder folder_;
  const script script_;
  unique_fd listener_;
  std::vector<std::thread> connections_; // of the accepting thread, then of the destructor
  std::thread thread_;
};

} // namespace expbuild::test
