#define CAF_SUITE storage.store_model
#include "storage/backend.hpp"
#include "test/support/failing_disk.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <map>
#include <random>

using namespace expbuild;
using namespace expbuild::test;

namespace {

constexpr store_seconds lease = 100;

/// A store and what is true of it: which blobs it has, and until when each was promised.
struct model {
  explicit model(unsigned seed) : random(seed) { open(); }

  void open() {
    CAF_CHECK(!store || store->flush().ok()); // who was promised what
    store = nullptr;
    store = *make_filesystem_backend({.root = folder.path() / "s",
                                      .level = durability::grouped,
                                      .max_bytes = 4 << 20,
                                      .packed_below = 1000,
                                      .compresses = random() % 2 == 0, // anew at each start
                                      .usual_promise = lease,
                                      .clock = [this] { return now; },
                                      .background = false,
                                      .calls = std::make_shared<failing_disk>()});
  }

  /// Every fourth is too large to be packed.
  static std::string bytes_of(unsigned n) {
    return std::string(n % 4 == 0 ? 6000 + n : n % 300, static_cast<char>('a' + n % 26))
           + std::to_string(n);
  }
  unsigned any() { return static_cast<unsigned>(random() % 150); }

  void write() {
    const auto bytes = bytes_of(any());
    CAF_CHECK(write_blob(*store, bytes, digest_function::sha256).ok());
    there.emplace(bytes, 0);
  }
  void write_many() {
    std::vector<std::string> texts;
    for (int i = 0; i < 10; ++i)
      texts.push_back(bytes_of(any()));
    std::vector<named_bytes> batch;
    for (const auto& x : texts)
      batch.push_back({digest::of(x), x});
    for (const auto& status : store->write_all(batch))
      CAF_CHECK(status.ok());
    for (const auto& x : texts)
      there.emplace(x, 0);
  }
  void read() {
    const auto bytes = bytes_of(any());
    const auto found = read_blob(*store, digest::of(bytes), 1 << 20);
    CAF_CHECK_EQUAL(found.ok(), there.count(bytes) != 0);
    CAF_CHECK(!found.ok() || *found == bytes);
  }
  void remove() {
    const auto bytes = bytes_of(any());
    CAF_CHECK(store->remove(digest::of(bytes)).ok());
    there.erase(bytes);
  }
  void promise() {
    const auto bytes = bytes_of(any());
    const digest ids[] = {digest::of(bytes)};
    const bool missing = !store->index().promise(ids, now, now + lease).empty();
    CAF_CHECK_EQUAL(missing, there.count(bytes) == 0);
    if (!missing)
      there[bytes] = now + lease;
  }
  void evict() {
    const auto victims = store->index().choose_victims(20'000, 30, now);
    for (const auto& x : victims)
      for (auto each = there.begin(); each != there.end(); ++each)
        if (digest::of(each->first) == x.id) {
          CAF_CHECK(each->second <= now);
          there.erase(each);
          break;
        }
    if (random() % 2 == 0 && !victims.empty()) { // stored again before it went
      const auto id = victims.front().id;
      for (unsigned n = 0; n < 150; ++n)
        if (const auto bytes = bytes_of(n); digest::of(bytes) == id) {
          CAF_CHECK(write_blob(*store, bytes, digest_function::sha256).ok());
          there.emplace(bytes, 0);
        }
    }
    CAF_CHECK(store->evict(victims).ok());
  }

  void step() {
    switch (random() % 16) {
    case 0:
      return open();
    case 1:
      CAF_CHECK_EQUAL(store->flush().ToString(), "OK");
      return;
    case 2:
      return remove();
    case 3:
    case 4:
      return evict();
    case 5:
      now += static_cast<store_seconds>(random() % lease);
      return;
    case 6:
    case 7:
      return promise();
    case 8:
    case 9:
      return write_many();
    case 10:
    case 11:
      return read();
    default:
      return write();
    }
  }

  void check_all() {
    std::size_t count = 0;
    CAF_CHECK(store
                  ->for_each([&](const digest& id) {
                    ++count;
                    const auto bytes = read_blob(*store, id, 1 << 20);
                    CAF_CHECK(bytes.ok() && there.count(*bytes) == 1);
                  })
                  .ok());
    CAF_CHECK_EQUAL(count, there.size());
  }

  temporary_folder folder;
  std::mt19937 random;
  store_seconds now = 1'000'000;
  std::shared_ptr<backend> store;
  std::map<std::string, store_seconds> there;
};

} // namespace

CAF_TEST(a store does what a map would do whatever is done to it) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    CAF_MESSAGE("seed " << seed);
    model all(seed);
    for (int i = 0; i < 500; ++i)
      all.step();
    all.check_all();
    all.open();
    all.check_all();
  }
}
