#pragma once
#include <cstdint>
#include <string>
#include <utility>

namespace expbuild {

/// While it lives, the lines that its thread writes are about this action: they carry its digest,
/// its operation and its trace (0: the one that the thread stands in). Made where a line is
/// written, not around work; the innermost one counts.
class log_about {
public:
  explicit log_about(std::string action, std::string operation = {}, std::uint64_t trace = 0)
      : action_(std::move(action)), operation_(std::move(operation)), trace_(trace),
        outer_(std::exchange(innermost_, this)) {}
  ~log_about() { innermost_ = outer_; }
  log_about(const log_about&) = delete;
  log_about& operator=(const log_about&) = delete;

  const std::string& action() const noexcept { return action_; }
  const std::string& operation() const noexcept { return operation_; }

  std::uint64_t trace() const noexcept { return trace_; }

  /// Of this thread; null: its lines are about no action.
  static const log_about* current() noexcept { return innermost_; }

private:
  inline static thread_local const log_about* innermost_ = nullptr;

  const std::string action_;
  const std::string operation_;
  const std::uint64_t trace_;
  const log_about* const outer_;
};

} // namespace expbuild
