#pragma once
#include "actors/write_permit.hpp"

#include <vector>

/// What the I/O pool does for the cas actor. All of it may wait for a disk.

namespace expbuild {

/// Those of `ids` that stand at these places.
std::vector<digest> chosen(const std::vector<digest>& ids, const std::vector<std::size_t>& places);

/// While the index does not know all that is stored: looks for these on the disk, and promises what
/// it finds. Answers the others.
std::vector<digest> really_missing(backend& store, const std::vector<digest>& ids,
                                   store_seconds now, store_seconds until);

opened_blobs open_all(backend& store, const std::vector<digest>& ids);

/// Nothing is opened for what is not wanted. The writers hold the permit.
begun_writes open_writers(backend& store, const std::vector<digest>& ids,
                          const admitted_writes& admitted);

} // namespace expbuild
