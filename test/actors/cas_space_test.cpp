#define CAF_SUITE actors.cas_space
#include "actors/cas.hpp"
#include "test/support/actors.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

/// Counts the rounds in which it was asked to make room.
class counting_backend : public disk_like_backend {
public:
  absl::Status evict(std::span<const blob_index::victim> victims) override {
    ++rounds;
    return disk_like_backend::evict(victims);
  }
  int rounds = 0;
};

/// A store of 100 blobs of a block each, and a clock that is moved by hand.
struct fixture : actor_fixture {
  std::shared_ptr<store_seconds> now = std::make_shared<store_seconds>(1'000'000);
  std::shared_ptr<counting_backend> counted = std::make_shared<counting_backend>();
  cas_actor blobs;

  fixture() {
    store = counted;
    blobs = keep(sys.spawn(cas, cas_options{.store = store,
                                            .io = io,
                                            .meters = meters,
                                            .limits = {.max_bytes = 100 * 4096},
                                            .lease = std::chrono::seconds(100),
                                            .clock = [now = now] { return *now; },
                                            .max_open_writes = 1000,
                                            .max_waiting = 3}));
    consume_messages();
  }

  static std::string text(int i) { return std::to_string(i) + std::string(4000, '.'); }
  static digest blob(int i) { return digest::of(text(i)); }

  template <class T, class Message>
  answer_box<T> ask(Message message) {
    answer_box<T> box;
    caf::anon_send(blobs, std::move(message), box.make());
    consume_messages();
    return box;
  }

  answer_box<admitted_writes> admit(int i) {
    return ask<admitted_writes>(admit_writes{.trace = {}, .digests = {blob(i)}});
  }

  /// Admitted, written, told.
  absl::Status upload(int i) {
    auto allowed = admit(i);
    if (!allowed.answered() || !allowed.status().ok())
      return allowed.answered() ? allowed.status() : absl::UnavailableError("still waiting");
    CAF_CHECK(write_blob(*store, text(i), digest_function::sha256).ok());
    ask<unit>(blobs_stored{.trace = {}, .digests = {blob(i)}});
    allowed.slot->reset();
    consume_messages();
    return absl::OkStatus();
  }

  bool is_missing(int i) {
    return !ask<missing_blobs>(find_missing{.trace = {}, .digests = {blob(i)}})
                .value()
                .digests.empty();
  }

  /// As many that nobody is promised, of 385 bytes in the store each.
  void find_stored(int count) {
    for (int i = 0; i < count; ++i) {
      const auto bytes = std::to_string(i) + "/";
      CAF_CHECK(
          write_blob(*store, bytes + std::string(329 - bytes.size(), '.'), digest_function::sha256)
              .ok());
    }
    blobs_know();
  }

  /// The actor measures the store again.
  void blobs_know() {
    space_measured now_known;
    now_known.usage = store->usage();
    caf::anon_send(blobs, now_known);
    consume_messages();
  }

  answer_box<admitted_writes> admit_bytes(std::int64_t bytes) {
    const auto large = *digest::parse(blob(7000).hash(), bytes, digest_function::sha256);
    return ask<admitted_writes>(admit_writes{.trace = {}, .digests = {large}});
  }

