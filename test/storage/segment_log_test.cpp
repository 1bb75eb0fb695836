#define CAF_SUITE storage.segment_log
#include "storage/disk/segment_log.hpp"
#include "test/support/failing_disk.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <map>
#include <set>
#include <thread>

using namespace expbuild;
using namespace expbuild::test;

namespace {

using known_places = std::map<digest, blob_place>;

struct fixture {
  temporary_folder folder;
  std::shared_ptr<failing_disk> disk = std::make_shared<failing_disk>();
  std::vector<digest> lost;
  std::unique_ptr<segment_log> log = open();

  std::unique_ptr<segment_log> open(std::int64_t segment_bytes = 1000) {
    auto root = *disk_folder::open_root(disk, folder.path() / "log");
    return *segment_log::open(
        root,
        {.segment_bytes = segment_bytes,
         .sync = true,
         .whole = [](const digest& id, std::string_view bytes) { return digest::of(bytes) == id; },
         .lost =
             [this](std::span<const std::pair<digest, blob_place>> gone) {
               for (const auto& [id, place] : gone)
                 lost.push_back(id);
             }});
  }

  blob_place append(const std::string& bytes) {
    const segment_record record{record_kind::bytes, digest::of(bytes), bytes};
    return log->append({&record, 1})->front();
  }

  std::string read(segment_log& from, blob_place place, const std::string& bytes) {
    const auto read = from.read(place, digest::of(bytes), static_cast<std::int64_t>(bytes.size()));
    return read.ok() ? *read : read.status().ToString();
  }

  known_places load(segment_log& from) {
    known_places all;
    from.load({.found = [&all](const digest& id, blob_place place,
                               std::uint32_t) { return all.emplace(id, place).second; },
               .removed =
                   [&all](const digest& id, blob_place place) {
                     if (const auto found = all.find(id);
                         found != all.end() && found->second == place)
                       all.erase(found);
                   },
               .damaged = [](const digest&) {},
               .failed = [](const absl::Status& why) { CAF_ERROR(why.ToString()); }});
    return all;
  }

