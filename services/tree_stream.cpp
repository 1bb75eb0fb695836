#include "services/tree_stream.hpp"

#include "services/pool_work.hpp"
#include "services/rpc_call.hpp"
#include "services/tree_pager.hpp"

#include <absl/strings/numbers.h>

#include <algorithm>
#include <limits>

namespace expbuild {

namespace {

constexpr std::size_t largest_page = 2 << 20;
constexpr std::size_t smallest_page = 16 << 10;

/// How many directories were sent already. INVALID_ARGUMENT for a token that we did not make.
absl::StatusOr<std::size_t> parse_token(const std::string& token) {
  std::uint64_t sent = 0;
  if (!token.empty() && !absl::SimpleAtoi(token, &sent))
    return absl::InvalidArgumentError("page_token: '" + token.substr(0, 100)
                                      + "' was not made by this server");
  return static_cast<std::size_t>(sent);
}

/// Owned by the call: lives until gRPC is done with it, which is after `end`. One step at a time:
/// make a page in the pool, write it, make the next.
class tree_stream final : public grpc::ServerWriteReactor<reapi::GetTreeResponse> {
public:
  tree_stream(context_ptr context, rpc_meter& meter, const grpc::ServerContextBase& call)
      : context_(std::move(context)), timer_(meter), place_(context_->calls->enter_stream(call)) {}

  void begin(const digest& root, std::size_t skip, std::int32_t page_size) {
    if (!place_.admission().ok())
      return end(place_.admission());
    max_directories_ = page_size > 0 ? static_cast<std::size_t>(page_size)
                                     : std::numeric_limits<std::size_t>::max();
    pager_ = std::make_unique<tree_pager>(context_->store, root, skip, tree_limits{});
    make_page();
  }

  void end(const absl::Status& status) { Finish(timer_.ended(status)); }

private:
  void make_page() {
    const auto posted = post_work(*context_, io_pool::lane::long_work, [this] { fill_page(); });
    if (!posted)
      end(pool_is_full());
  }

  /// The more others hold, the less (see piece_memory).
  std::size_t page_bytes() const {
    return std::clamp(context_->answers->left() / 16, smallest_page, largest_page);
  }

  void fill_page() {
    page_.Clear();
    const auto status = pager_->next_page(max_directories_, page_bytes(), page_);
    if (!status.ok())
      return end(status);
    held_.become(page_.ByteSizeLong()).IgnoreError(); // the smallest page is for everybody
    StartWrite(&page_); // also an empty one: it tells that nothing follows
  }

  void OnWriteDone(bool ok) override {
    if (!ok)
      return end(absl::CancelledError("the client is gone"));
    if (pager_->at_end())
      return end(absl::OkStatus());
    make_page();
  }

  void OnDone() override { delete this; }

  context_ptr context_;
  rpc_timer timer_;
  const call_budget::place place_;
  std::size_t max_directories_ = 0;
  std::unique_ptr<tree_pager> pager_;
  reapi::GetTreeResponse page_;
  memory_budget::share held_{context_->answers}; ///< for the page
};

} // namespace

grpc::ServerWriteReactor<reapi::GetTreeResponse>*
stream_tree(context_ptr context, rpc_meter& meter, const grpc::ServerContextBase& call,
            const absl::StatusOr<digest>& root, const reapi::GetTreeRequest& request) {
  auto* stream = new tree_stream(std::move(context), meter, call);
  const auto skip = parse_token(request.page_token());
  if (!root.ok())
    stream->end(root.status());
  else if (request.page_size() < 0)
    stream->end(absl::InvalidArgumentError("page_size: " + std::to_string(request.page_size())
                                           + " is negative; 0 leaves it to the server"));
  else if (!skip.ok())
    stream->end(skip.status());
  else
    stream->begin(*root, *skip, request.page_size());
  return stream;
}

} // namespace expbuild
