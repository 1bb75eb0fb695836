#pragma once
#include "actors/operation_state.hpp"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace expbuild::test {

/// Remembers what a stream brought.
struct stream_box : stream_receiver<operation_state> {
  std::vector<operation_state> updates;
  std::optional<absl::Status> end;

  void update(operation_state x) override { updates.push_back(std::move(x)); }
  void finish(absl::Status x) override { end = std::move(x); }
  bool completed() const {
    return end.has_value() && !updates.empty() && updates.back().response != nullptr;
  }
  /// Code of the final ExecuteResponse.
  int code() const { return updates.back().response->status().code(); }
};

inline std::shared_ptr<stream_box> make_stream() {
  return std::make_shared<stream_box>();
}

} // namespace expbuild::test
