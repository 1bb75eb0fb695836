#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace expbuild {

/// How far a host worker keeps its commands apart from the host and from each other. 0: no limit.
struct host_sandbox {
  /// A private root, no capability, few system calls; false: a process like any other, of another
  /// user perhaps, in a pid namespace where the system has some. The next five fields need it.
  bool namespaces = true;
  bool host_network = false;                         ///< else loopback only
  std::vector<std::filesystem::path> readable_paths; ///< of the host, beside its programs and /etc
  std::uint64_t max_tmp_bytes = std::uint64_t{2} << 30; ///< /tmp, /var/tmp and /dev/shm together
  bool allow_ptrace = false;

  std::uint32_t max_processes = 4096; ///< at once, threads counted as processes
  std::uint64_t max_memory_bytes = 0; ///< of all processes and the files in /tmp
  std::uint64_t max_output_bytes = std::uint64_t{100} << 30; ///< of one file; SIGXFSZ

  /// A folder on the filesystem of the attempts, to try in whether overlays work; empty: none do.
  std::filesystem::path scratch;
};

} // namespace expbuild
