#pragma once
#include "actors/worker/workspace.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <unistd.h>

namespace expbuild::test {

inline constexpr auto sha = digest_function::sha256;

/// The workspace of one attempt, beside a store on a disk.
struct workspace_fixture {
  temporary_folder folder;
  std::shared_ptr<backend> store = *make_filesystem_backend({folder.path() / "store"});
  workspace_options options;
  std::unique_ptr<workspace> space;
  reapi::Command command;

  workspace_fixture() {
    options.directory = folder.path() / "work";
    options.uid = ::geteuid() == 0 ? 65534 : ::getuid();
    options.gid = ::geteuid() == 0 ? 65534 : ::getgid();
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0711));
    CAF_REQUIRE(prepare_workspaces(options).ok());
    command.add_arguments("cc");
  }

  absl::Status stage(const digest& root) {
    static std::uint64_t attempt = 0;
    space = make_workspace(options, store, sha, ++attempt);
    return space->stage(root, command);
  }

  /// An input root with a plain file, a program and a link.
  digest inputs() {
    reapi::Directory root;
    for (const auto& [name, text] :
         {std::pair{"input", "stored text"}, std::pair{"tool", "#!/bin/sh\n"}}) {
      auto& file = *root.add_files();
      file.set_name(name);
      *file.mutable_digest() = write_blob(*store, text, sha)->to_proto();
      file.set_is_executable(file.name() == "tool");
    }
    auto& link = *root.add_symlinks();
    link.set_name("link");
    link.set_target("input");
    return *write_blob(*store, root.SerializeAsString(), sha);
  }

  std::filesystem::path path(const std::string& name) { return space->working_directory() / name; }

  /// Puts a file where the command would, with the logs that an executor makes.
  void make_output(const std::string& name, const std::string& text) {
    write_text(path(name), text);
  }

  absl::StatusOr<collected_outputs> collect() {
    write_text(space->stdout_path(), "printed");
    write_text(space->stderr_path(), "");
    return space->collect(command, nullptr);
  }

  bool store_is_intact() {
    bool intact = true;
    CAF_CHECK(store
                  ->for_each([&](const digest& id) {
                    const auto bytes = read_blob(*store, id, 1 << 20);
                    intact = intact && bytes.ok() && digest::of(*bytes) == id;
                  })
                  .ok());
    return intact;
  }
};

} // namespace expbuild::test
