#pragma once
#include "storage/codec.hpp"
#include "storage/digest.hpp"

#include <optional>

namespace expbuild {

/// A blob as a resource name speaks of it.
struct wire_blob {
  digest id;                   ///< of the plain bytes
  std::optional<codec> packed; ///< how they are packed on the wire; none: as they are
};

} // namespace expbuild
