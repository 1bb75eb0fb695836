#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace expbuild::bench {

/// One row of the table.
struct sample {
  std::string what;
  double per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
  double cpu_us = 0; ///< of server, runners and actions together, an operation
  double ratio = 0;  ///< to the limit that `limit` names; 0: it has none
  std::string limit; ///< "itself" for what is a limit
};

/// CPU seconds that a process has used, with the children that it has reaped.
double cpu_seconds(pid_t process);

/// CPU seconds that this machine has spent on anything at all, this process excepted: for work that
/// many processes share in, which come and go.
double busy_seconds();

/// Runs `work` `count` times on `threads` threads; `cpu` is asked before and after.
sample measure(const std::string& what, std::size_t count, std::size_t threads,
               const std::function<void(std::size_t)>& work, const std::function<double()>& cpu);

void print_table(const std::vector<sample>& rows);

} // namespace expbuild::bench
