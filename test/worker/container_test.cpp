#define CAF_SUITE worker.container
#include "actors/worker/docker/container.hpp"

#include <caf/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace expbuild;

namespace {

nlohmann::json body_of(const container_spec& spec) {
  return nlohmann::json::parse(create_body(spec));
}

} // namespace

CAF_TEST(a container has no right that was not asked for) {
  const auto host = body_of({.image = "i"})["HostConfig"];
  CAF_CHECK_EQUAL(host["NetworkMode"].get<std::string>(), "none");
  CAF_CHECK_EQUAL(host["CapDrop"].dump(), R"(["ALL"])");
  CAF_CHECK_EQUAL(host["SecurityOpt"].dump(), R"(["no-new-privileges"])");
  CAF_CHECK_EQUAL(host["LogConfig"]["Type"].get<std::string>(), "none");
  CAF_CHECK(host["Mounts"].empty());
  CAF_CHECK(host["ReadonlyRootfs"].get<bool>());
  for (const auto* limit : {"NanoCpus", "Memory", "PidsLimit", "Tmpfs", "ShmSize", "Privileged"})
    CAF_CHECK(!host.contains(limit));
}

CAF_TEST(what it runs and sees is what was said) {
  const auto body = body_of({.image = "sha256:abc",
                             .command = {"/bin/sh", "-c", "echo \"$A\""},
                             .environment = {{"A", "1=2"}, {"B", ""}},
                             .directory = "/build/sub",
                             .user = "1000:1000",
                             .mounts = {{"/slot", "/build", false}, {"/opt", "/tools", true}},
                             .labels = {{"expbuild.slot", "/slots/docker-worker-1"}}});
  CAF_CHECK_EQUAL(body["Image"].get<std::string>(), "sha256:abc");
  CAF_CHECK_EQUAL(body["Cmd"].dump(), R"(["/bin/sh","-c","echo \"$A\""])");
  CAF_CHECK(body["Entrypoint"].empty());
  CAF_CHECK_EQUAL(body["Env"].dump(), R"(["A=1=2","B="])");
  CAF_CHECK_EQUAL(body["WorkingDir"].get<std::string>(), "/build/sub");
  CAF_CHECK_EQUAL(body["User"].get<std::string>(), "1000:1000");
  CAF_CHECK_EQUAL(body["HostConfig"]["Mounts"][1].dump(),
                  R"({"ReadOnly":true,"Source":"/opt","Target":"/tools","Type":"bind"})");
  CAF_CHECK_EQUAL(body["Labels"]["expbuild.slot"].get<std::string>(), "/slots/docker-worker-1");
}

CAF_TEST(limits are those of the engine and memory has no swap beside it) {
  const auto host = body_of({.image = "i",
                             .cpus = 1.5,
                             .memory_bytes = 64 << 20,
                             .max_processes = 100,
                             .tmpfs = {{"/tmp", 1 << 20}},
                             .shm_bytes = 1 << 21})["HostConfig"];
  CAF_CHECK_EQUAL(host["NanoCpus"].get<std::int64_t>(), 1'500'000'000);
  CAF_CHECK_EQUAL(host["Memory"].get<std::int64_t>(), 64 << 20);
  CAF_CHECK_EQUAL(host["MemorySwap"].get<std::int64_t>(), 64 << 20);
  CAF_CHECK_EQUAL(host["PidsLimit"].get<std::int64_t>(), 100);
  CAF_CHECK_EQUAL(host["ShmSize"].get<std::int64_t>(), 1 << 21);
  CAF_CHECK(host["Tmpfs"]["/tmp"].get<std::string>().find("size=1048576") != std::string::npos);
}

CAF_TEST(bytes that are no text are no reason to fall over) {
  CAF_CHECK(!body_of({.image = "i", .command = {"\xff\xfe"}})["Cmd"].empty());
}

CAF_TEST(a state is read and what is none is told) {
  const auto ended = parse_container_state(
      R"({"State":{"Running":false,"ExitCode":137,"OOMKilled":true,"Pid":0}})");
  CAF_REQUIRE(ended.ok());
  CAF_CHECK(!ended->running);
  CAF_CHECK_EQUAL(ended->exit_code, 137);
  CAF_CHECK(ended->out_of_memory);
  const auto running = parse_container_state(R"({"State":{"Running":true,"Pid":77}})");
  CAF_CHECK(running.ok() && running->running && running->pid == 77);
  const auto odd = parse_container_state(R"({"State":{"Running":"yes","ExitCode":[]}})");
  CAF_CHECK(odd.ok() && !odd->running && odd->exit_code == 0);
  for (const auto* other : {"", "[]", "{}", R"({"State":7})", "<html>"})
    CAF_CHECK(absl::IsInternal(parse_container_state(other).status()));
}

CAF_TEST(an id is read and what is none is told) {
  CAF_CHECK_EQUAL(parse_id(R"({"Id":"abc","Warnings":[]})").value_or("none"), "abc");
  for (const auto* other : {"", "{}", R"({"Id":7})"})
    CAF_CHECK(absl::IsInternal(parse_id(other).status()));
}
