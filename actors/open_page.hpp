#pragma once
#include "actors/operation_messages.hpp"
#include "actors/operation_names.hpp"
#include "actors/reply.hpp"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace expbuild {

/// Only finished (true) or only live ones (false) fit; nullopt: both may.
inline std::optional<bool> wants_done(const operation_filter& filter) {
  return filter.stage ? *filter.stage == execution_stage::completed : filter.done;
}

/// It asks for what can not be.
inline bool is_impossible(const operation_filter& filter) {
  return filter.done && wants_done(filter) != filter.done;
}

/// One page of operations, while their states are asked for. Shared by the questions: each answer
/// has a place of its own, and the last to come (or to be dropped) completes the page. What was
/// forgotten meanwhile is left out, and so is what does not fit the filter any more.
class open_page {
public:
  open_page(const operation_names::page& names, operation_filter filter,
            reply<operation_page> answer)
      : filter_(std::move(filter)), answer_(std::move(answer)) {
    page_.next = names.next;
    for (const auto& x : names.entries)
      page_.operations.push_back({.number = x.number, .state = {}});
  }

  ~open_page() {
    std::erase_if(page_.operations,
                  [this](const auto& x) { return x.state.name.empty() || !fits(x.state); });
    answer_(std::move(page_));
  }

  open_page(const open_page&) = delete;
  open_page& operator=(const open_page&) = delete;

  /// Where the state of the name at this place goes.
  static reply<operation_state> place(std::shared_ptr<open_page> of, std::size_t at) {
    return reply<operation_state>([of = std::move(of), at](absl::StatusOr<operation_state> x) {
      if (x.ok())
        of->page_.operations[at].state = *std::move(x);
    });
  }

private:
  bool fits(const operation_state& state) const {
    const bool done = state.stage == execution_stage::completed;
    return filter_.done.value_or(done) == done
           && filter_.stage.value_or(state.stage) == state.stage;
  }

  operation_page page_;
  const operation_filter filter_;
  const reply<operation_page> answer_;
};

} // namespace expbuild
