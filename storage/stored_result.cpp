#include "storage/stored_result.hpp"

namespace expbuild {

void cut(std::string& text, std::size_t max_bytes) {
  if (text.size() <= max_bytes)
    return;
  auto length = max_bytes;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80)
    --length; // in the middle of a character
  text.resize(length);
}

result_origin bounded(result_origin x) {
  cut(x.mnemonic, max_mnemonic_bytes);
  cut(x.target_id, max_target_bytes);
  return x;
}

} // namespace expbuild
