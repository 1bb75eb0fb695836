#pragma once
#include "test/bench/child_process.hpp"

#include <filesystem>
#include <memory>

namespace expbuild::bench {

/// A re-server with two host workers in a folder of its own, gone with the object.
class server_process {
public:
  /// `program` is re-server; `worker_keys` are further lines of the workers' table.
  server_process(const std::filesystem::path& program, const std::string& worker_keys);
  ~server_process();
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;

  std::string address() const;
  const child_process& process() const { return *process_; }
  const std::filesystem::path& folder() const { return folder_; }

private:
  std::filesystem::path folder_;
  int port_ = 0;
  std::unique_ptr<child_process> process_;
};

} // namespace expbuild::bench
