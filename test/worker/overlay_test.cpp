#define CAF_SUITE worker.overlay
#include "actors/worker/host_abilities.hpp"
#include "test/worker/host_fixture.hpp"

#include <fcntl.h>

using namespace expbuild;
using namespace expbuild::test;

namespace {

/// One tree of inputs, owned as a store's would be, and what an attempt brings along.
struct overlay_fixture : host_fixture {
  overlay_spec spec{folder.path() / "lower", folder.path() / "upper", folder.path() / "work",
                    folder.path() / "root"};

  overlay_fixture() {
    write_text(spec.lower / "input", "input\n");
    write_text(spec.lower / "folder/deep", "deep\n");
    for (const auto& x : {spec.upper, spec.work, spec.at})
      std::filesystem::create_directory(x);
    for (const auto& x : {spec.lower, spec.lower / "folder", spec.upper, spec.work, spec.at})
      CAF_REQUIRE(::geteuid() != 0 || ::chown(x.c_str(), 65534, 65534) == 0);
  }

  bool have_overlays() {
    const auto can = probe_host(thread, options(runner_program()));
    CAF_REQUIRE(can.ok());
    if (!can->overlays)
      CAF_MESSAGE("skipped: " + can->no_overlays);
    return can->overlays;
  }

  absl::StatusOr<command_ended> with_inputs(const std::string& script) {
    auto command = command_for({"/bin/sh", "-c", script});
    command.directory = spec.at;
    command.overlay = spec;
    return start(std::move(command)).get();
  }

  std::string merged(const command_ended& ended, const std::string& path) {
    const auto file = open_beneath(ended.root->get(), path, O_RDONLY);
    if (!file.ok())
      return std::string(file.status().message());
    std::string text(100, '\0');
    text.resize(static_cast<std::size_t>(::read(file->get(), text.data(), text.size())));
    return text;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(overlay_tests, overlay_fixture)

CAF_TEST(a command sees its inputs and what it writes stays apart from them) {
  if (!have_overlays())
    return;
  const auto ended =
      with_inputs("cat input; echo more >> new; mv folder moved; mkdir made; ls; cat moved/deep");
  CAF_REQUIRE(ended.ok());
  CAF_CHECK_EQUAL(read_text(out), "input\ninput\nmade\nmoved\nnew\ndeep\n");
  CAF_CHECK_EQUAL(read_text(spec.upper / "new"), "more\n");
  CAF_CHECK_EQUAL(read_text(spec.lower / "folder/deep"), "deep\n");
  CAF_CHECK(!std::filesystem::exists(spec.lower / "new"));
  CAF_CHECK(std::filesystem::is_empty(spec.at)); // the mount was never the host's
}

CAF_TEST(after its end the merged tree is read through a descriptor) {
  if (!have_overlays())
    return;
  const auto ended = with_inputs("echo made > output; mv folder moved; rm input");
  CAF_REQUIRE(ended.ok());
  CAF_REQUIRE(ended->root != nullptr);
  CAF_CHECK_EQUAL(merged(*ended, "output"), "made\n");
  CAF_CHECK_EQUAL(merged(*ended, "moved/deep"), "deep\n");
  CAF_CHECK(merged(*ended, "input").find("No such file") != std::string::npos);
  sut.reset(); // it needs no runner either
  CAF_CHECK_EQUAL(merged(*ended, "output"), "made\n");
}

CAF_TEST(even root can not write through to the inputs) {
  if (::geteuid() != 0) {
    CAF_MESSAGE("skipped: not root");
    return;
  }
  if (!have_overlays())
    return;
  CAF_REQUIRE(open(runner_program(), {0, 0}).ok());
  for (const auto& x : {spec.lower, spec.lower / "folder", spec.upper, spec.work, spec.at})
    CAF_REQUIRE(::chown(x.c_str(), 0, 0) == 0);
  const auto ended = with_inputs("chmod 777 input && echo hacked > input && rm -r folder && ls");
  CAF_REQUIRE(ended.ok());
  CAF_CHECK_EQUAL(ended->exit_code, 0);
  CAF_CHECK_EQUAL(merged(*ended, "input"), "hacked\n");
  CAF_CHECK_EQUAL(read_text(spec.lower / "input"), "input\n");
  CAF_CHECK_EQUAL(read_text(spec.lower / "folder/deep"), "deep\n");
  struct stat status {};
  CAF_REQUIRE(::stat((spec.lower / "input").c_str(), &status) == 0);
  CAF_CHECK_EQUAL(status.st_mode & 07777u, 0644u);
}

CAF_TEST(without an overlay nothing is handed over and a bad one is no command that fails) {
  const auto plain = shell("true");
  CAF_REQUIRE(plain.ok());
  CAF_CHECK(plain->root == nullptr);
  std::filesystem::remove(spec.upper);
  const auto status = with_inputs("true").status();
  CAF_CHECK(absl::IsUnavailable(status));
  CAF_CHECK(std::string(status.message()).find("upper") != std::string::npos);
}

CAF_TEST(trying overlays leaves nothing behind) {
  CAF_REQUIRE(probe_host(thread, options(runner_program())).ok());
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    CAF_CHECK(entry.path().filename().string().front() != '.');
}

CAF_TEST_FIXTURE_SCOPE_END()
