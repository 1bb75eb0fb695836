#include "services/request_checks.hpp"
#include "services/rpc_call.hpp"
#include "services/services.hpp"

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"

#include <grpcpp/server_context.h>

#include <algorithm>
#include <limits>

namespace expbuild {

namespace {

using reapi::DigestFunction;

DigestFunction::Value wire(digest_function x) {
  return static_cast<DigestFunction::Value>(static_cast<int>(x));
}

/// Clients refuse a server whose range excludes the priority that they were told to use.
void allow_any_priority(reapi::PriorityCapabilities& to) {
  auto& range = *to.add_priorities();
  range.set_min_priority(std::numeric_limits<std::int32_t>::min());
  range.set_max_priority(std::numeric_limits<std::int32_t>::max());
}

void describe_chunking(const chunking_options& options, reapi::CacheCapabilities& to) {
  to.set_split_blob_support(true);
  to.set_splice_blob_support(true);
  auto& fast_cdc = *to.mutable_fast_cdc_2020_params();
  fast_cdc.set_avg_chunk_size_bytes(static_cast<std::uint64_t>(options.fast_cdc.average_bytes));
  fast_cdc.set_seed(options.fast_cdc.seed);
  auto& rep_max = *to.mutable_rep_max_cdc_params();
  rep_max.set_min_chunk_size_bytes(static_cast<std::uint64_t>(options.rep_max.min_bytes));
  rep_max.set_horizon_size_bytes(static_cast<std::uint64_t>(options.rep_max.horizon_bytes));
}

void describe_cache(const service_context& context, reapi::CacheCapabilities& to) {
  for (const auto x : context.digest_functions)
    to.add_digest_functions(wire(x));
  to.mutable_action_cache_update_capabilities()->set_update_enabled(
      context.action_cache_update_enabled);
  allow_any_priority(*to.mutable_cache_priority_capabilities());
  for (const auto x : context.codecs) {
    to.add_supported_compressors(static_cast<reapi::Compressor::Value>(x));
    to.add_supported_batch_update_compressors(static_cast<reapi::Compressor::Value>(x));
  }
  to.set_max_batch_total_size_bytes(context.batch_limit());
  to.set_symlink_absolute_path_strategy(context.symlinks == absolute_symlinks::allowed
                                            ? reapi::SymlinkAbsolutePathStrategy::ALLOWED
                                            : reapi::SymlinkAbsolutePathStrategy::DISALLOWED);
  describe_chunking(context.chunks->options(), to);
}

void describe_execution(const service_context& context, reapi::ExecutionCapabilities& to) {
  const auto& functions = context.digest_functions;
  const auto has_sha256 =
      std::find(functions.begin(), functions.end(), digest_function::sha256) != functions.end();
  // Clients that know only the single field insist on their own function, which is SHA-256.
  to.set_digest_function(wire(has_sha256 ? digest_function::sha256 : functions.front()));
  for (const auto x : functions)
    to.add_digest_functions(wire(x));
  to.set_exec_enabled(context.exec_enabled);
  allow_any_priority(*to.mutable_execution_priority_capabilities());
}

reapi::ServerCapabilities describe(const service_context& context) {
  reapi::ServerCapabilities all;
  describe_cache(context, *all.mutable_cache_capabilities());
  describe_execution(context, *all.mutable_execution_capabilities());
  all.mutable_low_api_version()->set_major(2); // Bazel speaks exactly 2.0
  all.mutable_high_api_version()->set_major(2);
  all.mutable_high_api_version()->set_minor(3);
  return all;
}

class capabilities_service final : public reapi::Capabilities::CallbackService {
public:
  explicit capabilities_service(context_ptr context)
      : context_(std::move(context)), all_(describe(*context_)),
        get_(context_->meters->rpc(reapi::Capabilities::service_full_name(), "GetCapabilities")) {}

  grpc::ServerUnaryReactor* GetCapabilities(grpc::CallbackServerContext* call,
                                            const reapi::GetCapabilitiesRequest* request,
                                            reapi::ServerCapabilities* response) override {
    return serve(*context_, *call, get_, [&](const unary_call& answer) {
      auto status = check_instance(*context_, request->instance_name());
      if (!status.ok())
        return status;
      *response = all_;
      answer.finish(status);
      return status;
    });
  }

private:
  context_ptr context_;
  reapi::ServerCapabilities all_;
  rpc_meter& get_;
};

} // namespace

std::unique_ptr<grpc::Service> make_capabilities_service(context_ptr context) {
  return std::make_unique<capabilities_service>(std::move(context));
}

} // namespace expbuild
