#define CAF_SUITE storage.tree
#include "storage/inlining.hpp"
#include "storage/input_tree.hpp"
#include "storage/output_tree.hpp"
#include "storage/referenced_blobs.hpp"
#include "storage/tree_difference.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace expbuild;
using namespace expbuild::test;

namespace {

constexpr auto sha = digest_function::sha256;

void add_file(reapi::Directory& dir, const std::string& name, const digest& id,
              bool executable = false) {
  auto& node = *dir.add_files();
  node.set_name(name);
  *node.mutable_digest() = id.to_proto();
  node.set_is_executable(executable);
}

void add_folder(reapi::Directory& dir, const std::string& name, const digest& id) {
  auto& node = *dir.add_directories();
  node.set_name(name);
  *node.mutable_digest() = id.to_proto();
}

void add_link(reapi::Directory& dir, const std::string& name, const std::string& target) {
  auto& node = *dir.add_symlinks();
  node.set_name(name);
  node.set_target(target);
}

/// Counts how often blobs are read.
class counting_backend : public backend {
public:
  explicit counting_backend(std::shared_ptr<backend> below) : below_(std::move(below)) {}
  blob_index& index() override { return below_->index(); }
  absl::StatusOr<std::shared_ptr<blob_reader>> open(const digest& id) override {
    ++reads;
    return below_->open(id);
  }
  absl::StatusOr<std::unique_ptr<blob_writer>> begin_write(const digest& id) override {
    return below_->begin_write(id);
  }
  absl::Status remove(const digest& id) override { return below_->remove(id); }
  absl::Status evict(std::span<const blob_index::victim> victims) override {
    return below_->evict(victims);
  }
  store_usage usage() override { return below_->usage(); }

  int reads = 0;

private:
  const std::shared_ptr<backend> below_;
};

struct fixture {
  std::shared_ptr<backend> store = make_memory_backend();
  temporary_folder folder;

  digest put(const reapi::Directory& dir, digest_function function = sha) {
    return *write_blob(*store, dir.SerializeAsString(), function);
  }

  /// A root with one directory, in which one file is.
  digest put_nested(const std::string& content, digest_function function = sha) {
    reapi::Directory below;
    add_file(below, "file", digest::of(content, function));
    reapi::Directory root;
    add_folder(root, "below", put(below, function));
    return put(root, function);
  }

  absl::StatusOr<input_tree> load(const digest& root, std::vector<digest>& missing) {
    return load_input_tree(
        *store, root, absolute_symlinks::disallowed, {},
        [this](const digest& id) { return store->open(id).ok(); }, missing);
  }

  absl::Status load_status(const digest& root) {
    std::vector<digest> missing;
    return load(root, missing).status();
  }

