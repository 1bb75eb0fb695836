#define CAF_SUITE actors.log
#include "actors/log.hpp"
#include "actors/log_sink.hpp"
#include "actors/trace.hpp"
#include "storage/posix.hpp"

#include <caf/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <spdlog/details/log_msg.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace expbuild;
using namespace std::chrono_literals;

namespace {

const auto noon = std::chrono::system_clock::from_time_t(1'764'504'000); // 2025-11-30T12:00:00Z

void say(log_sink& to, const std::string& message,
         spdlog::level::level_enum level = spdlog::level::info,
         std::chrono::system_clock::time_point at = noon) {
  to.log(spdlog::details::log_msg(at, {}, "scheduler", level, message));
}

struct fixture {
  unique_fd file{::memfd_create("log", MFD_CLOEXEC)};
  log_sink sut{file.get()};

  std::string written() const {
    struct stat what {};
    ::fstat(file.get(), &what);
    std::string text(static_cast<std::size_t>(what.st_size), '\0');
    CAF_REQUIRE_EQUAL(::pread(file.get(), text.data(), text.size(), 0), what.st_size);
    return text;
  }
};

log_line with(const std::string& message) {
  return {.at = noon, .level = spdlog::level::info, .module = "cas", .message = message};
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(log_tests, fixture)

CAF_TEST(a line is as the guide has it byte for byte) {
  say(sut, "queue length 0", spdlog::level::info, noon + 999ms);
  say(sut, "slow", spdlog::level::warn, noon + 1s);
  say(sut, "broken", spdlog::level::err);
  say(sut, "look", spdlog::level::debug);
  CAF_CHECK_EQUAL(written(), "2025-11-30T12:00:00Z INFO scheduler: queue length 0\n"
                             "2025-11-30T12:00:01Z WARN scheduler: slow\n"
                             "2025-11-30T12:00:00Z ERROR scheduler: broken\n"
                             "2025-11-30T12:00:00Z DEBUG scheduler: look\n");
}

CAF_TEST(a line as JSON is one object with what is known) {
  sut.set_format(log_format::json);
  say(sut, R"(a "quoted" \ thing)", spdlog::level::warn, noon + 7ms);
  {
    const trace_scope scope(0xabc);
    const log_about about("abcd/5", "operation-1");
    say(sut, "action abcd/5 ended");
  }
  const auto text = written();
  const auto end = text.find('\n');
  CAF_CHECK_EQUAL(text.substr(0, end),
                  R"({"ts":"2025-11-30T12:00:00.007Z","level":"warn","module":"scheduler",)"
                  R"("msg":"a \"quoted\" \\ thing"})");
  const auto second = nlohmann::json::parse(text.substr(end + 1));
  CAF_CHECK_EQUAL(second["msg"].get<std::string>(), "action abcd/5 ended");
  CAF_CHECK_EQUAL(second["action_digest"].get<std::string>(), "abcd/5");
  CAF_CHECK_EQUAL(second["operation"].get<std::string>(), "operation-1");
  CAF_CHECK_EQUAL(second["trace_id"].get<std::string>(), "0000000000000abc");
}

CAF_TEST(a line about an action names its digest and its trace and others stay as they are) {
  const trace_scope scope(0xabc);
  say(sut, "unrelated");
  {
    const log_about about("abcd/5");
    say(sut, "it died");
    const log_about inner("ef/1", "operation-1", 0xdef);
    say(sut, "action ef/1 ended");
  }
  say(sut, "unrelated");
  const std::string head = "2025-11-30T12:00:00Z INFO scheduler: ";
  CAF_CHECK_EQUAL(written(),
                  head + "unrelated\n" + head + "it died action=abcd/5 trace=0000000000000abc\n"
                      + head + "action ef/1 ended trace=0000000000000def\n" + head + "unrelated\n");
}

CAF_TEST(text of clients can neither break a line nor steer a terminal) {
  CAF_CHECK_EQUAL(clean_text("a\nb\r\x1b[31m\tc\x7f"), "a?b??[31m?c?");
  CAF_CHECK_EQUAL(clean_text(std::string_view("nul\0!", 5)), "nul?!");
  CAF_CHECK_EQUAL(clean_text("\xC2\x85 \xC2\x9B \xE2\x80\xA8 \xE2\x80\xAE \xE2\x81\xA6"),
                  "? ? ? ? ?");
  CAF_CHECK_EQUAL(clean_text("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"),
                  "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80");
  const std::string mark = "\xEF\xBF\xBD";
  for (const auto* broken : {"\xFF", "\x80", "\xC3", "\xC0\xAF", "\xE2\x82", "\xED\xA0\x80",
                             "\xF4\x90\x80\x80", "\xF8"}) {
    const auto mended = clean_text(std::string(broken) + "x");
    CAF_CHECK_EQUAL(mended.substr(0, 3), mark);
    CAF_CHECK_EQUAL(mended.back(), 'x');
    CAF_CHECK(!nlohmann::json(mended).dump().empty()); // throws unless it is UTF-8
  }
}

CAF_TEST(every line is one JSON object and fits into one write whatever is in it) {
  std::string hostile;
  for (int i = 0; i < 20'000; ++i)
    hostile += static_cast<char>(i * 7 + i / 256);
  for (const auto& message : {hostile, std::string(9000, '"'), std::string(9000, '\\'),
                              std::string(5000, 'x') + "\xE2\x82\xAC"}) {
    std::string as_json, as_text;
    append_json(as_json, with(clean_text(message)));
    append_text(as_text, with(clean_text(message)));
    CAF_CHECK(as_json.size() <= 4096u);
    CAF_CHECK(as_text.size() <= 4096u);
    CAF_CHECK_EQUAL(as_json.find('\n'), as_json.size() - 1);
    CAF_CHECK_EQUAL(as_text.find('\n'), as_text.size() - 1);
    CAF_CHECK(nlohmann::json::parse(as_json)["msg"].get<std::string>().ends_with("..."));
  }
}

CAF_TEST(a line that repeats is told once in its place) {
  for (int i = 0; i < 50; ++i)
    say(sut, "no room for blob " + std::to_string(i), spdlog::level::warn);
  say(sut, "meanwhile", spdlog::level::info, noon + 3s);
  sut.tell_repeats(noon + 9s);
  sut.tell_repeats(noon + 10s);
  const auto text = written();
  CAF_CHECK_EQUAL(std::count(text.begin(), text.end(), '\n'), 22);
  CAF_CHECK(text.ends_with("INFO scheduler: meanwhile\n2025-11-30T12:00:10Z WARN scheduler: "
                           "... repeated 30 times in 1 s: no room for blob 20\n"));
  CAF_CHECK_EQUAL(sut.ring()->read(0).lines.size(), 22u);
}

CAF_TEST(after a storm with no line behind it an alarm is wanted once) {
  std::vector<std::chrono::nanoseconds> alarms;
  sut.set_alarm([&](std::chrono::nanoseconds time) { alarms.push_back(time); });
  const auto storm = [&](std::chrono::system_clock::time_point at) {
    for (int i = 0; i < 50; ++i)
      say(sut, "no room for blob " + std::to_string(i), spdlog::level::warn, at);
  };
  storm(noon);
  storm(noon + 4s);
  using wanted = std::vector<std::chrono::nanoseconds>;
  CAF_CHECK_EQUAL(alarms, wanted{10s});
  sut.tell_repeats(noon + 9s); // it rang too early: the clocks differ
  CAF_CHECK_EQUAL(alarms, (wanted{10s, 1s}));
  sut.tell_repeats(noon + 10s);
  CAF_CHECK(written().ends_with("... repeated 80 times in 4 s: no room for blob 20\n"));
  CAF_CHECK_EQUAL(alarms.size(), 2u); // nothing is left
  storm(noon + 11s);
  CAF_CHECK_EQUAL(alarms, (wanted{10s, 1s, 9s}));
}

CAF_TEST(a full pipe holds nobody up and what it missed is told and kept) {
  int ends[2];
  CAF_REQUIRE_EQUAL(::pipe2(ends, O_CLOEXEC), 0);
  const unique_fd from(ends[0]), to(ends[1]);
  log_sink into_pipe(to.get());
  const std::string long_text(2000, 'x');
  for (int i = 0; i < 100; ++i)
    say(into_pipe, long_text + std::to_string(i)); // 200 KB: more than a pipe holds
  std::string text(1 << 20, '\0');
  const auto n = ::read(from.get(), text.data(), text.size());
  CAF_REQUIRE(n > 0);
  text.resize(static_cast<std::size_t>(n));
  const auto passed = std::count(text.begin(), text.end(), '\n');
  CAF_CHECK(passed < 100);
  CAF_CHECK(text.ends_with("\n"));
  say(into_pipe, "at last");
  text.resize(4096);
  text.resize(static_cast<std::size_t>(::read(from.get(), text.data(), text.size())));
  CAF_CHECK(text.find("WARN log: " + std::to_string(100 - passed) + " lines are missing here")
            != std::string::npos);
  CAF_CHECK(text.ends_with("at last\n"));
  CAF_CHECK_EQUAL(into_pipe.ring()->read(0).lines.size(), 101u);
}

CAF_TEST(the ring keeps the last lines within its limits and tells how many were missed) {
  log_ring by_lines(3);
  for (int i = 0; i < 5; ++i)
    by_lines.push(with(std::to_string(i)));
  auto page = by_lines.read(0);
  CAF_CHECK_EQUAL(page.lost, 0u);
  CAF_REQUIRE_EQUAL(page.lines.size(), 3u);
  CAF_CHECK_EQUAL(page.lines[0]->message, "2");
  CAF_CHECK(by_lines.read(page.next).lines.empty());
  for (int i = 5; i < 10; ++i)
    by_lines.push(with(std::to_string(i)));
  page = by_lines.read(page.next, 2);
  CAF_CHECK_EQUAL(page.lost, 2u);
  CAF_REQUIRE_EQUAL(page.lines.size(), 2u);
  CAF_CHECK_EQUAL(page.lines[0]->message, "7");
  CAF_CHECK_EQUAL(by_lines.read(page.next).lines.size(), 1u);

  log_ring by_bytes(10'000, 100'000);
  for (int i = 0; i < 1000; ++i)
    by_bytes.push(with(std::string(3000, 'x')));
  CAF_CHECK(by_bytes.bytes() <= 100'000u);
  CAF_CHECK(by_bytes.read(0).lines.size() > 20u);
}

CAF_TEST(a follower is called once for what comes next and never when it is gone) {
  log_ring ring(3);
  int calls = 0;
  auto follower = std::make_shared<const log_ring::follower>([&calls] { ++calls; });
  ring.push(with("one"));
  ring.wait(ring.read(0).next, ring.round(), follower);
  CAF_CHECK_EQUAL(calls, 0);
  ring.push(with("two"));
  ring.push(with("three"));
  CAF_CHECK_EQUAL(calls, 1);
  ring.wait(2, ring.round(), follower); // what it has not read is there
  CAF_CHECK_EQUAL(calls, 2);

  ring.wait(ring.read(0).next, ring.round(), follower);
  const auto round = ring.round();
  ring.end_followers();
  CAF_CHECK_EQUAL(calls, 3);
  ring.wait(ring.read(0).next, round, follower); // it is to see that it was sent away
  CAF_CHECK_EQUAL(calls, 4);

  ring.wait(ring.read(0).next, ring.round(), follower);
  follower.reset();
  ring.push(with("four"));
  CAF_CHECK_EQUAL(calls, 4);
  for (int i = 0; i < 100; ++i)
    ring.wait(ring.read(0).next, ring.round(),
              std::make_shared<const log_ring::follower>([] {})); // gone at once
  CAF_CHECK(ring.waiting() <= 1u);
}

CAF_TEST(levels are set together or not at all) {
  const auto before = log_levels();
  CAF_CHECK(before.contains("scheduler"));
  CAF_REQUIRE(set_log_levels("warn,scheduler=debug").ok());
  CAF_CHECK_EQUAL(std::string(log_levels()["scheduler"]), "debug");
  CAF_CHECK_EQUAL(std::string(log_levels()["cas"]), "warn");
  CAF_CHECK(log_of("scheduler").should_log(spdlog::level::debug));
  for (const auto* wrong : {"cas=loud", "trace,shceduler=debug", "very"})
    CAF_CHECK(absl::IsInvalidArgument(set_log_levels(wrong)));
  CAF_CHECK_EQUAL(std::string(log_levels()["cas"]), "warn");
  CAF_CHECK(set_log_level("shceduler", "info").message().find("scheduler") != std::string::npos);
  CAF_REQUIRE(set_log_level("", "info").ok());
  CAF_CHECK_EQUAL(std::string(log_levels()["scheduler"]), "info");
  CAF_CHECK(!log_of("scheduler").should_log(spdlog::level::debug));
}

CAF_TEST_FIXTURE_SCOPE_END()
