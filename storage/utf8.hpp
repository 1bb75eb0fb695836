#pragma once
#include <string_view>

namespace expbuild {

/// Whether the bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing
/// above U+10FFFF). Protobuf strings must be.
bool is_utf8(std::string_view bytes) noexcept;

} // namespace expbuild