  int fill() {
    for (int i = 0; i < 1000; ++i)
      if (!upload(i).ok())
        return i;
    return -1;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(cas_space_tests, fixture)

CAF_TEST(a store full of promises refuses and says what to do and breaks none) {
  const auto full = fill();
  CAF_REQUIRE(full > 80 && full <= 110);
  const auto refused = admit(5000);
  CAF_CHECK(absl::IsResourceExhausted(refused.status()));
  CAF_CHECK(std::string(refused.status().message()).find("max_size_bytes") != std::string::npos);
  for (int i = 0; i < full; ++i)
    CAF_CHECK(!is_missing(i));
}

CAF_TEST(what is there already needs no room) {
  fill();
  const auto known = admit(3);
  CAF_REQUIRE(known.status().ok());
  CAF_CHECK(!known.value().wanted[0]);
}

CAF_TEST(when promises end the oldest blobs make room) {
  const auto full = fill();
  *now += 200;
  for (int i = 2000; i < 2010; ++i)
    CAF_CHECK(upload(i).ok());
  CAF_CHECK(is_missing(0));
  CAF_CHECK(!is_missing(2005));
  CAF_CHECK(!is_missing(full - 1));
  CAF_CHECK(store->index().stats().packed_bytes <= 100 * 4096);
}

CAF_TEST(a blob that somebody asked for stays although it is old) {
  fill();
  *now += 99;
  CAF_CHECK(!is_missing(0)); // promised again
  *now += 50;                // the others are not
  for (int i = 2000; i < 2050; ++i)
    CAF_CHECK(upload(i).ok());
  CAF_CHECK(is_missing(1));
  CAF_CHECK(!is_missing(0));
}

CAF_TEST(a write that could never fit is refused at once) {
  const auto huge = *digest::parse(blob(1).hash(), 101 * 4096, digest_function::sha256);
  const auto refused = ask<admitted_writes>(admit_writes{.trace = {}, .digests = {huge}});
  CAF_CHECK(absl::IsResourceExhausted(refused.status()));
  CAF_CHECK(std::string(refused.status().message()).find("too large") != std::string::npos);
}

CAF_TEST(a large write has all that it lacks evicted at once) {
  find_stored(1000);
  const auto before = store->usage().bytes; // 94 %
  CAF_REQUIRE(before > 92 * 4096 && before < 95 * 4096);
  CAF_CHECK(admit_bytes(8 * 4096).status().ok());
  CAF_CHECK_EQUAL(counted->rounds, 2); // for it, and back to what should stay free
  CAF_CHECK(store->usage().bytes <= 92 * 4096);
}

CAF_TEST(nothing goes for a write that does not fit beside what is promised) {
  find_stored(400);
  for (int i = 0; i < 50; ++i)
    CAF_CHECK(upload(i).ok());
  CAF_CHECK(absl::IsResourceExhausted(admit_bytes(60 * 4096).status()));
  CAF_CHECK_EQUAL(counted->rounds, 0);
  CAF_CHECK(admit_bytes(20 * 4096).status().ok());
}

CAF_TEST(nothing goes for a write that waits for a writer only) {
  find_stored(1000);
  const auto tiny = *digest::parse(blob(1).hash(), 0, digest_function::sha256);
  const auto large = *digest::parse(blob(2).hash(), 8 * 4096, digest_function::sha256);
  admit_writes first{.trace = {}, .digests = std::vector(600, tiny), .one_by_one = true};
  const auto second = first; // two thirds of all writers, too
  first.digests.push_back(large);
  answer_box<admitted_writes> served, waiting;
  caf::anon_send(blobs, std::move(first), served.make());
  caf::anon_send(blobs, second, waiting.make());
  consume_messages();
  CAF_REQUIRE(served.answered() && served.status().ok());
  CAF_CHECK(!waiting.answered());
  CAF_CHECK_EQUAL(counted->rounds, 2);
  served.slot->reset();
  consume_messages();
  CAF_CHECK(waiting.answered() && waiting.status().ok());
  CAF_CHECK_EQUAL(counted->rounds, 2);
}

CAF_TEST(room that was asked for and not used comes back) {
  const auto large = *digest::parse(blob(1).hash(), 70 * 4096, digest_function::sha256);
  auto first = ask<admitted_writes>(admit_writes{.trace = {}, .digests = {large}});
  CAF_CHECK(first.status().ok());
  const auto other = *digest::parse(blob(2).hash(), 60 * 4096, digest_function::sha256);
  CAF_CHECK(!ask<admitted_writes>(admit_writes{.trace = {}, .digests = {other}}).status().ok());
  first.slot->reset();
  consume_messages();
  CAF_CHECK(ask<admitted_writes>(admit_writes{.trace = {}, .digests = {other}}).status().ok());
}

CAF_TEST(outputs that nobody admitted are refused when more is promised than there is room for) {
  const auto full = fill();
  int stored = 0;
  absl::Status status;
  for (int i = 5000; status.ok() && i < 5100; ++i, ++stored) {
    CAF_CHECK(write_blob(*store, text(i), digest_function::sha256).ok());
    status = ask<unit>(blobs_stored{.trace = {}, .digests = {blob(i)}, .admitted = false}).status();
  }
  CAF_CHECK(absl::IsResourceExhausted(status));
  CAF_CHECK(full + stored >= 100 && full + stored <= 110);
  for (int i = 0; i < full; ++i)
    CAF_CHECK(!is_missing(i));
}

CAF_TEST(the age of what was evicted is told) {
  fill();
  *now += 150; // all were promised for 100 seconds
  CAF_CHECK(upload(2000).ok());
  CAF_CHECK(shows(*meters, "expbuild_cas_last_eviction_age_seconds 150"));
  CAF_CHECK(!shows(*meters, "expbuild_cas_evicted_total 0"));
  CAF_CHECK(!shows(*meters, "expbuild_cas_evicted_bytes_total 0"));
  CAF_CHECK(shows(*meters, "expbuild_cas_open_writes 0"));
}

CAF_TEST(what is used and promised is told) {
  CAF_CHECK(upload(1).ok());
  const auto x = ask<cas_stats>(get_cas_stats{}).value();
  CAF_CHECK_EQUAL(x.blobs, 1u);
  CAF_CHECK_EQUAL(x.max_bytes, 100 * 4096);
  CAF_CHECK(x.promised_bytes > 4000 && x.used_bytes >= x.promised_bytes);
  CAF_CHECK_EQUAL(x.open_writes, 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
