#include "services/http_any_value.hpp"
#include "services/http_cache_handler.hpp"
#include "services/pool_work.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

/// Larger results are written out in the pool.
constexpr std::int64_t max_inline_bytes = 64 << 10;

/// The path tells the hash of an action, and not its size. Clients of HTTP caches upload the Action
/// too, as those of gRPC do, so that the CAS knows the size.
class result_lookup_handler final : public http_cache_handler {
public:
  using http_cache_handler::http_cache_handler;

private:
  void begin() override {
    find_blob([this](const std::optional<digest>& action) {
      with_size_ = action.has_value();
      look_up(action.value_or(request().key));
    });
  }

  void look_up(const digest& action) {
    exchange().expect_answer_within(http_cache_patience);
    using answer = absl::StatusOr<cached_result>;
    caf::anon_send(context().action_cache, get_result{.trace = {}, .action = action, .inlined = {}},
                   reply<cached_result>(back<answer>([this](const answer& x) { found(x); })));
  }

  void found(const absl::StatusOr<cached_result>& result) {
    // It may have been put before its action was.
    if (absl::IsNotFound(result.status()) && std::exchange(with_size_, false))
      return look_up(request().key);
    if (absl::IsNotFound(result.status()))
      return refuse(absl::NotFoundError("no result is cached for action " + request().key.hash()));
    if (!result.ok())
      return refuse(result.status());
    if (const auto value = value_of(**result, request().key.function()))
      return show_value(*value);
    show_result(*result);
  }

  void show_result(const cached_result& result) {
    const auto size = static_cast<std::int64_t>(result->ByteSizeLong());
    held_ = request().memory->take(size);
    if (!held_)
      return refuse(absl::UnavailableError("too many large results are on their way; try again"));
    const auto show = [this](std::string bytes) {
      succeed({.content_type = "application/octet-stream", .body = std::move(bytes)});
    };
    if (size <= max_inline_bytes)
      return show(result->SerializeAsString());
    auto done = back<std::string>(show);
    if (!post_work(context(), io_pool::lane::short_work,
                   [result, held = held_, done] { done(result->SerializeAsString()); }))
      refuse(pool_is_full());
  }

  void show_value(const digest& value) {
    ended(absl::OkStatus());
    value_ = make_blob_download(exchange(), request(), value);
    value_->start();
  }

  bool with_size_ = false;                     ///< what is being looked up
  std::shared_ptr<memory_budget::share> held_; ///< until the client has it
  std::shared_ptr<http_handler> value_;
};

} // namespace

std::shared_ptr<http_handler> make_result_lookup(http_exchange& exchange,
                                                 http_cache_request request) {
  return std::make_shared<result_lookup_handler>(exchange, std::move(request));
}

} // namespace expbuild
