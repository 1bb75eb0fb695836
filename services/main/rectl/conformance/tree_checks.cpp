#include "services/main/rectl/conformance/subject.hpp"

#include <set>

namespace expbuild::conformance {

namespace {

struct tree_answer {
  grpc::Status status;
  std::vector<reapi::GetTreeResponse> pages;

  std::multiset<std::string> directories() const {
    std::multiset<std::string> all;
    for (const auto& page : pages)
      for (const auto& directory : page.directories())
        all.insert(directory.SerializeAsString());
    return all;
  }
};

tree_answer get_tree(subject& s, const digest& root, std::int32_t page_size = 0,
                     const std::string& token = "") {
  reapi::GetTreeRequest request;
  request.set_instance_name(s.instance());
  *request.mutable_root_digest() = root.to_proto();
  request.set_page_size(page_size);
  request.set_page_token(token);
  const auto call = s.server().new_call();
  const auto stream = s.server().cas->GetTree(call.get(), request);
  tree_answer came;
  reapi::GetTreeResponse page;
  while (stream->Read(&page))
    came.pages.push_back(page);
  came.status = stream->Finish();
  return came;
}

void add_child(reapi::Directory& to, const std::string& name, const digest& id) {
  auto& child = *to.add_directories();
  child.set_name(name);
  *child.mutable_digest() = id.to_proto();
}

/// A Directory that nobody has stored before.
reapi::Directory fresh_directory(subject& s) {
  reapi::Directory x;
  auto& link = *x.add_symlinks();
  link.set_name("zz");
  link.set_target(s.fresh());
  return x;
}

/// A root with `width` children, stored; the bytes of all Directories.
struct sample {
  sample(subject& s, int width) {
    auto top = fresh_directory(s);
    for (int i = 0; i < width; ++i) {
      const auto child = fresh_directory(s);
      all.insert(child.SerializeAsString());
      add_child(top, "child" + std::to_string(100 + i), s.store(child));
    }
    all.insert(top.SerializeAsString());
    root = s.store(top);
  }
  std::multiset<std::string> all;
  digest root;
};

void gives_every_directory_in_one_stream(subject& s) {
  const sample x(s, 5);
  const auto came = get_tree(s, x.root);
  expect_ok("GetTree", came.status);
  expect(came.directories() == x.all, "the root and its five children",
         std::to_string(came.directories().size()) + " directories, not those");
}

void all_pages_come_in_one_stream(subject& s) {
  const sample x(s, 5);
  const auto came = get_tree(s, x.root, 2);
  expect_ok("GetTree with page_size 2", came.status);
  for (const auto& page : came.pages)
    expect(page.directories_size() <= 2, "at most 2 directories a message",
           show(page.directories_size()));
  expect(came.directories() == x.all, "all six directories in one stream",
         std::to_string(came.directories().size()));
}

void last_page_has_no_token(subject& s) {
  const sample x(s, 5);
  const auto came = get_tree(s, x.root, 2);
  expect_ok("GetTree", came.status);
  expect(!came.pages.empty(), "a page", "none");
  expect_equal("next_page_token of the last page", came.pages.back().next_page_token(), "");
}

void token_resumes(subject& s) {
  const sample x(s, 5);
  const auto whole = get_tree(s, x.root, 2);
  expect_ok("GetTree", whole.status);
  expect(whole.pages.size() > 1, "several pages", show(whole.pages.size()));
  const auto token = whole.pages.front().next_page_token();
  expect(!token.empty(), "a next_page_token on the first of several pages", "none");
  const auto rest = get_tree(s, x.root, 2, token);
  expect_ok("GetTree with a page_token", rest.status);
  auto together = rest.directories();
  for (const auto& directory : whole.pages.front().directories())
    together.insert(directory.SerializeAsString());
  expect(together == x.all, "the first page and what follows its token to be the whole tree",
         std::to_string(together.size()) + " directories");
}

void names_each_directory_once(subject& s) {
  auto id = s.store(fresh_directory(s));
  constexpr int levels = 20; // a million directories, were each told as often as it is named
  for (int i = 0; i < levels; ++i) {
    reapi::Directory above;
    add_child(above, "a", id);
    add_child(above, "b", id);
    id = s.store(above);
  }
  const auto came = get_tree(s, id);
  expect_ok("GetTree of a tree that doubles at every level", came.status);
  expect_equal("directories", came.directories().size(), std::size_t{levels + 1});
}

void missing_root_is_not_found(subject& s) {
  expect_code("GetTree of a missing root", get_tree(s, absent_digest(s)).status,
              grpc::StatusCode::NOT_FOUND);
}

void missing_child_leaves_a_partial_tree(subject& s) {
  auto top = fresh_directory(s);
  add_child(top, "a", absent_digest(s));
  const auto child = fresh_directory(s);
  add_child(top, "b", s.store(child));
  const auto came = get_tree(s, s.store(top));
  expect_ok("GetTree with a missing child", came.status);
  expect(came.directories()
             == std::multiset<std::string>{top.SerializeAsString(), child.SerializeAsString()},
         "the root and the child that is there", std::to_string(came.directories().size()));
}

void messages_stay_below_4_mib(subject& s) {
  reapi::Directory top;
  for (int i = 0; i < 24; ++i) {
    auto child = fresh_directory(s);
    for (int k = 0; k < 2000; ++k) {
      auto& file = *child.add_files();
      file.set_name("some-file-with-a-long-name-" + std::to_string(100'000 + k));
      *file.mutable_digest() = digest().to_proto();
    }
    add_child(top, "child" + std::to_string(100 + i), s.store(child));
  }
  const auto came = get_tree(s, s.store(top));
  expect_ok("GetTree of 5 MB of directories", came.status);
  expect_equal("directories", came.directories().size(), std::size_t{25});
  for (const auto& page : came.pages)
    expect(page.ByteSizeLong() < 4 << 20, "messages below 4 MiB", show(page.ByteSizeLong()));
}

} // namespace

check_list tree_checks() {
  return {
      {"tree.gives_every_directory_in_one_stream", "GetTree gives the whole tree.",
       gives_every_directory_in_one_stream},
      {"tree.all_pages_come_in_one_stream",
       "A message is a page, and all pages come in one stream: the Go SDK makes no second call.",
       all_pages_come_in_one_stream},
      {"tree.last_page_has_no_token", "The last page has no next_page_token.",
       last_page_has_no_token},
      {"tree.token_resumes", "page_token resumes.", token_resumes},
      {"tree.names_each_directory_once",
       "Each Directory comes once, however often the tree names it.", names_each_directory_once},
      {"tree.missing_root_is_not_found", "A missing root is NOT_FOUND.", missing_root_is_not_found},
      {"tree.missing_child_leaves_a_partial_tree", "A missing child leaves a partial tree.",
       missing_child_leaves_a_partial_tree},
      {"tree.messages_stay_below_4_mib", "Older Bazel refuses messages of 4 MiB.",
       messages_stay_below_4_mib},
  };
}

} // namespace expbuild::conformance
