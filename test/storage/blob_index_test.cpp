#define CAF_SUITE storage.blob_index
#include "storage/blob_index.hpp"
#include "storage/blob_table.hpp"

#include <caf/test/unit_test.hpp>

#include <map>
#include <random>
#include <set>

using namespace expbuild;

namespace {

constexpr blob_place in_a_file{};
constexpr store_seconds lease = 1000;

digest blob(int i, std::int64_t size = 4096) {
  return digest(digest_function::sha256, digest::of(std::to_string(i)).raw_hash(), size);
}

struct fixture {
  store_seconds now = 1'000'000;
  blob_index index{{.max_bytes = 100 * 4096, .usual_promise = lease, .grace = 0}};

  void add(int i) { index.add(blob(i), in_a_file, 0); }
  bool promise(int i) {
    const digest ids[] = {blob(i)};
    return index.promise(ids, now, now + lease).empty();
  }
  void use(int i, int times = 1) {
    for (int n = 0; n < times; ++n)
      index.find(blob(i));
  }

  /// Evicts as many blobs; answers which.
  std::vector<digest> evict(std::size_t count) {
    std::vector<digest> gone;
    for (const auto& x : index.choose_victims(std::int64_t{1} << 40, count, now)) {
      CAF_CHECK(index.is_doomed(x.id));
      CAF_CHECK(index.remove(x.id, x.place));
      gone.push_back(x.id);
    }
    return gone;
  }
  bool is_there(int i) { return index.contains(blob(i)); }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(blob_index_tests, fixture)

CAF_TEST(what was added is found where it lies and forgotten when it is removed) {
  index.add(blob(1), {.segment = 3, .offset = 77}, 4096);
  CAF_CHECK(*index.find(blob(1)) == (blob_place{.segment = 3, .offset = 77}));
  CAF_CHECK(!index.find(blob(2)));
  CAF_CHECK(!index.find(blob(1, 5))); // another size
  CAF_CHECK(!index.remove(blob(1), {.segment = 4, .offset = 77}));
  CAF_CHECK(index.remove(blob(1), {.segment = 3, .offset = 77})->stamp == 4096);
  CAF_CHECK(!index.contains(blob(1)));
  CAF_CHECK_EQUAL(index.stats().blobs, 0u);
  CAF_CHECK_EQUAL(index.stats().packed_bytes, 0);
}

CAF_TEST(the empty blob is always there) {
  CAF_CHECK(index.contains(digest()));
  CAF_CHECK(index.find_hash(digest_function::sha256, digest().raw_hash()) == digest());
}

CAF_TEST(a blob is found by its hash alone) {
  add(1);
  CAF_CHECK(index.find_hash(digest_function::sha256, blob(1).raw_hash()) == blob(1));
  CAF_CHECK(!index.find_hash(digest_function::sha256, blob(2).raw_hash()));
}

CAF_TEST(two sizes of one hash are two blobs) {
  const auto other = blob(1, 5);
  for (const auto size : {0, 5, 0, 5})
    index.add(blob(1, size), in_a_file, 0);
  CAF_CHECK_EQUAL(index.stats().blobs, 2u);
  CAF_CHECK(index.find(blob(1, 0)) && index.find(other));
  CAF_CHECK(!index.find(blob(1, 6)));
  CAF_CHECK(index.remove(blob(1, 0), in_a_file));
  CAF_CHECK(!index.contains(blob(1, 0)));
  CAF_CHECK(index.find_hash(digest_function::sha256, other.raw_hash()) == other);
  CAF_CHECK(index.remove(other, in_a_file));
  CAF_CHECK(!index.find_hash(digest_function::sha256, other.raw_hash()));
}

CAF_TEST(hashes of all lengths and functions live side by side) {
  const digest_function all[] = {digest_function::md5, digest_function::sha1,
                                 digest_function::sha256, digest_function::sha384,
                                 digest_function::sha512};
  std::set<digest> ids;
  for (int i = 0; i < 200; ++i)
    for (const auto function : all)
      ids.insert(digest::of(std::to_string(i), function));
  // two that differ in their last byte only
  auto raw = std::string(digest::of("x", digest_function::sha512).raw_hash());
  ids.insert(digest(digest_function::sha512, raw, 1));
  raw.back() ^= 1;
  ids.insert(digest(digest_function::sha512, raw, 1));
  for (const auto& id : ids)
    index.add(id, in_a_file, 0);
  CAF_CHECK_EQUAL(index.stats().blobs, ids.size());
  for (const auto& id : ids)
    CAF_CHECK(index.contains(id));
  std::set<digest> seen;
  index.for_each([&seen](const digest& id, blob_place) { seen.insert(id); });
  CAF_CHECK(seen == ids);
}

CAF_TEST(new blobs that nobody uses go first and in their order) {
  for (int i = 0; i < 10; ++i)
    add(i);
  CAF_CHECK(evict(3) == (std::vector{blob(0), blob(1), blob(2)}));
}

CAF_TEST(a burst of uploads leaves before what is used again and again) {
  for (int i = 0; i < 50; ++i) {
    add(i);
    use(i, 2);
  }
  for (int i = 100; i < 300; ++i)
    add(i);
  const auto gone = evict(190);
  for (int i = 0; i < 50; ++i)
    CAF_CHECK(is_there(i));
  CAF_CHECK_EQUAL(gone.size(), 190u);
}

CAF_TEST(a blob that comes back soon after it was evicted is not the first to go again) {
  add(1);
  evict(1);
  add(1);
  add(2);
  for (int i = 3; i < 30; ++i)
    add(i);
  evict(5);
  CAF_CHECK(is_there(1));
  CAF_CHECK(!is_there(2));
}

CAF_TEST(what was promised stays until then and goes later) {
  for (int i = 0; i < 10; ++i)
    add(i);
  CAF_CHECK(promise(0));
  CAF_CHECK(promise(1));
  CAF_CHECK_EQUAL(evict(100).size(), 8u);
  CAF_CHECK(is_there(0) && is_there(1));
  now += lease - 1;
  CAF_CHECK(evict(100).empty());
  now += lease;
  CAF_CHECK_EQUAL(evict(100).size(), 2u);
}

CAF_TEST(a new blob stays until whoever stored it could be promised it) {
  blob_index careful({.max_bytes = 4096, .grace = 60, .clock = [this] { return now; }});
  careful.add(blob(1), in_a_file, 0);
  now += 59;
  CAF_CHECK(careful.choose_victims(1, 1, now).empty());
  now += 1;
  CAF_CHECK_EQUAL(careful.choose_victims(1, 1, now).size(), 1u);
}

CAF_TEST(a promise that is made again lasts from then on) {
  add(1);
  promise(1);
  now += lease / 2;
  promise(1);
  now += lease - 1;
  CAF_CHECK(evict(1).empty());
}

CAF_TEST(nobody waits behind a promise that is longer than usual) {
  add(1);
  const digest ids[] = {blob(1)};
  index.promise(ids, now, now + 100 * lease);
  add(2);
  promise(2);
  now += 2 * lease;
  CAF_CHECK(evict(5) == std::vector{blob(2)});
}

CAF_TEST(a promise tells which are missing by their place) {
  add(1);
  const digest ids[] = {blob(7), blob(1), blob(8), digest()};
  CAF_CHECK((index.promise(ids, now, now + lease) == std::vector<std::size_t>{0, 2}));
}

CAF_TEST(a blob about to go is not found and comes back when it is stored again) {
  add(1);
  const auto victims = index.choose_victims(1, 1, now);
  CAF_REQUIRE_EQUAL(victims.size(), 1u);
  CAF_CHECK(!index.contains(blob(1)));
  CAF_CHECK(!promise(1));
  add(1);
  CAF_CHECK(index.contains(blob(1)));
  CAF_CHECK(!index.is_doomed(blob(1)));
  CAF_CHECK_EQUAL(index.stats().blobs, 1u);
}

CAF_TEST(a moved blob is where it was moved to unless it has changed meanwhile) {
  index.add(blob(1), {.segment = 1, .offset = 16}, 100);
  CAF_CHECK(index.move(blob(1), {.segment = 1, .offset = 16}, {.segment = 2, .offset = 16}));
  CAF_CHECK(!index.move(blob(1), {.segment = 1, .offset = 16}, {.segment = 3, .offset = 16}));
  CAF_CHECK(index.lies_at(blob(1), {.segment = 2, .offset = 16}));
}

CAF_TEST(promises and uses survive a restart) {
  for (int i = 0; i < 20; ++i)
    add(i);
  promise(3);
  now += 10;
  use(5, 3);
  promise(5);
  auto notes = index.take_promises();
  CAF_CHECK_EQUAL(notes.size(), 2u);
  CAF_CHECK(index.take_promises().empty());
  blob_index next({.max_bytes = 100 * 4096, .usual_promise = lease, .grace = 0});
  for (int i = 0; i < 20; ++i)
    next.add_found(blob(i), in_a_file, 0);
  next.restore(notes);
  CAF_CHECK_EQUAL(next.choose_victims(std::int64_t{1} << 40, 100, now).size(), 18u);
  CAF_CHECK(next.contains(blob(3)) && next.contains(blob(5)));
  const auto later = next.choose_victims(1, 1, now + 2 * lease);
  CAF_REQUIRE_EQUAL(later.size(), 1u);
  CAF_CHECK(later[0].id == blob(3)); // 5 was used, 3 was not
}

CAF_TEST(a promise that was written while the clock ran ahead does not hold for ever) {
  constexpr store_seconds day = 24 * 3600;
  blob_index next({.max_bytes = 100 * 4096, .usual_promise = lease, .grace = 0, .clock = [this] {
                     return now;
                   }});
  for (int i = 0; i < 2; ++i)
    next.add_found(blob(i), in_a_file, 0);
  const auto prefix_of = [this](int i) {
    add(i);
    promise(i);
    return index.take_promises().front().prefix;
  };
  const std::vector<blob_index::promise_note> notes{{prefix_of(0), 0, now + lease},
                                                    {prefix_of(1), 0, now + 50 * 365 * day}};
  next.restore(notes);
  CAF_CHECK(next.choose_victims(1 << 20, 100, now + lease - 1).empty());
  CAF_CHECK_EQUAL(next.choose_victims(1 << 20, 100, now + lease + 1).size(), 1u);
  CAF_CHECK_EQUAL(next.choose_victims(1 << 20, 100, now + 2 * day).size(), 1u);
}

CAF_TEST(a blob takes less than a hundred bytes of memory) {
  constexpr int count = 200'000;
  std::size_t most = 0;
  for (int i = 0; i < count; ++i) {
    index.add(blob(i, 100), {.segment = 1, .offset = static_cast<std::uint32_t>(i)}, 100);
    if (i > 20'000 && i % 1000 == 0)
      most = std::max(most, index.memory() / static_cast<std::size_t>(i));
  }
  CAF_MESSAGE("at most " << most << " bytes a blob");
  CAF_CHECK(most < 100);
}

CAF_TEST(keys that were chosen to begin alike are found as fast as others) {
  for (const auto function :
       {digest_function::md5, digest_function::sha256, digest_function::sha512}) {
    const auto key = [function](int i) {
      auto raw = std::string(hash_length(function), 'x');
      for (int byte = 0; byte < 4; ++byte) // all but the last bytes are alike
        raw[raw.size() - 1 - static_cast<std::size_t>(byte)] = static_cast<char>(i >> (8 * byte));
      return digest(function, raw, 100);
    };
    blob_table table(false);
    constexpr int count = 20'000;
    for (int i = 0; i < count; ++i)
      table.insert(key(i));
    std::size_t probes = 0;
    int wrong = 0;
    for (int i = 0; i < 2 * count; ++i) {
      wrong += (table.find(key(i)) != 0) != (i < count);
      probes += table.probes(key(i));
    }
    CAF_CHECK(probes < std::size_t{10} * 2 * count);
    for (int i = 0; i < count; i += 2)
      table.erase(table.find(key(i)));
    for (int i = 0; i < count; ++i)
      wrong += (table.find(key(i)) != 0) != (i % 2 == 1);
    CAF_CHECK_EQUAL(wrong, 0);
  }
}

CAF_TEST(random changes leave it as a map would be) {
  std::mt19937 random(7);
  std::map<digest, blob_place> model;
  blob_table unused; // it is made of one of these
  for (int step = 0; step < 100'000; ++step) {
    const auto id =
        digest::of(std::to_string(random() % 3000),
                   random() % 2 == 0 ? digest_function::sha256 : digest_function::sha512);
    const blob_place place{.segment = 1 + static_cast<std::uint32_t>(random() % 9),
                           .offset = static_cast<std::uint32_t>(random() % 1000)};
    switch (random() % 4) {
    case 0:
    case 1:
      index.add(id, place, random() % 1000);
      model[id] = place;
      break;
    case 2:
      if (const auto found = model.find(id); found != model.end()) {
        CAF_CHECK(index.remove(id, found->second));
        model.erase(found);
      }
      break;
    default:
      CAF_CHECK((index.find(id) != std::nullopt) == (model.count(id) != 0));
    }
  }
  CAF_CHECK_EQUAL(index.stats().blobs, model.size());
  for (const auto& [id, place] : model)
    CAF_CHECK(index.lies_at(id, place));
  CAF_CHECK_EQUAL(index.choose_victims(std::int64_t{1} << 40, model.size() + 1, now).size(),
                  model.size());
}

CAF_TEST_FIXTURE_SCOPE_END()
