#include "services/waiting_reason.hpp"

#include "actors/platform.hpp"

#include <algorithm>
#include <map>

namespace expbuild {

namespace {

std::string count_of(std::size_t count) {
  return count == 1 ? "1 worker" : std::to_string(count) + " workers";
}

/// "host-worker-1", or "host-worker-1 and 3 more".
std::string names_of(const std::vector<std::string>& names) {
  return names.size() == 1 ? names.front()
                           : names.front() + " and " + std::to_string(names.size() - 1) + " more";
}

std::string state_of(worker_condition x) {
  switch (x) {
  case worker_condition::starting:
    return "starting";
  case worker_condition::idle:
    return "idle";
  case worker_condition::busy:
    return "busy";
  case worker_condition::draining:
  case worker_condition::drained:
    return "drained";
  case worker_condition::backoff:
    return "down, to be restarted";
  case worker_condition::quarantined:
    return "quarantined";
  }
  return "unknown";
}

/// Workers that say the same are told together.
class groups {
public:
  void add(const std::string& worker, const std::string& property, const std::string& wanted,
           const std::string& offered, const std::string& state) {
    by_reason_[{property, wanted, offered, state}].push_back(worker);
  }

  std::vector<admin::v1::WorkerMismatch> told() const {
    std::vector<admin::v1::WorkerMismatch> all;
    for (const auto& [reason, workers] : by_reason_) {
      const auto& [property, wanted, offered, state] = reason;
      auto& x = all.emplace_back();
      x.set_workers(names_of(workers));
      x.set_property(property);
      x.set_wanted(wanted);
      x.set_offered(offered);
      x.set_state(state);
    }
    return all;
  }

private:
  std::map<std::tuple<std::string, std::string, std::string, std::string>, std::vector<std::string>>
      by_reason_;
};

/// The first property that keeps an action from a worker.
struct mismatch {
  std::string property; ///< empty: nothing does
  std::string wanted;
  std::string offered; ///< its values, joined by ", "; empty: none
};

mismatch between(const platform_properties& wanted, const worker_status& worker) {
  const auto text = first_mismatch(wanted, worker.platform);
  if (!text)
    return {};
  mismatch x;
  x.property = text->substr(0, text->find('='));
  x.wanted = text->substr(std::min(text->size(), x.property.size() + 1));
  const auto [first, last] = worker.platform.equal_range(x.property);
  for (auto i = first; i != last; ++i)
    x.offered += (x.offered.empty() ? "" : ", ") + i->second;
  return x;
}

std::string unfit_words(const mismatch& x) {
  return "property " + x.property + "=" + x.wanted + " is not "
         + (x.offered.empty() ? "offered" : "what is offered (" + x.offered + ")");
}

struct counts {
  std::size_t busy = 0;
  std::size_t drained = 0;
  std::size_t idle = 0;
  std::size_t unfit = 0;
  std::size_t down = 0;
  std::string first_unfit; ///< in words

  void count_unfit(const mismatch& x) {
    ++unfit;
    if (first_unfit.empty())
      first_unfit = unfit_words(x);
  }
};

waiting_reason words_for(const counts& x) {
  if (x.busy > 0)
    return {count_of(x.busy) + " could run it, and all of them are busy", {}};
  if (x.idle > 0)
    return {"a worker is free and takes it in a moment", {}};
  if (x.drained > 0)
    return {count_of(x.drained) + " could run it, and all of them are drained",
            "take one into service again: rectl undrain NAME"};
  if (x.down > 0)
    return {count_of(x.down) + " could run it, and " + (x.down == 1 ? "it is" : "they are")
                + " down",
            "rectl workers says why; what is down comes back by itself when it can"};
  if (x.unfit > 0)
    return {"no worker fits: " + x.first_unfit,
            "start a worker that offers it, or change exec_properties of the target", true};
  return {"there are no workers", "configure some: [[execution.pool.workers]]", true};
}

} // namespace

waiting_reason why_it_waits(const platform_properties& wanted,
                            const std::vector<worker_status>& live,
                            const std::vector<worker_status>& all) {
  counts sum;
  groups told;
  for (const auto& worker : live) {
    const auto x = between(wanted, worker);
    told.add(worker.name, x.property, x.wanted, x.offered, state_of(worker.condition));
    if (!x.property.empty()) {
      sum.count_unfit(x);
    } else if (worker.condition == worker_condition::busy) {
      ++sum.busy;
    } else if (worker.condition == worker_condition::idle) {
      ++sum.idle;
    } else {
      ++sum.drained;
    }
  }
  for (const auto& slot : all) {
    const bool is_live = std::any_of(live.begin(), live.end(),
                                     [&slot](const auto& x) { return x.name == slot.name; });
    if (is_live)
      continue;
    const auto x = between(wanted, slot);
    told.add(slot.name, x.property, x.wanted, x.offered, state_of(slot.condition));
    if (!x.property.empty())
      sum.count_unfit(x);
    else
      ++sum.down;
  }
  auto reason = words_for(sum);
  reason.mismatches = told.told();
  return reason;
}

} // namespace expbuild
