#define CAF_SUITE worker.output_collection
#include "test/worker/workspace_fixture.hpp"

#include <fcntl.h>
#include <sys/stat.h>

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(output_collection_tests, workspace_fixture)

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

CAF_TEST_FIXTURE_SCOPE_END()
