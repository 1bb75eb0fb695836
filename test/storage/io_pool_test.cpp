#define CAF_SUITE storage.io_pool
#include "storage/io_pool.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <future>

using namespace expbuild;

CAF_TEST(long work never stands before short work) {
  const auto pool = make_io_pool({.short_threads = 1, .long_threads = 1, .max_waiting = 10});
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  CAF_CHECK(pool->post(io_pool::lane::long_work, [opened] { opened.wait(); }));
  std::promise<void> ran;
  CAF_CHECK(pool->post(io_pool::lane::short_work, [&ran] { ran.set_value(); }));
  ran.get_future().wait();
  gate.set_value();
}

CAF_TEST(a full lane refuses and loses nothing that it took) {
  const auto pool = make_io_pool({.short_threads = 1, .long_threads = 1, .max_waiting = 2});
  std::promise<void> gate;
  std::promise<void> started;
  auto opened = gate.get_future().share();
  std::atomic<int> ran{0};
  pool->post(io_pool::lane::short_work, [&, opened] {
    started.set_value();
    opened.wait();
    ++ran;
  });
  started.get_future().wait();
  CAF_CHECK(pool->post(io_pool::lane::short_work, [&ran] { ++ran; }));
  CAF_CHECK(pool->post(io_pool::lane::short_work, [&ran] { ++ran; }));
  CAF_CHECK(!pool->post(io_pool::lane::short_work, [&ran] { ++ran; }));
  gate.set_value();
  pool->stop();
  CAF_CHECK_EQUAL(ran.load(), 3);
  CAF_CHECK(!pool->post(io_pool::lane::short_work, [&ran] { ++ran; }));
}
