#pragma once
#include "actors/worker/executor.hpp"

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace expbuild {

/// One request to a container engine: the Docker Engine API, version 1.41 (Docker 20.10) and later.
struct engine_request {
  std::string method = "GET";
  std::string target;    ///< without the version: "/containers/json?all=1"
  std::string body = {}; ///< JSON, or empty
  /// For the whole exchange, its connection included; of a stream: between two pieces of it.
  std::chrono::milliseconds limit{30'000};
};

struct engine_answer {
  unsigned status = 0; ///< of HTTP
  std::string body;

  bool ok() const noexcept { return status >= 200 && status < 300; }
  /// What the engine says of its refusal, for people.
  std::string message() const;
};

struct engine_client_options {
  std::filesystem::path socket = "/var/run/docker.sock";
  std::size_t max_answer_bytes = 16 << 20;
};

/// Speaks HTTP with the engine over its Unix socket, one connection an exchange. An answer of any
/// HTTP status is an answer; errors are UNAVAILABLE (the engine can not be reached, or went away
/// in the middle), DEADLINE_EXCEEDED and RESOURCE_EXHAUSTED (an answer that is too large), each
/// with the request and the socket in words. Any thread; callbacks run on the thread that it was
/// made for, once, and never after the client has gone.
class engine_client {
public:
  virtual ~engine_client() = default;

  using on_answer = std::function<void(absl::StatusOr<engine_answer>)>;
  virtual void call(engine_request request, on_answer answer) = 0;

  /// Follows an answer without end (events) or with one (a pull), JSON object by JSON object, each
  /// in a line. `on_end`: OK when the engine ended it well; an answer other than 2xx is UNAVAILABLE
  /// with what the engine says. Ends early, without a word, when what is returned goes.
  class subscription {
  public:
    virtual ~subscription() = default;
  };
  using on_line = std::function<void(const std::string&)>;
  using on_end = std::function<void(absl::Status)>;
  virtual std::shared_ptr<subscription> follow(engine_request request, on_line line,
                                               on_end end) = 0;
};

/// `thread` outlives it. Its end blocks until the thread has let go: not to be on that thread.
std::unique_ptr<engine_client> make_engine_client(execution_thread& thread,
                                                  engine_client_options options);

/// The socket that DOCKER_HOST names ("unix:///path", or empty for the usual place).
/// INVALID_ARGUMENT for a host that is no Unix socket: tcp:// would be the whole machine's root
/// without a password, and is not spoken here.
absl::StatusOr<std::filesystem::path> engine_socket(const std::string& docker_host);

} // namespace expbuild