  std::filesystem::path file(int number, const char* kind = "seg") {
    return folder.path() / "log" / ("0000000" + std::to_string(number) + "." + kind);
  }
};

std::string text(int i) {
  return "record number " + std::to_string(i) + std::string(80, '.');
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(segment_log_tests, fixture)

CAF_TEST(a record is read where it was appended) {
  const auto first = append("one");
  const auto second = append("two");
  CAF_CHECK_EQUAL(read(*log, first, "one"), "one");
  CAF_CHECK_EQUAL(read(*log, second, "two"), "two");
  CAF_CHECK(read(*log, first, "two").find("NOT_FOUND") == 0);
}

CAF_TEST(many records are one write and one sync) {
  append("the segment is made");
  CAF_CHECK(log->sync().ok());
  std::vector<std::string> texts;
  std::vector<segment_record> records;
  for (int i = 0; i < 5; ++i)
    texts.push_back(text(i));
  for (const auto& x : texts)
    records.push_back({record_kind::bytes, digest::of(x), x});
  disk->fail(0, 0);
  const auto places = *log->append(records);
  CAF_CHECK(log->sync().ok());
  CAF_CHECK_EQUAL(disk->calls(), 2u);
  for (std::size_t i = 0; i < texts.size(); ++i)
    CAF_CHECK_EQUAL(read(*log, places[i], texts[i]), texts[i]);
}

CAF_TEST(nothing is synced twice) {
  append("one");
  CAF_CHECK(log->sync().ok());
  disk->fail(0, 0);
  CAF_CHECK(log->sync().ok());
  CAF_CHECK_EQUAL(disk->calls(), 0u);
}

CAF_TEST(what was appended is found by the next process with and without lists) {
  known_places places;
  for (int i = 0; i < 40; ++i)
    places[digest::of(text(i))] = append(text(i));
  CAF_CHECK(log->sync().ok());
  CAF_CHECK(std::filesystem::exists(file(1, "idx"))); // several segments are full
  log = open();
  CAF_CHECK(load(*log) == places);
  for (int i = 1; i < 6; ++i)
    std::filesystem::remove(file(i, "idx"));
  log = open();
  CAF_CHECK(load(*log) == places);
  CAF_CHECK(std::filesystem::exists(file(1, "idx"))); // written again
}

CAF_TEST(a log that was closed has lists of all segments and goes on in a new one) {
  append("one");
  CAF_CHECK(log->close().ok());
  CAF_CHECK(std::filesystem::exists(file(1, "idx")));
  append("two");
  CAF_CHECK(std::filesystem::exists(file(2)));
  log = open();
  CAF_CHECK_EQUAL(load(*log).size(), 2u);
}

CAF_TEST(a removed record stays removed) {
  const auto place = append("one");
  append("two");
  const auto payload = encode_place(place);
  const segment_record removal{record_kind::removed, digest::of("one"), payload};
  CAF_CHECK(log->append({&removal, 1}).ok());
  log = open();
  const auto found = load(*log);
  CAF_CHECK_EQUAL(found.size(), 1u);
  CAF_CHECK(found.count(digest::of("two")) == 1);
}

CAF_TEST(a record that a crash cut off is not there and those before it are) {
  append("one");
  append("two");
  const auto whole = std::filesystem::file_size(file(1));
  for (std::uintmax_t size = whole - 1; size > whole - 60; --size) {
    std::filesystem::resize_file(file(1), size);
    std::filesystem::remove(file(1, "idx"));
    auto next = open();
    CAF_CHECK_EQUAL(load(*next).size(), 1u);
  }
}

CAF_TEST(a flipped byte never brings a wrong record) {
  append("one");
  append("two");
  const auto original = read_text(file(1));
  for (std::size_t at = 0; at < original.size(); ++at) {
    auto damaged = original;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    write_text(file(1), damaged);
    std::filesystem::remove(file(1, "idx"));
    auto next = open();
    for (const auto& [id, place] : load(*next)) {
      CAF_CHECK(id == digest::of("one") || id == digest::of("two"));
      const auto bytes = next->read(place, id, 3);
      CAF_CHECK(bytes.ok() && digest::of(*bytes) == id);
    }
  }
}

CAF_TEST(a flipped byte in a list costs time only) {
  for (int i = 0; i < 12; ++i)
    append(text(i));
  CAF_CHECK(log->sync().ok());
  const auto original = read_text(file(1, "idx"));
  for (std::size_t at = 0; at < original.size(); at += 7) {
    auto damaged = original;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write_text(file(1, "idx"), damaged);
    auto next = open();
    CAF_CHECK_EQUAL(load(*next).size(), 12u);
  }
}

CAF_TEST(a list with the right checksum that can not be right costs time only) {
  for (int i = 0; i < 12; ++i)
    append(text(i));
  CAF_CHECK(log->sync().ok());
  const auto original = read_text(file(1, "idx"));
  const auto start = original.substr(0, 16);
  const auto items = original.substr(16 + 32); // behind the checksum
  const auto load_with = [&](const std::string& bytes) {
    write_text(file(1, "idx"), start + std::string(digest::of(bytes).raw_hash()) + bytes);
    auto next = open();
    return load(*next).size();
  };
  for (std::size_t length = 1; length < 50; ++length)
    CAF_CHECK_EQUAL(load_with(items.substr(0, length)), 12u);
  for (const auto& [at, value] : {std::pair{0, '\3'}, {1, '\77'}, {17, '\200'}}) {
    auto odd = items; // a kind, a function, and a size that are none
    odd[static_cast<std::size_t>(at)] = value;
    CAF_CHECK_EQUAL(load_with(odd), 12u);
  }
}

CAF_TEST(what can not be synced is lost and told and the log goes on) {
  const auto safe = append("safe");
  CAF_CHECK(log->sync().ok());
  append("one");
  append("two");
  disk->fail(1, EIO);
  CAF_CHECK(!log->sync().ok());
  CAF_CHECK((std::set<digest>(lost.begin(), lost.end())
             == std::set<digest>{digest::of("one"), digest::of("two")}));
  disk->fail(0, 0);
  const auto later = append("later");
  CAF_CHECK(log->sync().ok());
  CAF_CHECK_EQUAL(read(*log, safe, "safe"), "safe");
  CAF_CHECK_EQUAL(read(*log, later, "later"), "later");
  log = open();
  CAF_CHECK_EQUAL(load(*log).size(), 2u);
}

CAF_TEST(many threads share syncs and all that they appended is there) {
  log = open(std::int64_t{1} << 20);
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        append(text(100 * t + i));
        failures += log->sync().ok() ? 0 : 1;
      }
    });
  for (auto& each : threads)
    each.join();
  CAF_CHECK_EQUAL(failures.load(), 0);
  log = open();
  CAF_CHECK_EQUAL(load(*log).size(), 400u);
}

CAF_TEST(a segment that is mostly waste is copied and gone) {
  known_places places;
  for (int i = 0; i < 40; ++i)
    places[digest::of(text(i))] = append(text(i));
  CAF_CHECK(log->sync().ok());
  const auto before = log->bytes();
  std::set<digest> wanted;
  for (int i = 0; i < 40; ++i)
    if (i % 3 == 0)
      wanted.insert(digest::of(text(i)));
    else
      log->wasted(places[digest::of(text(i))], digest::of(text(i)),
                  static_cast<std::int64_t>(text(i).size()));
  const segment_log::mover with{
      .is_wanted = [&](const digest& id, blob_place) { return wanted.count(id) != 0; },
      .moved =
          [&](const digest& id, blob_place from, blob_place to) {
            CAF_CHECK(places[id] == from);
            places[id] = to;
            return true;
          },
      .unreadable = [](const digest&, blob_place,
                       const absl::Status& why) { CAF_ERROR(why.ToString()); }};
  for (auto number = log->most_wasted(0.5); number != 0; number = log->most_wasted(0.5)) {
    CAF_CHECK(log->compact(number, with).ok());
    CAF_CHECK(!std::filesystem::exists(file(static_cast<int>(number))));
  }
  CAF_CHECK(log->bytes() < before * 2 / 3);
  for (int i = 0; i < 40; i += 3)
    CAF_CHECK_EQUAL(read(*log, places[digest::of(text(i))], text(i)), text(i));
  log = open();
  const auto found = load(*log);
  for (const auto& id : wanted)
    CAF_CHECK(found.count(id) == 1);
}

CAF_TEST(a segment that could not be read at start is not taken for waste) {
  for (int i = 0; i < 12; ++i)
    append(text(i));
  CAF_CHECK(log->sync().ok());
  log = open();
  CAF_CHECK_EQUAL(log->most_wasted(0.5), 0u); // not loaded yet
  load(*log);
  CAF_CHECK_EQUAL(log->most_wasted(0.5), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
