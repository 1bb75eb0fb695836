#pragma once
#include "google/rpc/status.pb.h"

#include <grpcpp/support/status.h>

#include <stdexcept>
#include <string>
#include <vector>

/// What a conformance check is, and the words that it is written in.

namespace expbuild::conformance {

class subject;

/// One rule of the protocol, and how to find out whether a server keeps it.
struct check {
  const char* name;      ///< "area.the_rule_in_words"
  const char* rule;      ///< a sentence, for people
  void (*run)(subject&); ///< returns when the rule is kept; throws `broken` or `not_offered`
};

/// The server breaks the rule: what was expected, what came.
struct broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The server does not claim to offer what the rule is about.
struct not_offered : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A value as it is shown: texts quoted and shortened, bytes that are no text counted.
std::string show(const std::string& x);
std::string show(const char* x);
std::string show(bool x);
std::string show(const grpc::Status& x);
template <class Number>
std::string show(Number x) {
  return std::to_string(x);
}

/// Throws `broken` unless it holds.
void expect(bool holds, const std::string& expected, const std::string& came);

template <class Value, class Expected>
void expect_equal(const std::string& what, const Value& came, const Expected& expected) {
  expect(came == expected, what + " = " + show(expected), show(came));
}

/// OK, or what was being done and the server's own words.
void expect_ok(const std::string& doing, const grpc::Status& came);
void expect_ok(const std::string& doing, const google::rpc::Status& came);
/// Exactly this code.
void expect_code(const std::string& doing, const grpc::Status& came, grpc::StatusCode expected);
void expect_code(const std::string& doing, const google::rpc::Status& came,
                 grpc::StatusCode expected);
/// Any code but OK; neither UNAVAILABLE, UNIMPLEMENTED nor DEADLINE_EXCEEDED, which say nothing
/// about the request.
void expect_refused(const std::string& doing, const grpc::Status& came);

/// Throws `not_offered` when this is what the status says.
void stop_if_unimplemented(const std::string& what, const grpc::Status& came);

/// A status of a message as that of a call.
grpc::Status as_call(const google::rpc::Status& x);

// ---- the areas, one .cpp each -------------------------------------------------------------------

using check_list = std::vector<check>;

check_list capabilities_checks();
check_list instance_checks();
check_list digest_checks();
check_list empty_blob_checks();
check_list byte_stream_read_checks();
check_list byte_stream_write_checks();
check_list resource_name_checks();
check_list resume_checks();
check_list compression_checks();
check_list cas_checks();
check_list chunking_checks();
check_list tree_checks();
check_list action_cache_checks();
check_list completeness_checks();
check_list execution_checks();
check_list caching_checks();
check_list missing_checks();
check_list directory_checks();
check_list input_checks();
check_list command_checks();
check_list platform_checks();
check_list output_checks();
check_list output_path_checks();
check_list output_tree_checks();
check_list operations_checks();
check_list transport_checks();

} // namespace expbuild::conformance
