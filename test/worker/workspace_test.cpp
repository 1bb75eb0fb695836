#define CAF_SUITE worker.workspace
#include "actors/worker/remove_tree.hpp"
#include "test/worker/workspace_fixture.hpp"

#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture : workspace_fixture {
  /// Runs a shell in the input root as `uid`; the exit code.
  int shell_as(unsigned uid, const std::string& script) {
    const auto pid = ::fork();
    if (pid == 0) {
      if (::geteuid() == 0 && (::setgid(uid) != 0 || ::setuid(uid) != 0))
        ::_exit(99);
      ::execl("/bin/sh", "sh", "-c",
              ("cd " + space->working_directory().string() + " && " + script).c_str(), nullptr);
      ::_exit(98);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(workspace_tests, fixture)

CAF_TEST(no action can change a stored blob whoever it runs as) {
  const std::string attack = "echo hacked > input; chmod u+w input; echo hacked >> input; "
                             "rm -f input; echo mine > input";
  const bool root = ::geteuid() == 0;
  for (const bool linked : {false, true}) {
    if (linked && !root)
      continue; // only another user's actions get links
    options.may_link = linked;
    CAF_REQUIRE(stage(inputs()).ok());
    shell_as(options.uid, attack);
    CAF_CHECK(store_is_intact());
    CAF_CHECK_EQUAL(read_text(path("input")),
                    "mine\n"); // what it does in its own folder is its own
  }
  if (!root)
    return;
  options.may_link = false; // as for run_as_user = "root"
  options.uid = options.gid = 0;
  CAF_REQUIRE(stage(inputs()).ok());
  shell_as(0, attack);
  CAF_CHECK(store_is_intact());
}

CAF_TEST(an absolute link is refused or kept as the server is told on both sides) {
  reapi::Directory root;
  root.add_symlinks()->set_name("input");
  root.mutable_symlinks(0)->set_target("/etc/hostname");
  const auto id = *write_blob(*store, root.SerializeAsString(), sha);
  const auto refused = stage(id);
  CAF_CHECK(absl::IsInvalidArgument(refused));
  CAF_CHECK(std::string(refused.message()).find("'input'") != std::string::npos);
  options.symlinks = absolute_symlinks::allowed;
  command.add_output_paths("output");
  CAF_REQUIRE(stage(id).ok());
  CAF_CHECK_EQUAL(std::filesystem::read_symlink(path("input")).string(), "/etc/hostname");
  std::filesystem::create_symlink("/etc/passwd", path("output"));
  const auto collected = collect();
  CAF_REQUIRE(collected.ok());
  CAF_CHECK_EQUAL(collected->result.output_symlinks(0).target(), "/etc/passwd");
  CAF_CHECK_EQUAL(collected->result.output_file_symlinks(0).target(), "/etc/passwd");
}

CAF_TEST(removing leaves nothing whatever modes and depth there are) {
  CAF_REQUIRE(stage(inputs()).ok());
  auto deep = space->working_directory();
  for (int i = 0; i < 50; ++i)
    deep /= "d";
  write_text(deep / "leaf", "x");
  std::filesystem::permissions(deep, std::filesystem::perms::none);
  std::filesystem::create_directory_symlink(folder.path() / "store", path("trap"));
  space->remove();
  CAF_CHECK(std::filesystem::is_empty(options.directory));
  CAF_CHECK(store_is_intact());
}

CAF_TEST(removing changes nothing behind a link that takes the place of a folder) {
  const auto top = folder.path() / "removing";
  const auto victim = folder.path() / "victim";
  std::filesystem::create_directory(victim);
  std::filesystem::permissions(victim, std::filesystem::perms(0755));
  const unique_fd at(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto link = folder.path() / "link";
  std::atomic<bool> over = false;
  std::thread other([&] {
    while (!over)
      ::renameat2(at.get(), "removing/folder", at.get(), "link", RENAME_EXCHANGE);
  });
  bool changed = false;
  for (int round = 0; round < 500 && !changed; ++round) {
    ::mkdir(top.c_str(), 0755);
    ::mkdir((top / "folder").c_str(), 0755);
    write_text(top / "other/file", "");
    remove_tree(at.get(), "removing").IgnoreError(); // it may fail when the folder is no folder
    ::rmdir(link.c_str());                           // it may be the folder
    [[maybe_unused]] const int made = ::symlink(victim.c_str(), link.c_str());
    changed = std::filesystem::status(victim).permissions() != std::filesystem::perms(0755);
  }
  over = true;
  other.join();
  CAF_CHECK(!changed);
}

CAF_TEST(what an earlier life left is cleared at start) {
  write_text(options.directory / "attempt-7/root/old", "old");
  CAF_CHECK(prepare_workspaces(options).ok());
  CAF_CHECK(std::filesystem::is_empty(options.directory));
}

CAF_TEST_FIXTURE_SCOPE_END()
