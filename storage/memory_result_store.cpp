#include "storage/result_store.hpp"

#include <map>
#include <mutex>
#include <unordered_map>

namespace expbuild {

namespace {

absl::Status no_result(const digest& action) {
  return absl::NotFoundError("the result of action " + action.to_string() + " is not stored here");
}

class memory_result_store : public result_store {
public:
  absl::StatusOr<stored_result> get(const digest& action) override {
    const std::lock_guard lock(guard_);
    const auto found = results_.find(action);
    if (found == results_.end())
      return no_result(action);
    return found->second;
  }

  absl::StatusOr<stored_result> peek(const digest& action) override { return get(action); }

  absl::Status put(const digest& action, const reapi::ActionResult& result,
                   const result_origin& origin) override {
    stored_result record{.result = result, .origin = bounded(origin)};
    record.bytes = static_cast<std::int64_t>(result.ByteSizeLong());
    const std::lock_guard lock(guard_);
    record.serial = ++last_serial_;
    forget(action);
    by_serial_.emplace(record.serial, action);
    results_.emplace(action, std::move(record));
    return absl::OkStatus();
  }

  absl::Status remove(const digest& action) override {
    const std::lock_guard lock(guard_);
    forget(action);
    return absl::OkStatus();
  }

  absl::StatusOr<bool> remove_record(const digest& action, std::uint64_t serial) override {
    const std::lock_guard lock(guard_);
    const auto found = results_.find(action);
    if (found == results_.end() || found->second.serial != serial)
      return false;
    forget(action);
    return true;
  }

  std::vector<digest> list(result_cursor& from, std::size_t count) override {
    std::vector<digest> some;
    const std::lock_guard lock(guard_);
    if (from.next == 0)
      from = {.next = 1, .end = last_serial_ + 1};
    for (auto i = by_serial_.lower_bound(from.next);
         i != by_serial_.end() && i->first < from.end && some.size() < count; ++i) {
      some.push_back(i->second);
      from.next = i->first + 1;
    }
    return some;
  }

private:
  void forget(const digest& action) {
    const auto found = results_.find(action);
    if (found == results_.end())
      return;
    by_serial_.erase(found->second.serial);
    results_.erase(found);
  }

  std::mutex guard_;
  std::unordered_map<digest, stored_result> results_;
  std::map<std::uint64_t, digest> by_serial_;
  std::uint64_t last_serial_ = 0;
};

} // namespace

std::shared_ptr<result_store> make_memory_result_store() {
  return std::make_shared<memory_result_store>();
}

} // namespace expbuild
