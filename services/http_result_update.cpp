#include "services/http_any_value.hpp"
#include "services/http_cache_handler.hpp"
#include "services/pool_work.hpp"

#include <absl/strings/match.h>
#include <caf/send.hpp>

namespace expbuild {

namespace {

using result_or = absl::StatusOr<cached_result>;

/// In the pool: parsing a large result takes a while. Calls `done` there, or later elsewhere.
void read_result(const http_cache_request& request, std::string_view bytes,
                 const std::function<void(result_or)>& done) {
  auto parsed = parse_result(bytes);
  if (parsed.ok())
    return done(std::make_shared<const reapi::ActionResult>(*std::move(parsed)));
  if (!request.options.any_value)
    return done(absl::InvalidArgumentError(std::string(parsed.status().message())
                                           + "; [http] any_value = true would keep it as it is"));
  const auto value = write_blob(*request.context->store, bytes, request.key.function());
  if (!value.ok())
    return done(value.status());
  auto result = std::make_shared<const reapi::ActionResult>(result_for_value(*value));
  caf::anon_send(request.context->cas,
                 blobs_stored{.trace = {}, .digests = {*value}, .admitted = false},
                 reply<unit>([done, result](const absl::StatusOr<unit>& x) {
                   done(x.ok() ? result_or(result) : result_or(x.status()));
                 }));
}

/// Receives the whole result, within limits, and hands it to the action cache.
class result_update final : public http_cache_handler {
public:
  using http_cache_handler::http_cache_handler;

private:
  void begin() override {
    if (const auto [http_status, why] = check(); !why.ok())
      return refuse(http_status, why);
    const auto length = *exchange().length();
    held_ = request().memory->take(length);
    if (!held_)
      return refuse(503,
                    absl::UnavailableError("too many large results are on their way; try again"));
    size_ = static_cast<std::size_t>(length);
    bytes_ = std::make_shared_for_overwrite<char[]>(
        size_); // untouched: what does not come costs nothing
    receive();
  }

  std::pair<int, absl::Status> check() const {
    if (!context().action_cache_update_enabled)
      return {403, absl::PermissionDeniedError("clients may not write the action cache of this "
                                               "server (action_cache_update_enabled)")};
    const auto length = exchange().length();
    if (!length)
      return {411, absl::InvalidArgumentError("say how large the result is, by Content-Length: "
                                              "chunked uploads are not taken")};
    if (*length > request().options.max_result_bytes)
      return {413, absl::InvalidArgumentError("a result has at most "
                                              + std::to_string(request().options.max_result_bytes)
                                              + " bytes here")};
    const std::string encoding(exchange().header("Content-Encoding"));
    if (!encoding.empty() && !absl::EqualsIgnoreCase(encoding, "identity"))
      return {415, absl::InvalidArgumentError("results are taken without any Content-Encoding")};
    return {200, absl::OkStatus()};
  }

  void receive() {
    if (received_ == size_)
      return read();
    exchange().receive(std::span(bytes_.get(), size_).subspan(received_),
                       next([this](std::size_t n) {
                         received_ += n;
                         receive();
                       }));
  }

  void read() {
    exchange().expect_answer_within(http_cache_patience);
    context().meters->bytes_in(size_);
    auto done = back<result_or>([this](result_or x) { find_action(std::move(x)); });
    if (!post_work(context(), io_pool::lane::short_work,
                   [request = request(), bytes = std::move(bytes_), n = size_, held = held_, done] {
                     read_result(request, {bytes.get(), n}, done);
                   }))
      refuse(503, pool_is_full());
  }

  void find_action(result_or result) {
    if (!result.ok())
      return refuse(result.status());
    result_ = *std::move(result);
    find_blob([this](const std::optional<digest>& action) { put(action); });
  }

  void put(const std::optional<digest>& action) {
    exchange().expect_answer_within(http_cache_patience);
    using answer = absl::StatusOr<unit>;
    caf::anon_send(context().action_cache,
                   put_result{.trace = {},
                              .action = action.value_or(request().key),
                              .result = std::move(result_)},
                   reply<unit>(back<answer>([this](const answer& x) {
                     if (!x.ok())
                       return refuse(x.status());
                     succeed({});
                   })));
  }

  std::shared_ptr<memory_budget::share> held_; ///< for the bytes, wherever they are
  std::shared_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t received_ = 0;
  cached_result result_;
};

} // namespace

std::shared_ptr<http_handler> make_result_update(http_exchange& exchange,
                                                 http_cache_request request) {
  return std::make_shared<result_update>(exchange, std::move(request));
}

} // namespace expbuild
