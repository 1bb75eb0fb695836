#pragma once
#include "storage/disk/disk_store.hpp"

namespace expbuild {

/// The empty blob: there without a file.
std::shared_ptr<blob_reader> make_empty_reader(const digest& id);

/// Reads a verified file. One that fails later is lost to the store.
std::shared_ptr<blob_reader> make_file_reader(const digest& id, blob_file file,
                                              std::shared_ptr<disk_store> store);

/// All of a packed blob, verified.
std::shared_ptr<blob_reader> make_packed_reader(const digest& id, std::string bytes,
                                                std::shared_ptr<disk_store> store);

/// Verifies, and stores nothing.
std::unique_ptr<blob_writer> make_empty_writer(const digest& id);

/// Compresses when the store does.
std::unique_ptr<blob_writer> make_file_writer(const digest& id, temporary_file file,
                                              std::shared_ptr<disk_store> store);

/// Keeps the bytes in memory until they are committed.
std::unique_ptr<blob_writer> make_packed_writer(const digest& id,
                                                std::shared_ptr<disk_store> store);

} // namespace expbuild
