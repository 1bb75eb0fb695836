#include "actors/action_history.hpp"

#include "actors/log_line.hpp"
#include "storage/missing.hpp"

#include <algorithm>
#include <atomic>

namespace expbuild {

namespace {

constexpr std::size_t shortest_query = 6;
constexpr std::size_t max_names = 100; ///< of one action
constexpr std::size_t max_message_bytes = 4096;
constexpr std::size_t max_worker_bytes = 256;

bool names(const std::string& name, const std::string& query) {
  return !name.empty() && name.compare(0, query.size(), query) == 0;
}

const std::string* operation_named(const action_record& x, const std::string& query) {
  const auto found = std::find_if(x.operations.begin(), x.operations.end(),
                                  [&query](const auto& name) { return names(name, query); });
  return found == x.operations.end() ? nullptr : &*found;
}

bool fits(const action_record& x, const std::string& query) {
  return names(x.action.hash(), query) || names(x.asker.invocation_id, query)
         || names(x.asker.correlated_invocations_id, query) || names(x.asker.target_id, query)
         || x.worker == query || trace_text(x.trace) == query
         || operation_named(x, query) != nullptr;
}

std::uint64_t mixed(std::uint64_t outputs, const request_metadata& asker) {
  const std::hash<std::string> hash;
  return outputs ^ hash(asker.target_id + '\0' + asker.action_mnemonic) * 0x9e3779b97f4a7c15;
}

/// The beginning of a text, with whole characters.
std::string beginning(const std::string& text, std::size_t limit) {
  if (text.size() <= limit)
    return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80)
    --limit;
  return text.substr(0, limit);
}

/// What a client can make large: a tree that names many absent blobs, a result that it uploaded.
void cut(action_record& x) {
  if (const auto missing = missing_blobs_of(x.status); !missing.empty()) {
    x.missing = missing.size();
    x.first_missing = missing.front();
  }
  x.status =
      absl::Status(x.status.code(), beginning(std::string(x.status.message()), max_message_bytes));
  x.worker = beginning(x.worker, max_worker_bytes);
  x.metadata.set_worker(beginning(x.metadata.worker(), max_worker_bytes));
  x.metadata.DiscardUnknownFields();
}

std::size_t large_bytes(const action_record& x) {
  auto bytes = x.result ? x.result->ByteSizeLong() : 0;
  for (const auto& part : x.metadata.auxiliary_metadata())
    bytes += part.ByteSizeLong();
  return bytes;
}

/// Clearing alone would keep the memory.
void drop_large(action_record& x) {
  x.result = nullptr;
  decltype(x.metadata)().mutable_auxiliary_metadata()->Swap(
      x.metadata.mutable_auxiliary_metadata());
}

} // namespace

// ---- what happens ------------------------------------------------------------------------------

void action_history::began(action_record x) {
  const auto execution = x.execution;
  if (const auto outputs = x.loaded ? outputs_key(x.loaded->command) : 0; outputs != 0) {
    if (last_of_.size() >= options_.max_outputs)
      last_of_.clear(); // rare, and only explanations get poorer
    const auto [last, is_new] = last_of_.try_emplace(mixed(outputs, x.asker), x.action);
    if (!is_new)
      x.before = std::exchange(last->second, x.action);
  }
  actions_[execution] = std::make_shared<action_record>(std::move(x));
  live_.insert(execution);
}

void action_history::joined(std::uint64_t execution, std::string operation) {
  change(execution, [&operation](action_record& x) {
    if (x.operations.size() < max_names)
      x.operations.push_back(std::move(operation));
  });
}

/// Whoever looks at it goes on seeing what it was.
action_record& action_history::writable(entry& x) {
  if (x.use_count() > 1)
    x = std::make_shared<action_record>(*x);
  else
    std::atomic_thread_fence(std::memory_order_acquire); // whoever looked at it has let go
  return *x;
}

void action_history::change(std::uint64_t execution,
                            const std::function<void(action_record&)>& change) {
  const auto found = actions_.find(execution);
  if (found != actions_.end() && found->second->is_live())
    change(writable(found->second));
}

void action_history::ended(std::uint64_t execution,
                           const std::function<void(action_record&)>& change) {
  const auto found = actions_.find(execution);
  if (found == actions_.end() || !found->second->is_live())
    return;
  auto& x = writable(found->second);
  change(x);
  cut(x);
  x.stage = execution_stage::completed;
  x.loaded = nullptr;
  live_.erase(execution);
  (x.has_failed() ? failed_ : others_).insert(execution);
  keep_result(x);
  forget_old();
}

void action_history::keep_result(const action_record& x) {
  const auto bytes = large_bytes(x);
  if (bytes == 0)
    return;
  results_[x.execution] = bytes;
  result_bytes_ += bytes;
  while (result_bytes_ > options_.max_result_bytes) {
    const auto oldest = results_.begin();
    if (const auto found = actions_.find(oldest->first); found != actions_.end())
      drop_large(writable(found->second));
    result_bytes_ -= oldest->second;
    results_.erase(oldest);
  }
}

void action_history::forget_old() {
  while (failed_.size() > options_.max_failed)
    forget(*failed_.begin());
  while (failed_.size() + others_.size() > options_.max_actions)
    forget(others_.empty() ? *failed_.begin() : *others_.begin());
}

void action_history::forget(std::uint64_t execution) {
  if (const auto kept = results_.find(execution); kept != results_.end()) {
    result_bytes_ -= kept->second;
    results_.erase(kept);
  }
  actions_.erase(execution);
  failed_.erase(execution);
  others_.erase(execution);
}

// ---- who asks ----------------------------------------------------------------------------------

action_snapshot action_history::of(std::uint64_t execution) const {
  const auto found = actions_.find(execution);
  return found == actions_.end() ? nullptr : found->second;
}

absl::StatusOr<action_snapshot> action_history::find(const std::string& query) const {
  if (query.size() < shortest_query)
    return absl::InvalidArgumentError("'" + query
                                      + "' is too short: give at least 6 characters of an "
                                        "operation name, an action hash, an invocation id or a "
                                        "target, or a whole worker name or trace id");
  action_snapshot found;
  for (auto i = actions_.rbegin(); i != actions_.rend(); ++i) {
    if (!fits(*i->second, query))
      continue;
    if (!found)
      found = i->second;
    else if (operation_named(*found, query) != nullptr
             && operation_named(*i->second, query) != nullptr)
      return absl::InvalidArgumentError("'" + query + "' fits several operations: give more of it");
  }
  if (!found)
    return absl::NotFoundError("no recent operation, action, invocation, target, worker or trace '"
                               + query + "'");
  return found;
}

action_page action_history::list(const action_filter& filter, std::uint64_t before,
                                 std::size_t limit,
                                 std::chrono::system_clock::time_point now) const {
  action_page found;
  for (auto i = actions_.rbegin(); i != actions_.rend(); ++i) {
    if (!filter.fits(*i->second, now))
      continue;
    ++found.total;
    if (before != 0 && i->first >= before)
      continue;
    if (found.actions.size() < limit)
      found.actions.push_back(i->second);
    else if (found.next == 0)
      found.next = found.actions.back()->execution;
  }
  return found;
}

std::vector<action_snapshot> action_history::live() const {
  std::vector<action_snapshot> found;
  for (const auto execution : live_)
    found.push_back(actions_.at(execution));
  return found;
}

} // namespace expbuild
