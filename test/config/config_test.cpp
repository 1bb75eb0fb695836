#define CAF_SUITE config.reader
#include "config/config.hpp"
#include "storage/digest.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <unistd.h>

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct outcome {
  config value;
  config_problems problems;

  bool ok() const { return !has_errors(problems); }
  std::string text() const {
    std::string all;
    for (const auto& each : problems)
      all += to_string(each) + "\n";
    return all;
  }
};

outcome read(const std::string& text) {
  outcome x;
  x.value = read_config_text(text, "f.toml", x.problems);
  return x;
}

} // namespace

CAF_TEST(every example that ships loads) {
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(REPOSITORY) + "/config/examples")) {
    if (entry.path().extension() != ".toml")
      continue; // a template of ./dev run
    outcome x;
    x.value =
        read_config_text(read_text(entry.path()), entry.path().filename().string(), x.problems);
    CAF_MESSAGE(entry.path().filename().string() << "\n" << x.text());
    CAF_CHECK(x.ok());
    ++count;
  }
  CAF_CHECK(count >= 4);
}

CAF_TEST(without a file there are host workers and storage on loopback) {
  config_problems problems;
  const auto x = default_config(problems);
  CAF_CHECK(!has_errors(problems));
  CAF_CHECK_EQUAL(x.server.address, "127.0.0.1:8980");
  CAF_REQUIRE_EQUAL(x.pool.host_workers.size(), 1u);
  CAF_CHECK(x.pool.host_workers[0].count >= 1);
  CAF_CHECK_EQUAL(x.cas.backend, "filesystem");
  CAF_CHECK(x.cas.root_dir.is_absolute());
  CAF_CHECK(x.cas.root_dir != x.action_cache.root_dir);
}

CAF_TEST(a file with an address alone works) {
  const auto x = read("[server]\naddress = \"0.0.0.0:9000\"\n");
  CAF_CHECK(x.ok());
  CAF_CHECK_EQUAL(x.value.server.address, "0.0.0.0:9000");
  CAF_CHECK_EQUAL(x.value.pool.host_workers.size(), 1u);
  CAF_CHECK_EQUAL(x.value.pool.max_queue_size, 1000u);
}

CAF_TEST(all problems are told at once at their place with the nearest key) {
  const auto x = read("[server]\n"
                      "addres = \"x\"\n"
                      "[execution.pool]\n"
                      "max_queue_size = \"many\"\n"
                      "result_ttl_seconds = 0\n"
                      "[capabilities]\n"
                      "digest_functions = [\"SHA256\", \"SHA3\"]\n"
                      "[stroage]\n");
  const auto text = x.text();
  for (const auto* wanted :
       {"f.toml:2:1: error: unknown key 'addres' in [server] (did you mean 'address'?)",
        "f.toml:4:18: error: 'max_queue_size' must be an integer",
        "f.toml:5:22: error: 'result_ttl_seconds' is 0; it must be at least 1",
        "f.toml:7:20: error: unknown digest function 'SHA3'",
        "f.toml:8:2: error: unknown table 'stroage' (did you mean 'storage'?)"}) {
    CAF_MESSAGE(wanted << "\n" << text);
    CAF_CHECK(text.find(wanted) != std::string::npos);
  }
}

CAF_TEST(a file that is no TOML is told at its place) {
  const auto x = read("[server]\naddress = \n");
  CAF_CHECK(!x.ok());
  CAF_CHECK(x.text().find("f.toml:2:") != std::string::npos);
}

CAF_TEST(compressors are those that the file names and else all) {
  const auto compressors = [](const std::string& list) {
    return read("[capabilities]\nsupported_compressors = " + list + "\n");
  };
  using names = std::vector<std::string>;
  CAF_CHECK(read("").value.capabilities.compressors == (names{"ZSTD", "DEFLATE"}));
  CAF_CHECK(compressors("[]").value.capabilities.compressors.empty());
  const auto one = compressors("[\"IDENTITY\", \"DEFLATE\"]");
  CAF_CHECK(one.ok());
  CAF_CHECK_EQUAL(one.text(), "");
  CAF_CHECK(one.value.capabilities.compressors == (names{"DEFLATE"}));
  CAF_CHECK(compressors("[\"BROTLI\"]").text().find("known are ZSTD and DEFLATE")
            != std::string::npos);
}

CAF_TEST(digest functions that are broken are used with a warning and only when named) {
  config_problems problems;
  CAF_CHECK(default_config(problems).capabilities.digest_functions
            == std::vector<std::string>{"SHA256"});
  const auto x = read("[capabilities]\ndigest_functions = [\"SHA256\", \"SHA1\", \"MD5\"]\n");
  CAF_CHECK(x.ok());
  CAF_CHECK(x.text().find("f.toml:2:20: warning: SHA1 is broken") != std::string::npos);
  CAF_CHECK(x.text().find("f.toml:2:20: warning: MD5 is broken") != std::string::npos);
  CAF_CHECK_EQUAL(read("[capabilities]\ndigest_functions = [\"SHA384\", \"SHA512\"]\n").text(), "");
  CAF_CHECK(!read("[capabilities]\ndigest_functions = [\"SHA256\", \"sha256\"]\n").ok());
}

