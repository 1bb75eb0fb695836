#include "actors/restart_policy.hpp"

#include <algorithm>

namespace expbuild {

restart_policy::decision restart_policy::after_failure(time_point now, double chance) {
  if (!failures_.empty() && now - failures_.back() >= options_.quiet)
    in_a_row_ = 0;
  failures_.push_back(now);
  while (failures_.size() > options_.intensity + 1 || now - failures_.front() > options_.window)
    failures_.pop_front();
  if (failures_.size() > options_.intensity) {
    failures_.clear();
    return {options_.quarantine, true};
  }
  const auto ceiling = std::min<double>(static_cast<double>(options_.longest_pause.count()),
                                        static_cast<double>(options_.first_pause.count())
                                            * (1u << std::min(in_a_row_, 20u)));
  ++in_a_row_;
  return {std::chrono::milliseconds(static_cast<std::int64_t>(chance * ceiling)), false};
}

} // namespace expbuild
