#pragma once
#include "actors/worker/runner/problem.hpp"

#include <linux/filter.h>
#include <vector>

namespace expbuild::runner {

/// What no build or test needs and what kernels have been broken with: EPERM. See the .cpp for the
/// list. System calls of another architecture (32-bit programs) end the process.
class syscall_filter {
public:
  /// `allow_ptrace`: debuggers and LeakSanitizer work, on the command's own processes.
  explicit syscall_filter(bool allow_ptrace);

  /// For this process and its descendants, for good. Needs PR_SET_NO_NEW_PRIVS.
  problem install() const;

private:
  void deny(unsigned call);
  void deny_flags(unsigned call, unsigned argument, unsigned flags);
  void deny_values(unsigned call, unsigned argument, const std::vector<unsigned>& values);
  void allow_values(unsigned call, unsigned argument, const std::vector<unsigned>& values);
  void check_sockets();

  std::vector<sock_filter> program_;
};

} // namespace expbuild::runner
