#pragma once
#include "storage/backend.hpp"
#include "storage/posix.hpp"

#include <caf/test/unit_test.hpp>

#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>

namespace expbuild::test {

/// Links a blob into a folder as "one", "two" and "program": the first two are the same file, the
/// third has a mode of its own.
inline void check_links(blob_reader& blob, const std::filesystem::path& folder) {
  const unique_fd target(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const auto* name : {"one", "two"})
    CAF_CHECK(blob.link_into(target.get(), name, false).ok());
  CAF_CHECK(blob.link_into(target.get(), "program", true).ok());
  struct stat one {};
  struct stat two {};
  struct stat program {};
  ::stat((folder / "one").c_str(), &one);
  ::stat((folder / "two").c_str(), &two);
  ::stat((folder / "program").c_str(), &program);
  CAF_CHECK_EQUAL(one.st_ino, two.st_ino);
  CAF_CHECK_EQUAL(one.st_mode & 0777u, 0444u);
  CAF_CHECK_EQUAL(program.st_mode & 0777u, 0555u);
}

} // namespace expbuild::test
