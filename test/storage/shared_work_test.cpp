#define CAF_SUITE storage.shared_work
#include "storage/shared_work.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <set>
#include <thread>

using namespace expbuild;

namespace {

constexpr auto lane = io_pool::lane::long_work;

std::shared_ptr<io_pool> pool_of(std::size_t threads) {
  return make_io_pool({.long_threads = threads});
}

} // namespace

CAF_TEST(everything is done once when all have returned) {
  const auto io = pool_of(3);
  std::vector<std::atomic<int>> done(1000);
  CAF_CHECK(share_work(io.get(), lane, done.size(), 3, [&](std::size_t i) {
              ++done[i];
              return absl::OkStatus();
            }).ok());
  CAF_CHECK(std::all_of(done.begin(), done.end(), [](const auto& x) { return x == 1; }));
  CAF_CHECK(share_work(io.get(), lane, 0, 3, [](std::size_t) {
              return absl::InternalError("there is nothing to do");
            }).ok());
}

CAF_TEST(free threads help) {
  const auto io = pool_of(1);
  std::promise<void> met;
  std::atomic<int> there{0};
  const auto both = met.get_future().share();
  const auto status =
      share_work(io.get(), lane, 2, 1, [&](std::size_t) { // each waits for the other
        if (++there == 2)
          met.set_value();
        both.wait();
        return absl::OkStatus();
      });
  CAF_CHECK(status.ok());
}

CAF_TEST(who stands on the only thread of the lane does all of it alone) {
  const auto io = pool_of(1);
  std::promise<std::set<std::thread::id>> told;
  io->post(lane, [&] {
    std::mutex guard;
    std::set<std::thread::id> threads;
    share_work(io.get(), lane, 100, 4, [&](std::size_t) {
      const std::lock_guard lock(guard);
      threads.insert(std::this_thread::get_id());
      return absl::OkStatus();
    }).IgnoreError();
    told.set_value(threads);
  });
  CAF_CHECK_EQUAL(told.get_future().get().size(), 1u);
}

CAF_TEST(after a failure nothing is begun and the failure is told) {
  const auto io = pool_of(1);
  std::promise<void> hold;
  io->post(lane, [held = hold.get_future().share()] { held.wait(); }); // nobody helps
  int begun = 0;
  const auto status = share_work(io.get(), lane, 100, 1, [&](std::size_t i) {
    ++begun;
    return i == 2 ? absl::NotFoundError("the third") : absl::OkStatus();
  });
  CAF_CHECK_EQUAL(status, absl::NotFoundError("the third"));
  CAF_CHECK_EQUAL(begun, 3);
  hold.set_value();
}
