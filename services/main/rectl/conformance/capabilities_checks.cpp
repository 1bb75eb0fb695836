#include "services/main/rectl/conformance/subject.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace expbuild::conformance {

namespace {

std::string version_of(const build::bazel::semver::SemVer& x) {
  return std::to_string(x.major()) + "." + std::to_string(x.minor());
}

void low_api_version_is_2_0(subject& s) {
  expect_equal("low_api_version", version_of(s.capabilities().low_api_version()), "2.0");
}

void high_api_version_is_at_least_2_3(subject& s) {
  const auto& high = s.capabilities().high_api_version();
  expect(high.major() == 2 && high.minor() >= 3, "high_api_version at least 2.3 and below 3",
         version_of(high));
}

void digest_functions_are_known_and_listed_once(subject& s) {
  std::set<int> seen;
  for (const auto function : s.capabilities().cache_capabilities().digest_functions()) {
    expect(function != reapi::DigestFunction::UNKNOWN, "no UNKNOWN among digest_functions",
           "UNKNOWN");
    expect(seen.insert(function).second, "each digest function once",
           reapi::DigestFunction::Value_Name(static_cast<reapi::DigestFunction::Value>(function))
               + " twice");
  }
}

void single_digest_function_is_in_the_list(subject& s) {
  s.need_execution();
  const auto& x = s.capabilities().execution_capabilities();
  const auto& all = x.digest_functions();
  expect(std::find(all.begin(), all.end(), x.digest_function()) != all.end(),
         "execution_capabilities.digest_function among its digest_functions",
         reapi::DigestFunction::Value_Name(x.digest_function()));
}

void single_digest_function_is_sha256_when_that_is_offered(subject& s) {
  s.need_execution();
  expect_equal("execution_capabilities.digest_function",
               reapi::DigestFunction::Value_Name(
                   s.capabilities().execution_capabilities().digest_function()),
               "SHA256");
}

void execution_functions_are_those_of_the_cache(subject& s) {
  s.need_execution();
  const auto& of_cache = s.capabilities().cache_capabilities().digest_functions();
  for (const auto x : s.capabilities().execution_capabilities().digest_functions())
    expect(std::find(of_cache.begin(), of_cache.end(), x) != of_cache.end(),
           "execution with digest functions that the CAS has",
           reapi::DigestFunction::Value_Name(static_cast<reapi::DigestFunction::Value>(x)));
}

void expect_every_priority(const reapi::PriorityCapabilities& x, const std::string& what) {
  const bool all = std::any_of(x.priorities().begin(), x.priorities().end(), [](const auto& range) {
    return range.min_priority() == std::numeric_limits<std::int32_t>::min()
           && range.max_priority() == std::numeric_limits<std::int32_t>::max();
  });
  expect(all, what + " to be the whole range of int32", show(x.ShortDebugString()));
}

void execution_priorities_are_all_of_int32(subject& s) {
  s.need_execution();
  expect_every_priority(s.capabilities().execution_capabilities().execution_priority_capabilities(),
                        "execution_priority_capabilities");
}

void cache_priorities_are_all_of_int32(subject& s) {
  expect_every_priority(s.capabilities().cache_capabilities().cache_priority_capabilities(),
                        "cache_priority_capabilities");
}

void batch_limit_is_neither_zero_nor_tiny(subject& s) {
  const auto limit = s.capabilities().cache_capabilities().max_batch_total_size_bytes();
  expect(limit >= 1 << 20, "max_batch_total_size_bytes of a MiB or more", show(limit));
}

void batch_limit_leaves_room_for_framing(subject& s) {
  const auto limit = s.capabilities().cache_capabilities().max_batch_total_size_bytes();
  expect(limit % (1 << 20) != 0,
         "max_batch_total_size_bytes below a round number of MiB, since messages of that size "
         "hold framing, too",
         show(limit));
}

void symlink_strategy_is_told(subject& s) {
  const auto strategy = s.capabilities().cache_capabilities().symlink_absolute_path_strategy();
  expect(strategy != reapi::SymlinkAbsolutePathStrategy::UNKNOWN,
         "symlink_absolute_path_strategy DISALLOWED or ALLOWED", "UNKNOWN");
}

void compressors_are_known(subject& s) {
  const auto& cache = s.capabilities().cache_capabilities();
  for (const auto& list :
       {cache.supported_compressors(), cache.supported_batch_update_compressors()})
    for (const auto x : list)
      expect(reapi::Compressor::Value_IsValid(x), "compressors that the protocol knows", show(x));
}

} // namespace

check_list capabilities_checks() {
  return {
      {"capabilities.low_api_version_is_2_0",
       "Bazel 4 and 7 speak 2.0 and refuse a server whose range begins above it.",
       low_api_version_is_2_0},
      {"capabilities.high_api_version_is_at_least_2_3",
       "Clients send output_paths and digest functions only to servers that are new enough.",
       high_api_version_is_at_least_2_3},
      {"capabilities.digest_functions_are_known_and_listed_once",
       "digest_functions lists each function that the server has, once.",
       digest_functions_are_known_and_listed_once},
      {"capabilities.single_digest_function_is_in_the_list",
       "execution_capabilities.digest_function is one of its digest_functions.",
       single_digest_function_is_in_the_list},
      {"capabilities.single_digest_function_is_sha256_when_that_is_offered",
       "Clients that know only the single field insist on SHA256.",
       single_digest_function_is_sha256_when_that_is_offered},
      {"capabilities.execution_functions_are_those_of_the_cache",
       "What can be executed can be uploaded.", execution_functions_are_those_of_the_cache},
      {"capabilities.execution_priorities_are_all_of_int32",
       "Bazel refuses a server whose range excludes the priority that it was told to use.",
       execution_priorities_are_all_of_int32},
      {"capabilities.cache_priorities_are_all_of_int32",
       "Bazel refuses a server whose range excludes the priority that it was told to use.",
       cache_priorities_are_all_of_int32},
      {"capabilities.batch_limit_is_neither_zero_nor_tiny",
       "max_batch_total_size_bytes 0 makes the Go SDK never batch; a tiny one nearly so.",
       batch_limit_is_neither_zero_nor_tiny},
      {"capabilities.batch_limit_leaves_room_for_framing",
       "Clients compare sums of payloads with it: a message's framing must fit beside them.",
       batch_limit_leaves_room_for_framing},
      {"capabilities.symlink_strategy_is_told",
       "A client must know whether absolute symlinks are allowed.", symlink_strategy_is_told},
      {"capabilities.compressors_are_known",
       "supported_compressors and supported_batch_update_compressors hold known values.",
       compressors_are_known},
  };
}

} // namespace expbuild::conformance
