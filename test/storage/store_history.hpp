#pragma once
#include "storage/backend.hpp"
#include "test/support/failing_disk.hpp"

#include <caf/test/unit_test.hpp>

#include <set>

/// What stores go through in tests of disks, and what must hold afterwards.

namespace expbuild::test {

inline filesystem_backend_options options_for(const std::filesystem::path& root,
                                              std::shared_ptr<disk_calls> calls, durability level,
                                              bool compresses = false) {
  return {.root = root,
          .level = level,
          .max_bytes = std::int64_t{16} << 20,
          .packed_below = 1000,
          .compresses = compresses,
          .background = false,
          .calls = std::move(calls)};
}

inline std::shared_ptr<disk_calls> quick_disk() {
  return std::make_shared<failing_disk>();
}

inline std::string small(int i) {
  return "a small blob, number " + std::to_string(i);
}

inline std::string large(int i) {
  return std::string(5000, static_cast<char>('a' + i % 26)) + std::to_string(i);
}

/// What a client was told, and what is true in the end.
struct history {
  std::set<std::string> acknowledged;
  std::set<std::string> flushed; ///< acknowledged before a flush that said OK

  void write(backend& store, const std::string& bytes) {
    if (write_blob(store, bytes, digest_function::sha256).ok())
      acknowledged.insert(bytes);
  }
  void write_all(backend& store, const std::vector<std::string>& all) {
    std::vector<named_bytes> blobs;
    for (const auto& x : all)
      blobs.push_back({digest::of(x), x});
    const auto answers = store.write_all(blobs);
    for (std::size_t i = 0; i < all.size(); ++i)
      if (answers[i].ok())
        acknowledged.insert(all[i]);
  }
  void flush(backend& store) {
    if (store.flush().ok())
      flushed = acknowledged;
  }
};

/// A bit of everything that a store does to its disk.
inline void live(backend& store, history& told) {
  told.write(store, small(1));
  told.write(store, large(1));
  told.write_all(store, {small(2), small(3), large(2), small(4)});
  told.flush(store);
  told.write(store, large(3));
  told.write(store, small(5));
  told.write(store, large(1)); // once more
  told.flush(store);
  const std::vector<std::string> gone{small(2), large(2)};
  for (const auto& x : gone) {
    told.acknowledged.erase(x);
    told.flushed.erase(x);
    store.remove(digest::of(x)).IgnoreError(); // it may fail here
  }
  told.write(store, small(6));
}

inline std::string whole(backend& store, const std::string& bytes) {
  const auto read = read_blob(store, digest::of(bytes), 1 << 20);
  return read.ok() ? *read : read.status().ToString();
}

/// What is said to be there is there, and is what its digest says, whatever happened.
inline void check_everything(backend& store) {
  CAF_CHECK(store
                .for_each([&store](const digest& id) {
                  const auto bytes = read_blob(store, id, 1 << 20);
                  CAF_CHECK(bytes.ok() && digest::of(*bytes) == id);
                })
                .ok());
}

} // namespace expbuild::test