CAF_TEST(a digest function that is not built in stops the start and says how to build it) {
  const auto x = read("[capabilities]\ndigest_functions = [\"SHA256\", \"BLAKE3\"]\n");
  CAF_CHECK_EQUAL(x.ok(), is_built_in(digest_function::blake3));
  if (!x.ok())
    CAF_CHECK(x.text().find("f.toml:2:20: error: BLAKE3 is not built into this program")
              != std::string::npos);
}

CAF_TEST(docker workers are all that the guide says) {
  const auto own = std::to_string(::geteuid()) + ":" + std::to_string(::getegid());
  const auto x = read("[[execution.pool.workers]]\ntype = \"docker\"\ncount = 2\n"
                      "image = \"ubuntu:22.04\"\nalways_pull = false\ncpu_limit = 2.0\n"
                      "memory_limit = 4294967296\nnetwork_mode = \"none\"\nuser = \""
                      + own
                      + "\"\n"
                        "[[execution.pool.workers.volumes]]\nhost_path = \"/var/cache/build\"\n"
                        "container_path = \"/cache\"\nread_only = true\n"
                        "[docker]\nsocket = \"/run/engine.sock\"\n");
  CAF_CHECK_EQUAL(x.text(), "");
  CAF_REQUIRE_EQUAL(x.value.pool.docker_workers.size(), 1u);
  CAF_CHECK(x.value.pool.host_workers.empty());
  const auto& workers = x.value.pool.docker_workers.front();
  CAF_CHECK_EQUAL(workers.count, 2u);
  CAF_CHECK_EQUAL(workers.image, "ubuntu:22.04");
  CAF_CHECK_EQUAL(workers.cpu_limit, 2.0);
  CAF_CHECK_EQUAL(workers.memory_limit, 4294967296);
  CAF_CHECK_EQUAL(workers.user.uid, ::geteuid());
  CAF_CHECK_EQUAL(workers.fresh, ::geteuid() == 0);
  CAF_REQUIRE_EQUAL(workers.volumes.size(), 1u);
  CAF_CHECK_EQUAL(workers.volumes[0].host_path, "/var/cache/build");
  CAF_CHECK(workers.volumes[0].read_only);
  CAF_CHECK_EQUAL(x.value.docker.socket, "/run/engine.sock");
}

CAF_TEST(docker workers never run actions as root unless the file says so) {
  const auto x = read("[[execution.pool.workers]]\ntype = \"docker\"\nimage = \"i\"\n");
  CAF_CHECK(x.ok());
  const auto uid = x.value.pool.docker_workers.front().user.uid;
  CAF_CHECK(::geteuid() == 0 ? uid != 0 : uid == ::geteuid());
}

CAF_TEST(what is wrong with docker workers is told at its place) {
  const auto x = read("[[execution.pool.workers]]\ntype = \"docker\"\nuser = \"builder\"\n"
                      "network_mode = \"pasta\"\nisolation = \"namespaces\"\n"
                      "cpu_limit = 0\nmemory_limit = 1000\nallowed_images = [\"a*b\", \"ok/*\"]\n"
                      "env_whitelist = []\n"
                      "[[execution.pool.workers.volumes]]\nhost_path = \"relative\"\n"
                      "container_path = \"/build/x\"\n");
  CAF_CHECK(!x.ok());
  for (const auto* told : {"1:1: error: a docker worker needs an 'image'", "3:8: error: 'user'",
                           "4:16: error: 'network_mode'", "5:13: error: 'isolation'",
                           "6:13: error: 'cpu_limit'", "7:16: error: 'memory_limit'",
                           "8:18: error: 'a*b'", "9:1: error: unknown key 'env_whitelist'",
                           "11:13: error: 'host_path'", "12:18: error: '/build/x'"})
    CAF_CHECK_EQUAL(x.text().find(told) != std::string::npos ? told : x.text(), told);
}

CAF_TEST(actions are isolated as far as the system allows unless the file demands it) {
  const std::string table = "[[execution.pool.workers]]\ntype = \"host\"\n";
  const auto silent = read(table + "use_chroot = false\n").value.pool.host_workers.at(0).sandbox;
  CAF_CHECK_EQUAL(silent.isolation, "namespaces");
  CAF_CHECK_EQUAL(silent.network, "none");
  CAF_CHECK_EQUAL(silent.max_processes, 4096);
  CAF_CHECK(silent.demanded.empty());
  const auto x =
      read(table + "use_chroot = true\nnetwork = \"none\"\nmax_memory_bytes = 100000000\n");
  CAF_CHECK(x.ok());
  const std::set<std::string> demanded{"isolation", "network", "max_memory_bytes"};
  CAF_CHECK(x.value.pool.host_workers.at(0).sandbox.demanded == demanded);
}

CAF_TEST(less isolation than asked for is refused) {
  const std::string table = "[[execution.pool.workers]]\ntype = \"host\"\nisolation = \"none\"\n";
  CAF_CHECK(read(table).ok());
  CAF_CHECK(read(table + "use_chroot = true\n").text().find("f.toml:4:14: error: 'use_chroot")
            != std::string::npos);
  CAF_CHECK(!read(table + "network = \"none\"\n").ok());
}

