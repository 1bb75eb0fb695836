#include "services/http_cache.hpp"

#include "services/http_cache_handler.hpp"
#include "services/http_cache_path.hpp"
#include "services/request_checks.hpp"

namespace expbuild {

namespace {

constexpr char meter_service[] = "http_cache";

std::string text_of(const absl::Status& x) {
  return std::string(x.message()) + "\n";
}

/// The hash's function is the first announced one whose hashes are as long.
absl::StatusOr<digest> read_key(const service_context& context, const std::string& hash) {
  const auto reader = digest_reader::make(context, reapi::DigestFunction::UNKNOWN);
  if (!reader.ok())
    return reader.status();
  reapi::Digest x;
  x.set_hash(hash);
  return reader->read(x, "the path's last segment");
}

} // namespace

http_cache::http_cache(context_ptr context, http_cache_options options)
    : context_(std::move(context)), options_(options),
      memory_(std::make_shared<memory_budget>(options.max_held_bytes)) {
  for (const auto* name : {"GET cas", "HEAD cas", "PUT cas", "GET ac", "HEAD ac", "PUT ac"})
    meters_[name] = &context_->meters->rpc(meter_service, name);
}

std::shared_ptr<http_handler> http_cache::handler_for(http_exchange& exchange) const {
  const auto path = http_cache_path::parse(exchange.target());
  if (!path)
    return nullptr;
  const auto method = exchange.method();
  const bool writes = method == "PUT";
  if (!writes && method != "GET" && method != "HEAD")
    return make_refusal(exchange, {.status = 405,
                                   .body = "only GET, HEAD and PUT are answered here\n",
                                   .allow = "GET, HEAD, PUT"});
  if (writes && !exchange.header("Origin").empty())
    return make_refusal(exchange,
                        {.status = 403, .body = "a page in a browser may not write this cache\n"});
  if (const auto status = check_instance(*context_, path->instance); !status.ok())
    return make_refusal(exchange, {.status = 404, .body = text_of(status)});
  auto key = read_key(*context_, path->hash);
  if (!key.ok())
    return make_refusal(exchange, {.status = 400, .body = text_of(key.status())});
  const bool blob = path->what == http_cache_path::kind::blob;
  const http_cache_request request{.context = context_,
                                   .options = options_,
                                   .memory = memory_,
                                   .meter =
                                       meters_.at(std::string(method) + (blob ? " cas" : " ac")),
                                   .key = *std::move(key)};
  if (writes)
    return blob ? make_blob_upload(exchange, request) : make_result_update(exchange, request);
  return blob ? make_blob_download(exchange, request) : make_result_lookup(exchange, request);
}

} // namespace expbuild
