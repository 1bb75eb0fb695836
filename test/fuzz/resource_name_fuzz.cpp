#include "services/resource_name.hpp"
#include "test/fuzz/fuzz.hpp"

#include <absl/strings/ascii.h>

using namespace expbuild;

namespace {

std::string format(const resource_name& x) {
  std::string text = x.instance.empty() ? "" : x.instance + "/";
  if (x.what == resource_name::kind::write)
    text += "uploads/" + x.upload_id + "/";
  text += x.compressor.empty() ? "blobs/" : "compressed-blobs/" + x.compressor + "/";
  if (x.function != reapi::DigestFunction::UNKNOWN)
    text += absl::AsciiStrToLower(reapi::DigestFunction::Value_Name(x.function)) + "/";
  return text + x.blob.hash() + "/" + std::to_string(x.blob.size_bytes());
}

bool same(const resource_name& a, const resource_name& b) {
  return a.what == b.what && a.instance == b.instance && a.upload_id == b.upload_id
         && a.compressor == b.compressor && a.function == b.function
         && a.blob.hash() == b.blob.hash() && a.blob.size_bytes() == b.blob.size_bytes();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto name = resource_name::parse({reinterpret_cast<const char*>(data), size});
  if (!name.ok())
    return 0;
  require(name->blob.size_bytes() >= 0, "a size is not negative");
  require(!name->blob.hash().empty() && name->blob.hash().find('/') == std::string::npos,
          "a hash is one segment");
  const auto again = resource_name::parse(format(*name));
  require(again.ok() && same(*name, *again), "what was parsed and formatted parses the same");
  return 0;
}
