#include "services/main/rectl/conformance/requests.hpp"

/// Rules that hold for the requests of every rpc.

namespace expbuild::conformance {

namespace {

constexpr auto invalid = grpc::StatusCode::INVALID_ARGUMENT;

template <rpc Ask>
void unknown_instance_is_refused(subject& s) {
  if (Ask == ask_update_result)
    s.need_cache_updates();
  if (Ask == ask_execute)
    s.need_execution();
  const auto name = "no-such-instance/" + s.instance();
  expect_code("a request to an unknown instance", Ask(s, {name, {}, absent_digest(s).to_proto()}),
              invalid);
}

/// A function that the server does not announce.
reapi::DigestFunction::Value unannounced(subject& s) {
  const auto& announced = s.capabilities().cache_capabilities().digest_functions();
  for (const auto x : {reapi::DigestFunction::VSO, reapi::DigestFunction::SHA256TREE,
                       reapi::DigestFunction::MURMUR3, reapi::DigestFunction::BLAKE3})
    if (std::find(announced.begin(), announced.end(), x) == announced.end())
      return x;
  throw not_offered("the server announces every digest function");
}

template <rpc Ask>
void unannounced_digest_function_is_refused(subject& s) {
  if (Ask == ask_update_result)
    s.need_cache_updates();
  if (Ask == ask_execute)
    s.need_execution();
  const auto function = unannounced(s);
  expect_code("a request with digest function " + reapi::DigestFunction::Value_Name(function),
              Ask(s, {s.instance(), function, absent_digest(s).to_proto()}), invalid);
}

template <rpc Ask>
void hash_of_wrong_length_is_refused(subject& s) {
  if (Ask == ask_update_result)
    s.need_cache_updates();
  if (Ask == ask_execute)
    s.need_execution();
  const auto id = with_hash(absent_digest(s), std::string(63, 'a'));
  expect_code("a hash of 63 digits", Ask(s, {s.instance(), {}, id}), invalid);
}

constexpr char instance_rule[] =
    "An unknown instance is INVALID_ARGUMENT; NOT_FOUND would be taken for a miss.";
constexpr char function_rule[] = "A digest function that is not announced is INVALID_ARGUMENT.";
constexpr char length_rule[] =
    "A hash whose length fits no announced digest function is INVALID_ARGUMENT.";

} // namespace

check_list instance_checks() {
#define EACH(RULE, TEXT, NAME, ASK)                                                                \
  { "requests." #RULE "_by_" NAME, TEXT, RULE<ASK> }
#define UNKNOWN_INSTANCE(NAME, ASK) EACH(unknown_instance_is_refused, instance_rule, NAME, ASK)
#define FUNCTION(NAME, ASK) EACH(unannounced_digest_function_is_refused, function_rule, NAME, ASK)
#define LENGTH(NAME, ASK) EACH(hash_of_wrong_length_is_refused, length_rule, NAME, ASK)
  return {
      UNKNOWN_INSTANCE("GetCapabilities", ask_capabilities),
      UNKNOWN_INSTANCE("FindMissingBlobs", ask_find_missing),
      UNKNOWN_INSTANCE("BatchUpdateBlobs", ask_batch_update),
      UNKNOWN_INSTANCE("BatchReadBlobs", ask_batch_read),
      UNKNOWN_INSTANCE("GetTree", ask_get_tree),
      UNKNOWN_INSTANCE("Read", ask_read),
      UNKNOWN_INSTANCE("Write", ask_write),
      UNKNOWN_INSTANCE("QueryWriteStatus", ask_query),
      UNKNOWN_INSTANCE("GetActionResult", ask_get_result),
      UNKNOWN_INSTANCE("UpdateActionResult", ask_update_result),
      UNKNOWN_INSTANCE("Execute", ask_execute),
      FUNCTION("FindMissingBlobs", ask_find_missing),
      FUNCTION("BatchUpdateBlobs", ask_batch_update),
      FUNCTION("BatchReadBlobs", ask_batch_read),
      FUNCTION("GetTree", ask_get_tree),
      FUNCTION("GetActionResult", ask_get_result),
      FUNCTION("UpdateActionResult", ask_update_result),
      FUNCTION("Execute", ask_execute),
      LENGTH("FindMissingBlobs", ask_find_missing),
      LENGTH("BatchUpdateBlobs", ask_batch_update),
      LENGTH("BatchReadBlobs", ask_batch_read),
      LENGTH("GetTree", ask_get_tree),
      LENGTH("Read", ask_read),
      LENGTH("Write", ask_write),
      LENGTH("QueryWriteStatus", ask_query),
      LENGTH("GetActionResult", ask_get_result),
      LENGTH("UpdateActionResult", ask_update_result),
      LENGTH("Execute", ask_execute),
  };
#undef LENGTH
#undef FUNCTION
#undef UNKNOWN_INSTANCE
#undef EACH
}

} // namespace expbuild::conformance
