#pragma once
#include "actors/operation_messages.hpp"
#include "actors/reply.hpp"

#include <utility>
#include <vector>

namespace expbuild {

/// One page of operations, while their states are asked for. Shared by the questions: each answer
/// has a place of its own, and the last to come (or to be dropped) completes the page. What was
/// forgotten meanwhile is left out, and so is what does not fit the filter any more.
struct open_page {
  operation_page page;
  operation_filter filter;
  reply<operation_page> answer;

  ~open_page() {
    std::erase_if(page.operations,
                  [this](const auto& x) { return x.state.name.empty() || !fits(x.state); });
    answer(std::move(page));
  }

private:
  bool fits(const operation_state& state) const {
    const bool done = state.stage == execution_stage::completed;
    return filter.done.value_or(done) == done && filter.stage.value_or(state.stage) == state.stage;
  }
};

} // namespace expbuild
