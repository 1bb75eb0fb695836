#define CAF_SUITE storage.digest_check
#include "storage/digest_check.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

digest longer(const digest& x) {
  return digest(x.function(), x.raw_hash(), x.size_bytes() + 1);
}

bool names(const absl::Status& x, const digest& id) {
  return std::string(x.message()).find(id.to_string()) != std::string::npos;
}

} // namespace

CAF_TEST(bytes are whole when their size and their hash are right) {
  for (const auto function : {digest_function::sha256, digest_function::md5}) {
    const auto id = digest::of("hello", function);
    CAF_CHECK(is_whole(id, "hello"));
    CAF_CHECK(!is_whole(id, "hellO"));
    CAF_CHECK(!is_whole(id, "hell"));
    CAF_CHECK(!is_whole(longer(id), "hello"));
  }
  CAF_CHECK(is_whole(digest(), ""));
}

CAF_TEST(bytes that are not what was announced are refused naming both) {
  for (const auto function : {digest_function::sha256, digest_function::sha512}) {
    const auto announced = digest::of("hello", function);
    CAF_CHECK(check_sent(announced, "hello").ok());
    const auto refused = check_sent(announced, "hellO");
    CAF_CHECK(absl::IsInvalidArgument(refused));
    CAF_CHECK(names(refused, announced));
    CAF_CHECK(names(refused, digest::of("hellO", function)));
    CAF_CHECK(absl::IsInvalidArgument(check_sent(longer(announced), announced)));
  }
}
