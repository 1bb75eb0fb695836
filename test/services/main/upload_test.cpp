#define CAF_SUITE daemon.upload
#include "services/main/rectl/upload.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST(a file whose disk fails is an error and not a shorter blob) {
  const temporary_folder folder;
  write_text(folder.path() / "file", "text");
  upload_set all;
  const auto added = all.add_file(folder.path() / "file");
  CAF_REQUIRE(added.ok());
  CAF_CHECK_EQUAL(added->size_bytes(), 4);
  const auto failing = all.add_file("/proc/self/mem"); // opens, and fails to read: EIO
  CAF_CHECK(absl::IsDataLoss(failing.status()));
  CAF_CHECK(failing.status().message().find("/proc/self/mem") != std::string::npos);
  CAF_CHECK(absl::IsNotFound(all.add_file(folder.path() / "none").status()));
  CAF_CHECK_EQUAL(all.total_bytes(), 4);
}
