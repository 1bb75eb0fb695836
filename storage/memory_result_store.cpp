#include "storage/result_store.hpp"

#include <mutex>
#include <unordered_map>

namespace expbuild {

namespace {

class memory_result_store : public result_store {
public:
  absl::StatusOr<reapi::ActionResult> get(const digest& action) override {
    const std::lock_guard lock(guard_);
    const auto found = results_.find(action);
    if (found == results_.end())
      return absl::NotFoundError("the result of action " + action.to_string()
                                 + " is not stored here");
    return found->second;
  }

  absl::Status put(const digest& action, const reapi::ActionResult& result) override {
    const std::lock_guard lock(guard_);
    results_[action] = result;
    return absl::OkStatus();
  }

  absl::Status remove(const digest& action) override {
    const std::lock_guard lock(guard_);
    results_.erase(action);
    return absl::OkStatus();
  }

private:
  std::mutex guard_;
  std::unordered_map<digest, reapi::ActionResult> results_;
};

} // namespace

std::shared_ptr<result_store> make_memory_result_store() {
  return std::make_shared<memory_result_store>();
}

} // namespace expbuild
