#pragma once
#include <mutex>
#include <shared_mutex>

namespace expbuild {

/// Between the append of a record and the index's knowing of it (or of what it removed), nobody who
/// moves records may decide about its key. Who appends holds the gate, any number at a time; who
/// moves closes it for as long as it takes to ask the index and to append. Safe on any thread.
class move_gate {
public:
  using closed = std::unique_lock<std::shared_mutex>;

  std::shared_lock<std::shared_mutex> enter() {
    const std::lock_guard turn(turn_);
    return std::shared_lock(gate_);
  }

  /// Waits until all who entered have left. Its turn comes, however many want to enter.
  closed close() {
    const std::lock_guard turn(turn_);
    return closed(gate_);
  }

private:
  std::mutex turn_; ///< held while waiting for the gate
  std::shared_mutex gate_;
};

} // namespace expbuild
