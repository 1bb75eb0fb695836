#pragma once
#include "storage/backend.hpp"
#include "storage/disk/frame_table.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <random>

namespace expbuild::test {

inline constexpr std::size_t frame = frame_layout::usual_frame_bytes;
inline constexpr std::size_t mib = std::size_t{1} << 20;

/// As source code is: it shrinks to a third or so.
inline std::string text(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  static constexpr const char* words[] = {"return ", "const ", "auto ", "(x)", ";\n", "value_",
                                          "size",    "->",     "{\n",   "}\n", " = ", "std::"};
  std::string made;
  made.reserve(size + 32);
  while (made.size() < size)
    made.append(words[random() % std::size(words)]).append(std::to_string(random() % 50));
  made.resize(size);
  return made;
}

/// What can not be packed.
inline std::string noise(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string made(size, '\0');
  for (auto& x : made)
    x = static_cast<char>(random());
  return made;
}

/// A store that compresses.
struct compressed_store_fixture {
  compressed_store_fixture() { open(); }

  void open(bool compresses = true, durability level = durability::grouped) {
    store = nullptr;
    store = *make_filesystem_backend(
        {.root = root(),
         .level = level,
         .compresses = compresses,
         .events = {.lost = [this](const digest&, const absl::Status&) { ++lost; },
                    .trouble = {},
                    .notice = {}},
         .background = false});
  }

  std::filesystem::path root() const { return folder.path() / "store"; }
  std::filesystem::path plain_file(const digest& id) const {
    return root() / "blobs/SHA256" / id.hash().substr(0, 2)
           / (id.hash() + "-" + std::to_string(id.size_bytes()));
  }
  std::filesystem::path packed_file(const digest& id) const { return plain_file(id) += ".zst"; }

  /// Stored for good.
  digest put(const std::string& bytes) {
    const auto id = *write_blob(*store, bytes, digest_function::sha256);
    CAF_CHECK_EQUAL(store->flush().ToString(), "OK");
    return id;
  }
  digest put_in_pieces(const std::string& bytes, std::size_t piece) {
    const auto id = digest::of(bytes);
    const auto writer = *store->begin_write(id);
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      CAF_CHECK(writer->append(std::string_view(bytes).substr(at, piece)).ok());
    CAF_CHECK_EQUAL(writer->commit().ToString(), "OK");
    CAF_CHECK_EQUAL(store->flush().ToString(), "OK");
    return id;
  }
  std::string get(const digest& id) {
    const auto bytes = read_blob(*store, id, 1 << 30);
    return bytes.ok() ? *bytes : bytes.status().ToString();
  }
  bool is_packed(const digest& id) const {
    CAF_CHECK(std::filesystem::exists(plain_file(id)) != std::filesystem::exists(packed_file(id)));
    return std::filesystem::exists(packed_file(id));
  }
  void spoil(const digest& id, const std::string& bytes) {
    std::filesystem::permissions(packed_file(id), std::filesystem::perms::owner_all);
    write_text(packed_file(id), bytes);
  }
  bool is_missing(const digest& id) {
    return absl::IsNotFound(store->open(id).status()) && !store->index().contains(id);
  }

  temporary_folder folder;
  std::shared_ptr<backend> store;
  int lost = 0;
};

} // namespace expbuild::test
