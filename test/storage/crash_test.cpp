#define CAF_SUITE storage.crash
#include "storage/backend.hpp"
#include "storage/store_lock.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <csignal>
#include <cstdio>
#include <memory>
#include <sys/wait.h>
#include <unistd.h>

using namespace expbuild;
using namespace expbuild::test;

namespace {

/// Starts the writer, reads `count` acknowledgements, then kills it -9 wherever it is.
std::vector<std::string> acknowledged_before_kill(const std::filesystem::path& root, long first,
                                                  std::size_t count) {
  int ends[2];
  CAF_REQUIRE(::pipe(ends) == 0);
  const auto number = std::to_string(first);
  const auto pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], 1);
    ::close(ends[0]);
    ::execl(CRASH_WRITER, CRASH_WRITER, root.c_str(), number.c_str(), nullptr);
    ::_exit(1);
  }
  ::close(ends[1]);
  std::vector<std::string> lines;
  const std::unique_ptr<FILE, int (*)(FILE*)> out(::fdopen(ends[0], "r"), std::fclose);
  char line[256];
  while (lines.size() < count && std::fgets(line, sizeof line, out.get()) != nullptr)
    lines.emplace_back(line);
  ::kill(pid, SIGKILL);
  while (std::fgets(line, sizeof line, out.get()) != nullptr) // what it said before it died
    lines.emplace_back(line);
  ::waitpid(pid, nullptr, 0);
  return lines;
}

} // namespace

CAF_TEST(after kill - 9 every final name is whole and everything acknowledged is there) {
  temporary_folder folder;
  const auto root = folder.path() / "store";
  std::vector<std::string> acknowledged;
  for (int round = 0; round < 20; ++round)
    for (auto& line : acknowledged_before_kill(root, round * 1000, 1 + round % 7))
      acknowledged.push_back(std::move(line));
  const auto store = *make_filesystem_backend({root});
  std::size_t found = 0;
  CAF_CHECK(store
                ->for_each([&](const digest& id) {
                  ++found;
                  const auto bytes = read_blob(*store, id, 1 << 20);
                  CAF_CHECK(bytes.ok() && digest::of(*bytes) == id);
                })
                .ok());
  CAF_CHECK(found >= acknowledged.size());
  for (const auto& line : acknowledged) {
    const auto slash = line.find('/');
    const auto id = digest::parse(line.substr(0, slash), std::stoll(line.substr(slash + 1)),
                                  digest_function::sha256);
    CAF_CHECK(store->open(*id).ok());
  }
  CAF_CHECK_EQUAL(count_files(root / "tmp"), 0u);
}

CAF_TEST(one store has one holder and the second hears who it is) {
  temporary_folder folder;
  const auto first = store_lock::acquire(folder.path() / "s");
  CAF_REQUIRE(first.ok());
  const auto second = store_lock::acquire(folder.path() / "s");
  CAF_CHECK(absl::IsFailedPrecondition(second.status()));
  CAF_CHECK(std::string(second.status().message()).find(std::to_string(::getpid()))
            != std::string::npos);
}

CAF_TEST(a lock ends with its holder) {
  temporary_folder folder;
  { CAF_CHECK(store_lock::acquire(folder.path()).ok()); }
  CAF_CHECK(store_lock::acquire(folder.path()).ok());
}

CAF_TEST(a store of another format is refused naming both) {
  temporary_folder folder;
  write_text(folder.path() / "FORMAT", "expbuild-store 99\n");
  const auto refused = store_lock::acquire(folder.path());
  CAF_CHECK(absl::IsUnimplemented(refused.status()));
  CAF_CHECK(std::string(refused.status().message()).find("expbuild-store 99") != std::string::npos);
}