  absl::StatusOr<output_tree>
  read_folder(absolute_symlinks policy = absolute_symlinks::disallowed) {
    const int fd = ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY);
    auto tree = read_directory_tree(fd, sha, policy, [this](int file, const std::string&) {
      return write_file(*store, file, sha);
    });
    ::close(fd);
    return tree;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(tree_tests, fixture)

CAF_TEST(an input root becomes paths with parents before children) {
  reapi::Directory inner;
  add_file(inner, "b", *write_blob(*store, "b", sha), true);
  reapi::Directory root;
  add_file(root, "a", digest());
  add_folder(root, "d", put(inner));
  add_link(root, "l", "d/b");
  std::vector<digest> missing;
  const auto tree = load(put(root), missing);
  CAF_REQUIRE(tree.ok());
  CAF_CHECK(missing.empty());
  CAF_CHECK_EQUAL(tree->directories.at(0), "d");
  CAF_CHECK_EQUAL(tree->files.at(1).path, "d/b");
  CAF_CHECK(tree->files.at(1).executable);
  CAF_CHECK_EQUAL(tree->symlinks.at(0).target, "d/b");
}

CAF_TEST(all missing blobs are told at once and each once) {
  reapi::Directory root;
  add_file(root, "a", digest::of("absent 1"));
  add_file(root, "b", digest::of("absent 1"));
  add_folder(root, "c", digest::of("absent 2"));
  std::vector<digest> missing;
  CAF_CHECK(load(put(root), missing).ok());
  CAF_CHECK_EQUAL(missing.size(), 2u);
}

CAF_TEST(an empty or missing input root) {
  CAF_CHECK(load_status(digest()).ok());
  std::vector<digest> missing;
  CAF_CHECK(load(digest::of("absent"), missing).ok());
  CAF_CHECK_EQUAL(missing.size(), 1u);
}

CAF_TEST(directories that are not canonical are refused naming the entry) {
  const auto refused = [this](const reapi::Directory& dir, const std::string& entry) {
    const auto status = load_status(put(dir));
    const std::string text(status.message());
    return absl::IsInvalidArgument(status) && text.find("'" + entry + "'") != std::string::npos
           && text.find(digest::of(dir.SerializeAsString()).hash()) != std::string::npos;
  };
  for (const std::string name : {"", ".", "..", "a/b"}) {
    reapi::Directory dir;
    add_file(dir, name, digest());
    CAF_CHECK(refused(dir, name));
  }
  reapi::Directory unsorted;
  add_file(unsorted, "b", digest());
  add_file(unsorted, "a", digest());
  CAF_CHECK(refused(unsorted, "a"));
  reapi::Directory twice;
  add_file(twice, "a", digest());
  add_link(twice, "a", "x");
  CAF_CHECK(refused(twice, "a"));
  reapi::Directory absolute;
  add_link(absolute, "l", "/etc/passwd");
  CAF_CHECK(refused(absolute, "l"));
  reapi::Directory nameless;
  nameless.add_files()->set_name("f");
  CAF_CHECK(refused(nameless, "f"));
}

CAF_TEST(a blob that is no Directory is refused) {
  const auto id = *write_blob(*store, "\xff\xff\xff\xff", sha);
  CAF_CHECK(absl::IsInvalidArgument(load_status(id)));
}

CAF_TEST(a tree that doubles sixty times is refused before it is expanded) {
  auto id = digest();
  for (int i = 0; i < 60; ++i) {
    reapi::Directory dir;
    add_folder(dir, "a", id);
    add_folder(dir, "b", id);
    id = put(dir);
  }
  CAF_CHECK(absl::IsInvalidArgument(load_status(id)));
}

CAF_TEST(a tree deeper than allowed is refused) {
  auto id = digest();
  for (int i = 0; i < 1100; ++i) {
    reapi::Directory dir;
    add_folder(dir, "a", id);
    id = put(dir);
  }
  CAF_CHECK(absl::IsInvalidArgument(load_status(id)));
}

CAF_TEST(names and paths and targets that no system could take are refused) {
  reapi::Directory leaf;
  for (int i = 1000; i < 2000; ++i)
    add_file(leaf, "f" + std::to_string(i), digest());
  reapi::Directory root;
  add_folder(root, std::string(30 << 20, 'x'), put(leaf));
  const auto too_long = load_status(put(root));
  CAF_CHECK(absl::IsInvalidArgument(too_long));
  CAF_CHECK(too_long.message().size() < 1000);
  reapi::Directory fits;
  add_file(fits, std::string(255, 'x'), digest());
  CAF_CHECK(load_status(put(fits)).ok());
  add_file(fits, std::string(256, 'x'), digest());
  CAF_CHECK(absl::IsInvalidArgument(load_status(put(fits))));
  reapi::Directory links;
  add_link(links, "l", std::string(4096, 'x'));
  CAF_CHECK(absl::IsInvalidArgument(load_status(put(links))));
  auto below = put(leaf);
  for (int i = 0; i < 900; ++i) {
    reapi::Directory dir;
    add_folder(dir, std::string(255, 'd'), below);
    below = put(dir);
  }
  CAF_CHECK(absl::IsInvalidArgument(load_status(below)));
}

CAF_TEST(an input root whose paths together are too long is refused) {
  reapi::Directory leaf;
  for (int i = 1000; i < 2000; ++i)
    add_file(leaf, "f" + std::to_string(i), digest());
  reapi::Directory root;
  add_folder(root, std::string(200, 'd'), put(leaf));
  const auto id = put(root);
  const auto load_within = [&](std::size_t bytes) {
    std::vector<digest> missing;
    return load_input_tree(
               *store, id, absolute_symlinks::disallowed, {.max_path_bytes = bytes},
               [](const digest&) { return true; }, missing)
        .status();
  };
  CAF_CHECK(load_within(300'000).ok());
  CAF_CHECK(absl::IsInvalidArgument(load_within(200'000)));
}

CAF_TEST(a folder on disk becomes a canonical deterministic tree) {
  write_text(folder.path() / "z/deep/file", "deep");
  write_text(folder.path() / "b", "b");
  write_text(folder.path() / "a", "a");
  std::filesystem::permissions(folder.path() / "a", std::filesystem::perms(0755));
  std::filesystem::create_symlink("b", folder.path() / "link");
  const auto tree = read_folder();
  CAF_REQUIRE(tree.ok());
  CAF_CHECK_EQUAL(tree->root.files(0).name(), "a");
  CAF_CHECK(tree->root.files(0).is_executable());
  CAF_CHECK(!tree->root.files(1).is_executable());
  CAF_CHECK_EQUAL(tree->root.symlinks(0).target(), "b");
  CAF_CHECK_EQUAL(tree->children.size(), 2u);
  CAF_CHECK_EQUAL(tree->children.at(0).directories(0).name(), "deep"); // parents first
  CAF_CHECK(validate_directory(tree->root, digest(), absolute_symlinks::disallowed).ok());
  CAF_CHECK_EQUAL(read_folder()->to_tree().SerializeAsString(),
                  tree->to_tree().SerializeAsString());
}

CAF_TEST(what can not be expressed is refused naming it) {
  const auto refused = [this](const std::string& name) {
    const auto status = read_folder().status();
    return absl::IsFailedPrecondition(status)
           && std::string(status.message()).find(name) != std::string::npos;
  };
  std::filesystem::create_symlink("/etc/passwd", folder.path() / "absolute");
  CAF_CHECK(refused("absolute"));
  CAF_CHECK(read_folder(absolute_symlinks::allowed).ok());
  std::filesystem::remove(folder.path() / "absolute");
  ::mkfifo((folder.path() / "fifo").c_str(), 0600);
  CAF_CHECK(refused("fifo"));
  std::filesystem::remove(folder.path() / "fifo");
  write_text(folder.path() / "\xff", "x");
  CAF_CHECK(refused("UTF-8"));
}

CAF_TEST(two input roots differ in the files that are not the same) {
  const auto differences = compare_trees(*store, put_nested("a"), put_nested("bb"), 10);
  CAF_REQUIRE(differences.ok());
  CAF_REQUIRE_EQUAL(differences->size(), 1u);
  CAF_CHECK_EQUAL(differences->front().path, "below/file");
  CAF_CHECK_EQUAL(differences->front().before, "file " + digest::of("a", sha).hash() + "/1");
  CAF_CHECK_EQUAL(differences->front().after, "file " + digest::of("bb", sha).hash() + "/2");
}

CAF_TEST(input roots of names without an end are not compared) {
  const auto with_name = [this](const std::string& name, const std::string& content) {
    reapi::Directory leaf;
    add_file(leaf, "f", digest::of(content));
    reapi::Directory root;
    add_folder(root, name, put(leaf));
    return put(root);
  };
  const auto compare = [&](std::size_t length) {
    const std::string name(length, 'x');
    return compare_trees(*store, with_name(name, "one"), with_name(name, "two"), 10).status();
  };
  CAF_CHECK(compare(255).ok());
  CAF_CHECK(absl::IsResourceExhausted(compare(1 << 20)));
}

CAF_TEST(input roots of different digest functions can not be compared) {
  const auto other = put_nested("a", digest_function::sha1);
  CAF_CHECK(absl::IsFailedPrecondition(compare_trees(*store, put_nested("a"), other, 10).status()));
  CAF_CHECK(absl::IsFailedPrecondition(compare_trees(*store, other, put_nested("a"), 10).status()));
}

CAF_TEST(a result names its trees and their files) {
  write_text(folder.path() / "d/f", "inside");
  const auto tree = read_folder();
  const auto tree_id = *write_blob(*store, tree->to_tree().SerializeAsString(), sha);
  reapi::ActionResult result;
  auto& output = *result.add_output_directories();
  *output.mutable_tree_digest() = tree_id.to_proto();
  *result.mutable_stdout_digest() = digest::of("out").to_proto();
  const auto named = *referenced_blobs(*store, result, sha);
  CAF_CHECK_EQUAL(named.size(), 3u); // stdout, tree, file: not the Directories in it
  *output.mutable_root_directory_digest() = digest::of(tree->root.SerializeAsString()).to_proto();
  CAF_CHECK_EQUAL(referenced_blobs(*store, result, sha)->size(), 5u);
  CAF_CHECK(store->remove(tree_id).ok());
  CAF_CHECK(absl::IsNotFound(referenced_blobs(*store, result, sha).status()));
}

CAF_TEST(a Tree that a result names often is read once) {
  write_text(folder.path() / "d/f", "inside");
  const auto tree = read_folder();
  const auto tree_id = *write_blob(*store, tree->to_tree().SerializeAsString(), sha);
  reapi::ActionResult result;
  for (int i = 0; i < 1000; ++i)
    *result.add_output_directories()->mutable_tree_digest() = tree_id.to_proto();
  counting_backend counted(store);
  CAF_CHECK_EQUAL(referenced_blobs(counted, result, sha)->size(), 2u); // the Tree and the file
  CAF_CHECK_EQUAL(counted.reads, 1);
  // Only who names a root needs the Directories of the Tree as well.
  auto& output = *result.mutable_output_directories(999);
  *output.mutable_root_directory_digest() = digest::of(tree->root.SerializeAsString()).to_proto();
  CAF_CHECK_EQUAL(referenced_blobs(counted, result, sha)->size(), 4u);
}

CAF_TEST(Trees that are too large together are refused) {
  reapi::ActionResult result;
  for (const auto* name : {"one", "two", "three"}) {
    reapi::Tree tree;
    add_file(*tree.mutable_root(), name, digest::of(name));
    const auto id = *write_blob(*store, tree.SerializeAsString(), sha);
    *result.add_output_directories()->mutable_tree_digest() = id.to_proto();
  }
  CAF_CHECK(referenced_blobs(*store, result, sha, 1000).ok());
  CAF_CHECK(absl::IsInvalidArgument(referenced_blobs(*store, result, sha, 200).status()));
}

CAF_TEST(inlining keeps a result of many outputs below what clients take as one message) {
  const auto id = *write_blob(*store, std::string(2 << 20, 'x'), sha);
  reapi::ActionResult result;
  *result.mutable_stdout_digest() = id.to_proto();
  for (int i = 0; i < 20'000; ++i) {
    result.add_output_files()->set_path(std::string(60, 'p') + std::to_string(i));
    *result.mutable_output_files(i)->mutable_digest() = id.to_proto();
  }
  inline_request asked;
  asked.stdout_raw = true;
  apply_inlining(*store, asked, sha, result);
  CAF_CHECK(result.ByteSizeLong() < (4u << 20));
  CAF_CHECK_EQUAL(result.stdout_raw(), "");
}

CAF_TEST(inlining fills what is asked for within the budget and clears the rest) {
  const auto out = *write_blob(*store, "output text", sha);
  reapi::ActionResult result;
  *result.mutable_stdout_digest() = out.to_proto();
  *result.mutable_stderr_digest() = out.to_proto();
  result.set_stderr_raw("unasked");
  apply_inlining(*store, {.stdout_raw = true, .stderr_raw = false, .output_files = {}}, sha,
                 result);
  CAF_CHECK_EQUAL(result.stdout_raw(), "output text");
  CAF_CHECK(result.stderr_raw().empty());
  apply_inlining(*store, {.stdout_raw = true, .stderr_raw = true, .output_files = {}}, sha, result,
                 15);
  CAF_CHECK_EQUAL(result.stdout_raw(), "output text");
  CAF_CHECK(result.stderr_raw().empty()); // over the budget
}

CAF_TEST_FIXTURE_SCOPE_END()
