#define CAF_SUITE worker.workspace
#include "actors/worker/workspace.hpp"
#include "storage/missing.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace expbuild;
using namespace expbuild::test;

namespace {

constexpr auto sha = digest_function::sha256;

struct fixture {
  temporary_folder folder;
  std::shared_ptr<backend> store = *make_filesystem_backend({folder.path() / "store"});
  workspace_options options;
  std::unique_ptr<workspace> space;
  reapi::Command command;

  fixture() {
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

} // namespace

CAF_TEST_FIXTURE_SCOPE(workspace_tests, fixture)

CAF_TEST(inputs are staged with links and executable bits and parents of outputs) {
  command.set_working_directory("w");
  command.add_output_paths("deep/er/out");
  CAF_REQUIRE(stage(inputs()).ok());
  const auto root = space->working_directory().parent_path();
  CAF_CHECK_EQUAL(read_text(root / "input"), "stored text");
  CAF_CHECK_EQUAL(read_text(root / "link"), "stored text");
  CAF_CHECK(std::filesystem::is_symlink(root / "link"));
  CAF_CHECK_EQUAL(::access((root / "tool").c_str(), X_OK), 0);
  CAF_CHECK(std::filesystem::is_directory(path("deep/er")));
  CAF_CHECK(!std::filesystem::exists(path("deep/er/out")));
}

CAF_TEST(inputs of an attempt are promised to it) {
  const auto root = inputs();
  const auto now = options.clock();
  const auto victims_in = [&](store_seconds seconds) {
    const auto chosen = store->index().choose_victims(1 << 20, 100, now + seconds);
    for (const auto& x : chosen)
      store->index().add(x.id, x.place, x.stamp);
    return chosen.size();
  };
  CAF_CHECK_EQUAL(victims_in(500), 3u);
  options.inputs_promised = 1000;
  CAF_REQUIRE(stage(root).ok());
  CAF_CHECK_EQUAL(victims_in(500), 1u); // the directory itself
  CAF_CHECK(victims_in(5000) > 1u);
}

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

CAF_TEST(a large input root is staged once and lies ready below an overlay) {
  options.trees = *staged_trees::open({.directory = folder.path() / "trees", .min_entries = 3},
                                      make_inline_io_pool());
  command.set_working_directory("w");
  command.add_output_paths("deep/out");
  for (int i = 0; i < 2; ++i) {
    CAF_REQUIRE(stage(inputs()).ok());
    const auto overlay = space->overlay();
    CAF_REQUIRE(overlay);
    CAF_CHECK_EQUAL(read_text(overlay->lower / "input"), "stored text");
    CAF_CHECK(std::filesystem::is_symlink(overlay->lower / "link"));
    CAF_CHECK(std::filesystem::is_directory(overlay->upper / "w/deep"));
    CAF_CHECK(std::filesystem::is_empty(overlay->at));
    CAF_CHECK_EQUAL(overlay->at / "w", space->working_directory());
    CAF_CHECK_EQUAL(options.trees->entries(), 3u);
    space->remove();
  }
  CAF_CHECK(count_files(folder.path() / "work") == 0);
  CAF_CHECK(store_is_intact());
}

CAF_TEST(a small input root needs no overlay) {
  options.trees = *staged_trees::open({.directory = folder.path() / "trees", .min_entries = 4},
                                      make_inline_io_pool());
  CAF_REQUIRE(stage(inputs()).ok());
  CAF_CHECK(!space->overlay());
  CAF_CHECK_EQUAL(read_text(path("input")), "stored text");
  CAF_REQUIRE(stage(digest()).ok());
  CAF_CHECK(!space->overlay());
}

CAF_TEST(a folder for an output can not stand where the inputs have a file) {
  for (const bool shared : {false, true}) {
    if (shared)
      options.trees = *staged_trees::open({.directory = folder.path() / "trees", .min_entries = 1},
                                          make_inline_io_pool());
    for (const auto* path : {"input/out", "link/out", "tool/deeper/out"}) {
      command.clear_output_paths();
      command.add_output_paths(path);
      CAF_CHECK(absl::IsInvalidArgument(stage(inputs())));
    }
  }
}

CAF_TEST(what a staged tree lacks is told like any other missing blob) {
  options.trees = *staged_trees::open({.directory = folder.path() / "trees", .min_entries = 1},
                                      make_inline_io_pool());
  const auto root = inputs();
  CAF_CHECK(store->remove(digest::of("stored text")).ok());
  const auto status = stage(root);
  CAF_CHECK(absl::IsFailedPrecondition(status));
  CAF_CHECK_EQUAL(missing_blobs_of(status).size(), 1u);
  CAF_CHECK_EQUAL(options.trees->entries(), 0u);
}

CAF_TEST(all missing blobs are told at once) {
  reapi::Directory root;
  for (const auto* name : {"a", "b"}) {
    auto& file = *root.add_files();
    file.set_name(name);
    *file.mutable_digest() = digest::of(name).to_proto();
  }
  const auto status = stage(*write_blob(*store, root.SerializeAsString(), sha));
  CAF_CHECK(absl::IsFailedPrecondition(status));
  CAF_CHECK_EQUAL(missing_blobs_of(status).size(), 2u);
}

CAF_TEST(outputs of the newer kind are files and trees and links by digest) {
  for (const auto* name : {"file", "tree", "link", "dangling", "absent"})
    command.add_output_paths(name);
  CAF_REQUIRE(stage(digest()).ok());
  make_output("file", "made");
  make_output("tree/inner/leaf", "leaf");
  std::filesystem::create_symlink("tree", path("link"));
  std::filesystem::create_symlink("nowhere", path("dangling"));
  const auto collected = collect();
  CAF_REQUIRE(collected.ok());
  const auto& x = collected->result;
  CAF_CHECK_EQUAL(x.output_files_size(), 1);
  CAF_CHECK_EQUAL(x.output_files(0).digest().hash(), digest::of("made").hash());
  CAF_REQUIRE_EQUAL(x.output_directories_size(), 1);
  CAF_CHECK(x.output_directories(0).is_topologically_sorted());
  CAF_CHECK(!x.output_directories(0).has_root_directory_digest());
  CAF_CHECK_EQUAL(x.output_symlinks_size(), 2);
  CAF_CHECK_EQUAL(x.output_directory_symlinks(0).path(), "link");
  CAF_CHECK_EQUAL(x.output_file_symlinks(0).path(), "dangling");
  CAF_CHECK_EQUAL(x.stdout_digest().hash(), digest::of("printed").hash());
  CAF_CHECK_EQUAL(x.stderr_digest().hash(), digest().hash());
  for (const auto& id : collected->stored)
    CAF_CHECK(store->open(id).ok());
}

CAF_TEST(outputs of the older kind fill the older lists only) {
  command.add_output_files("file");
  command.add_output_files("link");
  command.add_output_directories("tree");
  CAF_REQUIRE(stage(digest()).ok());
  CAF_CHECK(std::filesystem::is_directory(path("tree"))); // made beforehand
  make_output("file", "made");
  std::filesystem::create_symlink("file", path("link"));
  const auto collected = collect();
  CAF_REQUIRE(collected.ok());
  CAF_CHECK_EQUAL(collected->result.output_files_size(), 1);
  CAF_CHECK_EQUAL(collected->result.output_directories_size(), 1);
  CAF_CHECK_EQUAL(collected->result.output_file_symlinks_size(), 1);
  CAF_CHECK_EQUAL(collected->result.output_symlinks_size(), 0);
}

CAF_TEST(directories are stored one by one when the format asks for them) {
  command.add_output_paths("tree");
  command.set_output_directory_format(reapi::Command::DIRECTORY_ONLY);
  CAF_REQUIRE(stage(digest()).ok());
  make_output("tree/a", "a");
  const auto collected = collect();
  const auto& output = collected->result.output_directories(0);
  CAF_CHECK(output.has_tree_digest());
  CAF_REQUIRE(output.has_root_directory_digest());
  CAF_CHECK(store->open(*digest::from_proto(output.root_directory_digest(), sha)).ok());
}

CAF_TEST(an output that can not be expressed is refused naming it) {
  command.add_output_paths("thing");
  CAF_REQUIRE(stage(digest()).ok());
  std::filesystem::create_symlink("/etc/passwd", path("thing"));
  const auto absolute = collect();
  CAF_CHECK(absl::IsFailedPrecondition(absolute.status()));
  CAF_CHECK(std::string(absolute.status().message()).find("'thing'") != std::string::npos);
  std::filesystem::remove(path("thing"));
  ::mkfifo(path("thing").c_str(), 0600);
  CAF_CHECK(absl::IsFailedPrecondition(collect().status()));
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

CAF_TEST(modes and times of inputs are those that the client named) {
  reapi::Directory root;
  auto& file = *root.add_files();
  file.set_name("input");
  *file.mutable_digest() = write_blob(*store, "old text", sha)->to_proto();
  file.mutable_node_properties()->mutable_unix_mode()->set_value(0640);
  file.mutable_node_properties()->mutable_mtime()->set_seconds(1'000'000'000);
  file.mutable_node_properties()->mutable_mtime()->set_nanos(5);
  CAF_REQUIRE(stage(*write_blob(*store, root.SerializeAsString(), sha)).ok());
  struct stat facts {};
  CAF_REQUIRE_EQUAL(::stat(path("input").c_str(), &facts), 0);
  CAF_CHECK_EQUAL(facts.st_mode & 07777u, 0640u);
  CAF_CHECK_EQUAL(facts.st_mtim.tv_sec, 1'000'000'000);
  CAF_CHECK_EQUAL(facts.st_mtim.tv_nsec, 5);
}

CAF_TEST(modes and times of outputs are told when they are asked for) {
  for (const auto* name : {"file", "tree", "link"})
    command.add_output_paths(name);
  for (const bool asked : {false, true}) {
    if (asked) {
      command.add_output_node_properties("unix_mode");
      command.add_output_node_properties("mtime");
    }
    CAF_REQUIRE(stage(digest()).ok());
    make_output("file", "made");
    make_output("tree/leaf", "leaf");
    std::filesystem::create_symlink("file", path("link"));
    const timespec times[2] = {{7, 0}, {1'000'000'000, 5}};
    for (const auto* name : {"file", "tree/leaf"}) {
      std::filesystem::permissions(path(name), std::filesystem::perms(0750));
      ::utimensat(AT_FDCWD, path(name).c_str(), times, 0);
    }
    const auto collected = collect();
    CAF_REQUIRE(collected.ok());
    const auto& x = collected->result;
    reapi::Tree tree;
    const auto tree_id = *digest::from_proto(x.output_directories(0).tree_digest(), sha);
    CAF_REQUIRE(tree.ParseFromString(*read_blob(*store, tree_id, 1 << 20)));
    CAF_CHECK_EQUAL(tree.root().has_node_properties(), asked);
    CAF_CHECK_EQUAL(x.output_symlinks(0).has_node_properties(), asked);
    for (const auto& properties :
         {x.output_files(0).node_properties(), tree.root().files(0).node_properties()}) {
      CAF_CHECK_EQUAL(properties.unix_mode().value(), asked ? 0750u : 0u);
      CAF_CHECK_EQUAL(properties.mtime().seconds(), asked ? 1'000'000'000 : 0);
      CAF_CHECK_EQUAL(properties.mtime().nanos(), asked ? 5 : 0);
    }
  }
}

CAF_TEST(an output behind a link out of the root is not followed) {
  write_text(folder.path() / "secret/key", "secret");
  command.add_output_paths("door/key");
  CAF_REQUIRE(stage(digest()).ok());
  std::filesystem::remove(path("door"));
  std::filesystem::create_directory_symlink(folder.path() / "secret", path("door"));
  const auto collected = collect();
  CAF_REQUIRE(collected.ok());
  CAF_CHECK_EQUAL(collected->result.output_files_size(), 0);
}

CAF_TEST(a parent of an output that the inputs make a link is refused) {
  command.add_output_paths("link/out");
  CAF_CHECK(absl::IsInvalidArgument(stage(inputs())));
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

CAF_TEST(what an earlier life left is cleared at start) {
  write_text(options.directory / "attempt-7/root/old", "old");
  CAF_CHECK(prepare_workspaces(options).ok());
  CAF_CHECK(std::filesystem::is_empty(options.directory));
}

CAF_TEST_FIXTURE_SCOPE_END()
