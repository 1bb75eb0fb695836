#include "actors/worker_catalogue.hpp"

#include "actors/platform.hpp"
#include "actors/retry.hpp"
#include "actors/worker_status.hpp"

#include <algorithm>

namespace expbuild {

namespace {

bool fits(const platform_properties& wanted, const platform_properties& offered) {
  return !first_mismatch(wanted, offered);
}

} // namespace

void worker_catalogue::came(const std::string& name, const platform_properties& platform) {
  known_[name] = {platform, absl::OkStatus()};
}

void worker_catalogue::can_not_come(const std::string& name, const platform_properties& platform,
                                    const absl::Status& why) {
  known_[name] = {platform, why};
}

std::vector<std::string> worker_catalogue::named(const std::vector<std::string>& names) const {
  std::vector<std::string> found;
  for (const auto& [name, x] : known_)
    if (names_worker(names, name))
      found.push_back(name);
  return found;
}

absl::Status worker_catalogue::check(const platform_properties& wanted) const {
  const slot* absent = nullptr;
  std::ptrdiff_t absent_count = 0;
  for (const auto& [name, x] : known_) {
    if (!fits(wanted, x.platform))
      continue;
    if (x.why_not.ok())
      return absl::OkStatus();
    absent = &x;
    ++absent_count;
  }
  const auto declared = std::count_if(declared_.begin(), declared_.end(),
                                      [&wanted](const auto& x) { return fits(wanted, x); });
  if (declared > absent_count)
    return absl::OkStatus();
  return absent != nullptr ? absent->why_not : none_fits(wanted);
}

absl::Status worker_catalogue::none_fits(const platform_properties& wanted) const {
  auto all = declared_;
  for (const auto& [name, x] : known_)
    all.push_back(x.platform);
  if (all.empty())
    return absl::FailedPreconditionError(
        "this server has no workers: it is a cache only (execution.pool.workers is empty)");
  std::string offers;
  for (const auto& x : all) {
    const auto text = "{" + to_string(x) + "}";
    if (offers.find(text) == std::string::npos)
      offers.append(offers.empty() ? "" : " or ").append(text);
  }
  const auto mismatch = first_mismatch(wanted, all.front());
  const auto text = "no worker offers the platform property "
                    + mismatch.value_or("combination {" + to_string(wanted) + "}")
                    + "; on offer: " + offers;
  if (!are_workers_starting())
    return absl::FailedPreconditionError(text);
  return retry_later(absl::FailedPreconditionError(text + " (some workers are still starting)"),
                     std::chrono::seconds(1));
}

/// A kind of worker that was declared and of which none has come yet.
bool worker_catalogue::are_workers_starting() const {
  return std::any_of(declared_.begin(), declared_.end(), [this](const auto& declared) {
    return std::none_of(known_.begin(), known_.end(), [&declared](const auto& x) {
      return x.second.why_not.ok() && fits(declared, x.second.platform);
    });
  });
}

} // namespace expbuild
