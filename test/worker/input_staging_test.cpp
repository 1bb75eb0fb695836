#define CAF_SUITE worker.input_staging
#include "storage/disk/disk_calls.hpp"
#include "storage/missing.hpp"
#include "test/worker/workspace_fixture.hpp"

#include <sys/stat.h>

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(input_staging_tests, workspace_fixture)

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

CAF_TEST(what can not be opened for want of descriptors is not called missing) {
  struct exhausted_disk : disk_calls {
    bool is_exhausted = false;
    int open(int dirfd, const char* path, int flags, mode_t mode) override {
      errno = EMFILE;
      return is_exhausted ? -1 : disk_calls::open(dirfd, path, flags, mode);
    }
  };
  const auto disk = std::make_shared<exhausted_disk>();
  store = *make_filesystem_backend(
      {.root = folder.path() / "another", .background = false, .calls = disk});
  const auto missing = digest::of("nobody stored it");
  reapi::Directory root;
  for (const auto& [name, id] :
       {std::pair{"a", missing},
        std::pair{"b", *write_blob(*store, std::string(50'000, 'x'), sha)}}) {
    auto& file = *root.add_files();
    file.set_name(name);
    *file.mutable_digest() = id.to_proto();
  }
  const auto id = *write_blob(*store, root.SerializeAsString(), sha);
  disk->is_exhausted = true;
  CAF_CHECK(missing_digests_of(stage(id)) == std::vector{missing});
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

CAF_TEST(a large input root is staged whole however many help) {
  options.io = make_io_pool({.long_threads = 4});
  reapi::Directory root;
  for (int d = 0; d < 7; ++d) {
    reapi::Directory below;
    for (int i = 0; i < 150; ++i) {
      auto& file = *below.add_files();
      file.set_name("file" + std::to_string(1000 + i));
      *file.mutable_digest() =
          write_blob(*store, std::to_string(d) + "/" + std::to_string(i), sha)->to_proto();
    }
    auto& node = *root.add_directories();
    node.set_name("folder" + std::to_string(d));
    *node.mutable_digest() = write_blob(*store, below.SerializeAsString(), sha)->to_proto();
  }
  const auto id = *write_blob(*store, root.SerializeAsString(), sha);
  CAF_REQUIRE_EQUAL(stage(id), absl::OkStatus());
  for (int d = 0; d < 7; ++d)
    for (int i = 0; i < 150; ++i)
      CAF_CHECK_EQUAL(read_text(space->input_root() / ("folder" + std::to_string(d))
                                / ("file" + std::to_string(1000 + i))),
                      std::to_string(d) + "/" + std::to_string(i));
  CAF_CHECK(store->remove(digest::of("3/140")).ok());
  space->remove();
  CAF_CHECK(absl::IsFailedPrecondition(stage(id))); // and not half of it
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

CAF_TEST(a parent of an output that the inputs make a link is refused) {
  command.add_output_paths("link/out");
  CAF_CHECK(absl::IsInvalidArgument(stage(inputs())));
}

CAF_TEST_FIXTURE_SCOPE_END()
