#define CAF_SUITE services.capabilities
#include "test/services/fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture : service_fixture {
  reapi::ServerCapabilities ask(const std::string& instance = "") {
    client_context call;
    reapi::GetCapabilitiesRequest request;
    request.set_instance_name(instance);
    reapi::ServerCapabilities answer;
    CAF_CHECK(stub<reapi::Capabilities>()->GetCapabilities(&call, request, &answer).ok());
    return answer;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(capabilities_tests, fixture)

CAF_TEST(versions begin at 2_0 exactly because Bazel speaks no other) {
  const auto all = ask();
  CAF_CHECK_EQUAL(all.low_api_version().major(), 2);
  CAF_CHECK_EQUAL(all.low_api_version().minor(), 0);
  CAF_CHECK_EQUAL(all.high_api_version().major(), 2);
  CAF_CHECK(all.high_api_version().minor() >= 3);
}

CAF_TEST(the single digest function is SHA256 and stands in both lists) {
  context->digest_functions = {digest_function::sha1, digest_function::sha256};
  const auto all = ask();
  CAF_CHECK(all.execution_capabilities().digest_function() == reapi::DigestFunction::SHA256);
  CAF_REQUIRE_EQUAL(all.execution_capabilities().digest_functions_size(), 2);
  CAF_REQUIRE_EQUAL(all.cache_capabilities().digest_functions_size(), 2);
  CAF_CHECK(all.cache_capabilities().digest_functions(1) == reapi::DigestFunction::SHA256);
}

CAF_TEST(every priority is allowed) {
  const auto all = ask();
  for (const auto& priorities : {all.cache_capabilities().cache_priority_capabilities(),
                                 all.execution_capabilities().execution_priority_capabilities()}) {
    CAF_REQUIRE_EQUAL(priorities.priorities_size(), 1);
    CAF_CHECK_EQUAL(priorities.priorities(0).min_priority(),
                    std::numeric_limits<std::int32_t>::min());
    CAF_CHECK_EQUAL(priorities.priorities(0).max_priority(),
                    std::numeric_limits<std::int32_t>::max());
  }
}

CAF_TEST(the batch limit leaves room for framing and is never zero) {
  CAF_CHECK_EQUAL(ask().cache_capabilities().max_batch_total_size_bytes(),
                  (4 << 20) - (4 << 20) / 16);
  context->max_batch_total_size_bytes = 0;
  CAF_CHECK(context->batch_limit() > 0);
}

CAF_TEST(execution and update are announced as configured) {
  const auto all = ask();
  CAF_CHECK(all.execution_capabilities().exec_enabled());
  CAF_CHECK(all.cache_capabilities().action_cache_update_capabilities().update_enabled());
  CAF_CHECK(all.cache_capabilities().symlink_absolute_path_strategy()
            == reapi::SymlinkAbsolutePathStrategy::DISALLOWED);
}

CAF_TEST(a cache only server says so) {
  context->exec_enabled = false;
  context->action_cache_update_enabled = false;
  context->symlinks = absolute_symlinks::allowed;
  const auto all = ask();
  CAF_CHECK(!all.execution_capabilities().exec_enabled());
  CAF_CHECK(!all.cache_capabilities().action_cache_update_capabilities().update_enabled());
  CAF_CHECK(all.cache_capabilities().symlink_absolute_path_strategy()
            == reapi::SymlinkAbsolutePathStrategy::ALLOWED);
}

CAF_TEST(compressors are announced for streams and batches as configured) {
  const auto cache = ask().cache_capabilities();
  for (const auto& list :
       {cache.supported_compressors(), cache.supported_batch_update_compressors()}) {
    CAF_REQUIRE_EQUAL(list.size(), 2);
    CAF_CHECK(list[0] == reapi::Compressor::ZSTD);
    CAF_CHECK(list[1] == reapi::Compressor::DEFLATE);
  }
}

CAF_TEST(no compressor is announced that is not served) {
  context->codecs.clear();
  const auto cache = ask().cache_capabilities();
  CAF_CHECK_EQUAL(cache.supported_compressors_size(), 0);
  CAF_CHECK_EQUAL(cache.supported_batch_update_compressors_size(), 0);
}

CAF_TEST(splitting and splicing are announced with what a client needs to cut alike) {
  const auto cache = ask().cache_capabilities();
  CAF_CHECK(cache.split_blob_support());
  CAF_CHECK(cache.splice_blob_support());
  CAF_CHECK_EQUAL(cache.fast_cdc_2020_params().avg_chunk_size_bytes(), 512u << 10);
  CAF_CHECK_EQUAL(cache.fast_cdc_2020_params().seed(), 0u);
  CAF_CHECK_EQUAL(cache.rep_max_cdc_params().min_chunk_size_bytes(), 256u << 10);
  CAF_CHECK_EQUAL(cache.rep_max_cdc_params().horizon_size_bytes(), 2u << 20);
}

CAF_TEST(the empty instance name means the configured one) {
  ask("");
  ask("main");
}

CAF_TEST(an unknown instance is INVALID_ARGUMENT on every rpc and the right one is named) {
  const auto check = [](const grpc::Status& status) {
    CAF_CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CAF_CHECK(contains(status.error_message(), "'other'"));
    CAF_CHECK(contains(status.error_message(), "'main'"));
  };
  const auto unary = [&](auto service, auto method, auto request, auto answer) {
    client_context call;
    request.set_instance_name("other");
    check((service.get()->*method)(&call, request, &answer));
  };
  using capabilities = reapi::Capabilities::Stub;
  using blobs = reapi::ContentAddressableStorage::Stub;
  using results = reapi::ActionCache::Stub;
  unary(stub<reapi::Capabilities>(), &capabilities::GetCapabilities,
        reapi::GetCapabilitiesRequest(), reapi::ServerCapabilities());
  unary(stub<reapi::ContentAddressableStorage>(), &blobs::FindMissingBlobs,
        reapi::FindMissingBlobsRequest(), reapi::FindMissingBlobsResponse());
  unary(stub<reapi::ContentAddressableStorage>(), &blobs::BatchUpdateBlobs,
        reapi::BatchUpdateBlobsRequest(), reapi::BatchUpdateBlobsResponse());
  unary(stub<reapi::ContentAddressableStorage>(), &blobs::BatchReadBlobs,
        reapi::BatchReadBlobsRequest(), reapi::BatchReadBlobsResponse());
  unary(stub<reapi::ActionCache>(), &results::GetActionResult, reapi::GetActionResultRequest(),
        reapi::ActionResult());
  unary(stub<reapi::ActionCache>(), &results::UpdateActionResult,
        reapi::UpdateActionResultRequest(), reapi::ActionResult());
  const auto name = "other/blobs/" + digest().to_string();
  client_context tree_call;
  client_context read_call;
  client_context execute_call;
  reapi::GetTreeRequest tree;
  tree.set_instance_name("other");
  check(stub<reapi::ContentAddressableStorage>()->GetTree(&tree_call, tree)->Finish());
  google::bytestream::ReadRequest read;
  read.set_resource_name(name);
  check(stub<google::bytestream::ByteStream>()->Read(&read_call, read)->Finish());
  reapi::ExecuteRequest execution;
  execution.set_instance_name("other");
  check(stub<reapi::Execution>()->Execute(&execute_call, execution)->Finish());
}

CAF_TEST_FIXTURE_SCOPE_END()
