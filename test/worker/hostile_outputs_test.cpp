#define CAF_SUITE worker.hostile_outputs
#include "actors/worker/workspace.hpp"
#include "test/worker/host_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

constexpr auto sha = digest_function::sha256;

/// Real commands in a real workspace, whose outputs are collected into a real store.
struct outputs_fixture : host_fixture {
  std::shared_ptr<backend> store = *make_filesystem_backend({folder.path() / "store"});
  workspace_options work;
  reapi::Command command;
  std::uint64_t number = 0;

  outputs_fixture() {
    work.directory = folder.path() / "slot";
    work.uid = somebody().uid;
    work.gid = somebody().gid;
    work.may_link = ::geteuid() == 0;
    CAF_REQUIRE_EQUAL(prepare_workspaces(work), absl::OkStatus());
    command.add_arguments("/bin/sh");
    command.add_output_paths("out");
  }

  /// Every blob is still what its name says, and the next action works.
  ~outputs_fixture() {
    CAF_CHECK(store
                  ->for_each([&](const digest& id) {
                    const auto bytes = read_blob(*store, id, 1 << 20);
                    CAF_CHECK(bytes.ok() && digest::of(*bytes) == id);
                  })
                  .ok());
    const auto next = outputs_of("echo fine > out");
    CAF_CHECK(next.ok() && next->result.output_files_size() == 1);
    for (const auto& left : std::filesystem::directory_iterator(work.directory)) {
      CAF_CHECK(left.path().filename() == "stdout" || left.path().filename() == "stderr");
      CAF_CHECK_EQUAL(left.file_size(), 0u);
    }
  }

  digest inputs() {
    reapi::Directory root;
    auto& file = *root.add_files();
    file.set_name("input");
    *file.mutable_digest() = write_blob(*store, "stored text", sha)->to_proto();
    return *write_blob(*store, root.SerializeAsString(), sha);
  }

  absl::StatusOr<collected_outputs> outputs_of(const std::string& script) {
    const auto space = make_workspace(work, store, sha, ++number);
    CAF_CHECK_EQUAL(space->stage(inputs(), command), absl::OkStatus());
    auto spec = command_for({"/bin/sh", "-c", script});
    spec.root = space->input_root();
    spec.directory = space->working_directory();
    spec.stdout_path = space->stdout_path();
    spec.stderr_path = space->stderr_path();
    CAF_CHECK_EQUAL(start(std::move(spec)).get().status(), absl::OkStatus());
    auto collected = space->collect(command, nullptr);
    space->remove();
    return collected;
  }

  std::string trouble(const std::string& script) {
    const auto collected = outputs_of(script);
    return collected.ok() ? "none" : std::string(collected.status().message());
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(hostile_outputs_tests, outputs_fixture)

CAF_TEST(what is neither file nor folder nor link is refused by name) {
  CAF_CHECK(trouble("mkfifo out").find("out") != std::string::npos);
  CAF_CHECK(trouble("mkdir out; mkfifo out/pipe").find("pipe") != std::string::npos);
  CAF_CHECK(trouble("mkdir out; perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0); "
                    "bind(S, pack_sockaddr_un(\"out/socket\"))'")
                .find("socket")
            != std::string::npos);
  CAF_CHECK_EQUAL(outputs_of("mknod out b 8 0")->result.output_files_size(), 0);
}

CAF_TEST(a name that no message can carry is refused) {
  CAF_CHECK(trouble("mkdir out; touch \"$(printf 'out/\\377')\"") != "none");
}

CAF_TEST(links out of the root are told as links or refused and never followed) {
  for (const std::string target : {"/etc/passwd", "/proc/1/environ", "../../../../etc/passwd"}) {
    const auto link = outputs_of("ln -s " + target + " out");
    CAF_CHECK(!link.ok() || link->result.output_files().empty());
    const auto inside = outputs_of("mkdir out; ln -s " + target + " out/link");
    CAF_CHECK(!inside.ok() || inside->stored.size() <= 4); // the tree, its folder, two logs
  }
  command.set_output_paths(0, "folder/out");
  const auto through = outputs_of("rm -rf folder; ln -s /etc folder");
  CAF_CHECK(!through.ok() || through->result.output_files().empty());
  command.set_output_paths(0, "out");
}

CAF_TEST(hard links lead out of nowhere) {
  CAF_CHECK_EQUAL(outputs_of("ln /etc/passwd out")->result.output_files_size(), 0);
  CAF_CHECK_EQUAL(
      outputs_of("ln input out; chmod 777 out; echo x >> out")->result.output_files_size(), 1);
}

CAF_TEST(the inputs of an action can not be turned against the store) {
  CAF_CHECK(outputs_of("chmod 777 input; echo x > input; mv input out; echo y >> out").ok());
}

CAF_TEST(set user bits and strange modes are only an executable bit) {
  const auto collected = outputs_of("cp /bin/true out; chmod 6755 out");
  CAF_REQUIRE(collected.ok() && collected->result.output_files_size() == 1);
  CAF_CHECK(collected->result.output_files(0).is_executable());
}

CAF_TEST_FIXTURE_SCOPE_END()
