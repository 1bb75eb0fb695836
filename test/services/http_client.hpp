#pragma once
#include "test/services/fixture.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace expbuild::test {

/// A plain socket: says what it is told and shows what comes back.
class http_client {
public:
  /// `kept`: so many bytes that it has not read are kept for it, roughly; 0: as the system likes.
  explicit http_client(int port, int kept = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (kept > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &kept, sizeof kept);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CAF_REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  }
  ~http_client() { ::close(fd_); }
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// False when the server takes no more.
  bool send(const std::string& text) {
    for (std::size_t done = 0; done < text.size();) {
      const auto n = ::send(fd_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
      if (n <= 0)
        return false;
      done += static_cast<std::size_t>(n);
    }
    return true;
  }
  /// One answer, with a body of the length that its head says (none when `head_only`).
  std::string reply(bool head_only = false) {
    while (!contains(read_, "\r\n\r\n") && more()) {
    }
    const auto body = read_.find("\r\n\r\n") + 4;
    const auto told = read_.find("Content-Length: ");
    const auto length = head_only || told > body ? 0 : std::stoul(read_.substr(told + 16));
    while (read_.size() < body + length && more()) {
    }
    auto answer = read_.substr(0, body + length);
    read_.erase(0, answer.size());
    return answer;
  }
  /// What comes until this text, and it.
  std::string until(const std::string& text) {
    while (!contains(read_, text) && more()) {
    }
    const auto end = std::min(read_.size(), read_.find(text) + text.size());
    auto found = read_.substr(0, end);
    read_.erase(0, end);
    return found;
  }
  /// The next bytes, up to so many; none: the server has closed.
  std::string some(std::size_t most) {
    if (read_.empty())
      more();
    auto found = read_.substr(0, most);
    read_.erase(0, found.size());
    return found;
  }
  /// Says no more.
  void finish() { ::shutdown(fd_, SHUT_WR); }
  /// Everything until the server closes.
  std::string rest() {
    while (more()) {
    }
    return std::exchange(read_, {});
  }
  std::string ask(const std::string& method, const std::string& target,
                  const std::string& host = "localhost") {
    send(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    return rest();
  }

private:
  bool more() {
    char piece[65536];
    const auto n = ::recv(fd_, piece, sizeof piece, 0);
    if (n > 0)
      read_.append(piece, static_cast<std::size_t>(n));
    return n > 0;
  }

  int fd_;
  std::string read_;
};

inline bool begins(const std::string& text, const std::string& with) {
  return text.rfind(with, 0) == 0;
}

inline std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

} // namespace expbuild::test
