#include "services/main/rectl/conformance/check.hpp"

#include <algorithm>

namespace expbuild::conformance {

namespace {

std::string name_of(int code) {
  static const char* const names[] = {"OK",
                                      "CANCELLED",
                                      "UNKNOWN",
                                      "INVALID_ARGUMENT",
                                      "DEADLINE_EXCEEDED",
                                      "NOT_FOUND",
                                      "ALREADY_EXISTS",
                                      "PERMISSION_DENIED",
                                      "RESOURCE_EXHAUSTED",
                                      "FAILED_PRECONDITION",
                                      "ABORTED",
                                      "OUT_OF_RANGE",
                                      "UNIMPLEMENTED",
                                      "INTERNAL",
                                      "UNAVAILABLE",
                                      "DATA_LOSS",
                                      "UNAUTHENTICATED"};
  return code >= 0 && code < 17 ? names[code] : "code " + std::to_string(code);
}

bool is_text(unsigned char c) {
  return c >= 0x20 || c == '\n' || c == '\t';
}

} // namespace

std::string show(const std::string& x) {
  if (!std::all_of(x.begin(), x.end(), is_text))
    return std::to_string(x.size()) + " bytes";
  constexpr std::size_t most = 200;
  return "'" + x.substr(0, most) + (x.size() > most ? "...'" : "'");
}

std::string show(const char* x) {
  return show(std::string(x));
}

std::string show(bool x) {
  return x ? "true" : "false";
}

std::string show(const grpc::Status& x) {
  return name_of(x.error_code())
         + (x.error_message().empty() ? "" : " (" + x.error_message().substr(0, 300) + ")");
}

grpc::Status as_call(const google::rpc::Status& x) {
  return {static_cast<grpc::StatusCode>(x.code()), x.message(), x.SerializeAsString()};
}

void expect(bool holds, const std::string& expected, const std::string& came) {
  if (!holds)
    throw broken("expected " + expected + "; came " + came);
}

void expect_ok(const std::string& doing, const grpc::Status& came) {
  expect_code(doing, came, grpc::StatusCode::OK);
}

void expect_ok(const std::string& doing, const google::rpc::Status& came) {
  expect_code(doing, as_call(came), grpc::StatusCode::OK);
}

void expect_code(const std::string& doing, const grpc::Status& came, grpc::StatusCode expected) {
  expect(came.error_code() == expected, doing + " to be answered with " + name_of(expected),
         show(came));
}

void expect_code(const std::string& doing, const google::rpc::Status& came,
                 grpc::StatusCode expected) {
  expect_code(doing, as_call(came), expected);
}

void expect_refused(const std::string& doing, const grpc::Status& came) {
  const auto code = came.error_code();
  expect(code != grpc::StatusCode::OK && code != grpc::StatusCode::UNAVAILABLE
             && code != grpc::StatusCode::UNIMPLEMENTED
             && code != grpc::StatusCode::DEADLINE_EXCEEDED,
         doing + " to be refused", show(came));
}

void stop_if_unimplemented(const std::string& what, const grpc::Status& came) {
  if (came.error_code() == grpc::StatusCode::UNIMPLEMENTED)
    throw not_offered(what + " is UNIMPLEMENTED");
}

} // namespace expbuild::conformance
