#pragma once
#include <filesystem>
#include <string>
#include <sys/types.h>

namespace expbuild::bench {

/// A re-server with two host workers in a folder of its own, gone with the object.
class server_process {
public:
  /// `program` is re-server.
  explicit server_process(const std::filesystem::path& program);
  ~server_process();
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;

  std::string address() const;
  /// CPU of the server, its runners and the actions that they have run.
  double cpu_seconds() const;
  const std::filesystem::path& folder() const { return folder_; }

private:
  std::filesystem::path folder_;
  int port_ = 0;
  pid_t pid_ = -1;
};

/// One /bin/true by posix_spawn, waited for: what an action costs without any server.
void spawn_true();

} // namespace expbuild::bench
