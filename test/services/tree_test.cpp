#define CAF_SUITE services.tree
#include "test/services/fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct pages {
  grpc::Status status;
  std::vector<reapi::GetTreeResponse> all;

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& page : all)
      for (const auto& directory : page.directories())
        for (const auto& file : directory.files())
          names.push_back(file.name());
    return names;
  }
  int directories() const {
    int n = 0;
    for (const auto& page : all)
      n += page.directories_size();
    return n;
  }
};

struct fixture : service_fixture {
  /// A directory with one file (to know it by) and these children.
  digest directory(const std::string& name, const std::vector<digest>& children = {}) {
    reapi::Directory x;
    auto& file = *x.add_files();
    file.set_name(name);
    *file.mutable_digest() = digest().to_proto();
    for (std::size_t i = 0; i < children.size(); ++i) {
      auto& child = *x.add_directories();
      child.set_name("d" + std::to_string(1'000'000 + i));
      *child.mutable_digest() = children[i].to_proto();
    }
    return put(x.SerializeAsString());
  }

  pages tree(const digest& root, int page_size = 0, const std::string& token = "") {
    client_context call;
    reapi::GetTreeRequest request;
    *request.mutable_root_digest() = root.to_proto();
    request.set_page_size(page_size);
    request.set_page_token(token);
    pages result;
    auto stream = stub<reapi::ContentAddressableStorage>()->GetTree(&call, request);
    reapi::GetTreeResponse page;
    while (stream->Read(&page))
      result.all.push_back(page);
    result.status = stream->Finish();
    return result;
  }
};

using names = std::vector<std::string>;

} // namespace

CAF_TEST_FIXTURE_SCOPE(tree_tests, fixture)

CAF_TEST(a tree comes with parents before children) {
  const auto root = directory("root", {directory("a", {directory("b")}), directory("c")});
  const auto result = tree(root);
  CAF_REQUIRE(result.status.ok());
  CAF_CHECK_EQUAL(result.files(), (names{"root", "a", "c", "b"}));
  CAF_CHECK_EQUAL(result.all.size(), 1u);
  CAF_CHECK_EQUAL(result.all.back().next_page_token(), "");
}

CAF_TEST(a directory comes once however often the tree names it) {
  const auto shared = directory("shared");
  const auto root = directory("root", {shared, directory("a", {shared}), shared});
  CAF_CHECK_EQUAL(tree(root).files(), (names{"root", "shared", "a"}));
}

CAF_TEST(all pages come in one stream and each keeps to the page size) {
  const auto root = directory("root", {directory("a"), directory("b"), directory("c")});
  const auto result = tree(root, 2);
  CAF_REQUIRE(result.status.ok());
  CAF_CHECK_EQUAL(result.files(), (names{"root", "a", "b", "c"}));
  CAF_REQUIRE_EQUAL(result.all.size(), 2u);
  CAF_CHECK_EQUAL(result.all[0].directories_size(), 2);
  CAF_CHECK_EQUAL(result.all[1].next_page_token(), "");
}

CAF_TEST(a page token resumes behind its page) {
  const auto root = directory("root", {directory("a"), directory("b"), directory("c")});
  const auto first = tree(root, 2);
  const auto rest = tree(root, 2, first.all[0].next_page_token());
  CAF_REQUIRE(rest.status.ok());
  CAF_CHECK_EQUAL(rest.files(), (names{"b", "c"}));
}

CAF_TEST(a page token that the server did not make is INVALID_ARGUMENT) {
  CAF_CHECK(tree(directory("root"), 0, "xyz").status.error_code()
            == grpc::StatusCode::INVALID_ARGUMENT);
}

CAF_TEST(a missing root is NOT_FOUND) {
  CAF_CHECK(tree(digest::of("gone")).status.error_code() == grpc::StatusCode::NOT_FOUND);
}

CAF_TEST(a missing child leaves a partial tree) {
  const auto root = directory("root", {digest::of("gone"), directory("a")});
  const auto result = tree(root);
  CAF_REQUIRE(result.status.ok());
  CAF_CHECK_EQUAL(result.files(), (names{"root", "a"}));
}

CAF_TEST(the last page promises no further one when only missing children remain) {
  const auto root = directory("root", {digest::of("gone")});
  const auto result = tree(root, 1);
  CAF_REQUIRE(result.status.ok());
  CAF_CHECK_EQUAL(result.files(), (names{"root"}));
  CAF_CHECK_EQUAL(result.all.back().next_page_token(), "");
}

CAF_TEST(the empty directory is a tree of one) {
  const auto result = tree(digest());
  CAF_REQUIRE(result.status.ok());
  CAF_CHECK_EQUAL(result.directories(), 1);
}

CAF_TEST(a blob that is no directory is INVALID_ARGUMENT) {
  const auto result = tree(put("\xff\xff\xff"));
  CAF_CHECK(result.status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
}

CAF_TEST(a large tree comes in messages below 4 MiB) {
  std::vector<digest> children;
  for (int i = 0; i < 60; ++i) // 100 kB each, 6 MB together; a client takes 4 MiB at most
    children.push_back(directory(std::to_string(i) + std::string(100'000, 'x')));
  const auto result = tree(directory("root", children));
  CAF_REQUIRE(result.status.ok());
  CAF_CHECK_EQUAL(result.directories(), 61);
  CAF_CHECK(result.all.size() >= 2);
}

CAF_TEST(the more answers are held for clients the smaller are the pages) {
  context->answers = std::make_shared<memory_budget>(1);
  std::vector<digest> children;
  for (int i = 0; i < 40; ++i)
    children.push_back(directory(std::to_string(i) + std::string(1000, 'x')));
  const auto result = tree(directory("root", children));
  CAF_REQUIRE(result.status.ok());
  CAF_CHECK_EQUAL(result.directories(), 41);
  CAF_CHECK(result.all.size() >= 3); // of 16 KiB
}

CAF_TEST(directories that fit into a message one by one do not share one that is too large) {
  const std::string x(1'800'000, 'x');
  const auto root = directory("root", {directory("a" + x), directory("b" + x), directory("c" + x)});
  const auto result = tree(root);
  CAF_REQUIRE(result.status.ok());
  CAF_CHECK_EQUAL(result.directories(), 4);
  for (const auto& page : result.all)
    CAF_CHECK(page.ByteSizeLong() < 3'000'000u);
  const auto rest = tree(root, 0, result.all[1].next_page_token());
  CAF_CHECK_EQUAL(
      result.all[0].directories_size() + result.all[1].directories_size() + rest.directories(), 4);
}

CAF_TEST(a negative page size is refused in words) {
  const auto status = tree(directory("root"), -1).status;
  CAF_CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CAF_CHECK(contains(status.error_message(), "page_size: -1"));
}

CAF_TEST_FIXTURE_SCOPE_END()
