#pragma once
#include "test/bench/child_process.hpp"

#include <filesystem>
#include <memory>

namespace expbuild::bench {

/// Two host workers, with further lines of their table.
std::string host_workers(const std::string& keys = {});

/// Two Docker workers at the test engine whose image has nothing: the programs are the host's.
std::string docker_workers(const std::string& keys);

/// The socket of the engine that `test/docker/engine.py run` started; empty: there is none.
std::string test_engine();

/// A re-server in a folder of its own, gone with the object.
class server_process {
public:
  /// `program` is re-server; `workers` end its configuration, FOLDER in them is its folder;
  /// `cas_keys` are further lines of [storage.cas].
  server_process(const std::filesystem::path& program, std::string workers,
                 const std::string& cas_keys = {});
  ~server_process();
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;

  std::string address() const;

  /// Ends the program.
  void stop() { process_.reset(); }

  /// Starts it again on the same folder; it takes connections when this returns.
  void start();
  const child_process& process() const { return *process_; }
  const std::filesystem::path& folder() const { return folder_; }

private:
  std::filesystem::path folder_;
  std::vector<std::string> command_;
  int port_ = 0;
  std::unique_ptr<child_process> process_;
};

} // namespace expbuild::bench
