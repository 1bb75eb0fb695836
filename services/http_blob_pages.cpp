#include "services/http_blob_pages.hpp"

#include "services/json.hpp"
#include "services/one_blob.hpp"
#include "services/pool_work.hpp"

#include <absl/strings/numbers.h>

#include <algorithm>

namespace expbuild {

namespace {

constexpr std::int64_t most_bytes = std::int64_t{1} << 20;
constexpr std::int64_t largest_message = std::int64_t{16} << 20;

absl::StatusOr<digest> blob_of(const service_context& context, const http_query& query) {
  const auto& path = query.segments();
  std::int64_t size = 0;
  if (path.size() != 6 || !absl::SimpleAtoi(path[5], &size))
    return absl::InvalidArgumentError("a blob is asked for as FUNCTION/HASH/SIZE");
  const auto function = parse_digest_function(path[3]);
  if (!function.ok())
    return function.status();
  const auto& offered = context.digest_functions;
  if (std::find(offered.begin(), offered.end(), *function) == offered.end())
    return absl::InvalidArgumentError(to_string(*function) + " is not offered here");
  return digest::parse(path[4], size, *function);
}

absl::StatusOr<std::string> first_bytes(blob_reader& reader, std::int64_t limit) {
  std::string bytes(static_cast<std::size_t>(std::min(limit, reader.id().size_bytes())), '\0');
  const auto n = reader.read_at(0, bytes);
  if (!n.ok())
    return n.status();
  bytes.resize(*n);
  return bytes;
}

template <class Message>
absl::StatusOr<http_page> message_page(const std::string& bytes, const char* name) {
  Message message;
  if (!message.ParseFromString(bytes))
    return absl::InvalidArgumentError(std::string("this blob is no ") + name);
  return http_page{.content_type = "application/json",
                   .body = to_json(message),
                   .more = {{"X-Content-Type-Options", "nosniff"}}};
}

absl::StatusOr<http_page> page_of(const std::string& what, std::int64_t limit,
                                  blob_reader& reader) {
  const bool is_text = what == "blob";
  if (!is_text && reader.id().size_bytes() > largest_message)
    return absl::InvalidArgumentError("this blob is too large to be shown");
  const auto bytes = first_bytes(reader, is_text ? limit : largest_message);
  if (!bytes.ok())
    return bytes.status();
  if (what == "directory")
    return message_page<reapi::Directory>(*bytes, "Directory");
  if (what == "tree")
    return message_page<reapi::Tree>(*bytes, "Tree");
  // Whatever an action printed is text here, and nothing that a browser would run.
  return http_page{
      .content_type = "text/plain; charset=utf-8",
      .body = *bytes,
      .more = {{"X-Content-Type-Options", "nosniff"}, {"Content-Security-Policy", "sandbox"}}};
}

} // namespace

bool is_blob_page(std::string_view what) {
  return what == "directory" || what == "tree" || what == "blob";
}

void make_blob_page(const context_ptr& context, std::string_view what, const http_query& query,
                    std::function<void(absl::StatusOr<http_page>)> done) {
  const auto id = blob_of(*context, query);
  if (!id.ok())
    return done(id.status());
  std::int64_t limit = most_bytes;
  if (std::int64_t asked = 0; absl::SimpleAtoi(query.get("limit"), &asked))
    limit = std::clamp<std::int64_t>(asked, 0, most_bytes);
  open_one(*context, *id, [context, done, what = std::string(what), limit](opened_blob x) {
    if (!x.ok())
      return done(x.status());
    if (!post_work(
            *context, io_pool::lane::short_work,
            [reader = *std::move(x), done, what, limit] { done(page_of(what, limit, *reader)); }))
      done(pool_is_full());
  });
}

} // namespace expbuild
