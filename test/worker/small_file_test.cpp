#define CAF_SUITE worker.small_file
#include "actors/worker/runner/small_file.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild::test;
using expbuild::runner::text_of;

CAF_TEST(a small file is read whole and one that can not be read is empty) {
  const temporary_folder folder;
  write_text(folder.path() / "file", std::string("a\n\0b\n", 5));
  CAF_CHECK_EQUAL(text_of(folder.path() / "file"), std::string("a\n\0b\n", 5));
  CAF_CHECK_EQUAL(text_of(folder.path() / "none"), "");
  CAF_CHECK_EQUAL(text_of(folder.path()), "");    // EISDIR
  CAF_CHECK_EQUAL(text_of("/proc/self/mem"), ""); // opens, and fails to read: EIO
}