CAF_TEST(paths that actions could not see and limits that nothing fits in are refused) {
  const std::string table = "[[execution.pool.workers]]\ntype = \"host\"\n";
  CAF_CHECK(read(table + "readable_paths = [\"/opt/tools\", \"/var/cache\"]\n").ok());
  CAF_CHECK(!read(table + "readable_paths = [\"tools\"]\n").ok());
  CAF_CHECK(!read(table + "readable_paths = [\"/tmp/tools\"]\n").ok());
  CAF_CHECK(!read(table + "readable_paths = [\"/opt/../root\"]\n").ok());
  CAF_CHECK(!read(table + "max_processes = 2\n").ok());
  CAF_CHECK(!read(table + "max_memory_bytes = 1000\n").ok());
  CAF_CHECK(read(table + "max_processes = 0\nmax_output_bytes = 0\n").ok());
}

CAF_TEST(a user that does not exist is refused at its place) {
  const auto x =
      read("[[execution.pool.workers]]\ntype = \"host\"\nrun_as_user = \"no-such-user\"\n");
  CAF_CHECK(x.text().find("f.toml:3:15: error: there is no user 'no-such-user'")
            != std::string::npos);
}

CAF_TEST(as root actions run as nobody unless the file says root) {
  if (::geteuid() != 0) {
    CAF_MESSAGE("skipped: not root");
    return;
  }
  const std::string table = "[[execution.pool.workers]]\ntype = \"host\"\n";
  CAF_CHECK_EQUAL(+read(table).value.pool.host_workers.at(0).run_as.uid, 65534u);
  CAF_CHECK_EQUAL(
      +read(table + "run_as_user = \"root\"\n").value.pool.host_workers.at(0).run_as.uid, 0u);
}

CAF_TEST(stores that share a folder and workers that share a folder are refused) {
  CAF_CHECK(
      !read("[storage.cas]\nroot_dir = \"/a\"\n[storage.action_cache]\nroot_dir = \"/a\"\n").ok());
  const std::string worker = "[[execution.pool.workers]]\ntype = \"host\"\nwork_dir = \"/w\"\n";
  CAF_CHECK(!read(worker + worker).ok());
}

CAF_TEST(results are kept for ever unless the action cache has a limit for their age) {
  CAF_CHECK(read("").value.action_cache.ttl == std::chrono::seconds(0));
  const auto x = read("[storage.action_cache]\nttl_seconds = 86400\n");
  CAF_CHECK_EQUAL(x.text(), "");
  CAF_CHECK(x.value.action_cache.ttl == std::chrono::hours(24));
  CAF_CHECK(read("[storage.action_cache]\nttl_seconds = 0\n").ok());
  CAF_CHECK(!read("[storage.action_cache]\nttl_seconds = -1\n").ok());
  CAF_CHECK(!read("[storage.action_cache]\nttl_seconds = 4000000000\n").ok());
  CAF_CHECK(!read("[storage.cas]\nttl_seconds = 1\n").ok()); // blobs have leases instead
}

CAF_TEST(blobs are compressed when the file says so and only in the CAS) {
  CAF_CHECK(!read("[storage.cas]\nroot_dir = '/tmp/x'\n").value.cas.compresses);
  CAF_CHECK(!read("[storage.cas]\ncompression = 'none'\n").value.cas.compresses);
  CAF_CHECK(read("[storage.cas]\ncompression = 'zstd'\n").value.cas.compresses);
  const auto wrong = read("[storage.cas]\ncompression = 'lzma'\n");
  CAF_CHECK(!wrong.ok());
  CAF_CHECK(wrong.text().find(R"(use "none" or "zstd")") != std::string::npos);
  CAF_CHECK(!read("[storage.action_cache]\ncompression = 'zstd'\n").ok());
}

CAF_TEST(a file that can not be read is an error in words and no end of the program) {
  for (const auto* path : {"/no/such/file", "/tmp", "/proc/self/mem"}) { // the last fails: EIO
    config_problems problems;
    read_config_file(path, problems);
    CAF_REQUIRE_EQUAL(problems.size(), 1u);
    CAF_CHECK_EQUAL(problems[0].file, path);
    CAF_CHECK(problems[0].message.find("can not be read") != std::string::npos);
  }
}

CAF_TEST(a backend that is not supported yet says so) {
  CAF_CHECK(read("[storage.cas]\nbackend = \"redis\"\n").text().find("not supported yet")
            != std::string::npos);
}

CAF_TEST(the reference describes every key) {
  const auto reference = read_text(std::string(REPOSITORY) + "/docs/configuration.md");
  const auto keys = known_config_keys();
  CAF_CHECK(keys.size() > 30);
  for (const auto& key : keys) {
    CAF_MESSAGE(key);
    const auto dot = key.rfind('.');
    CAF_CHECK(reference.find("`" + key.substr(dot + 1) + "`") != std::string::npos);
    CAF_CHECK(reference.find("[" + key.substr(0, dot) + "]") != std::string::npos);
  }
}
