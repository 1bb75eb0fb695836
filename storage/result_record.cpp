#include "storage/result_record.hpp"

#include "storage/digest.hpp"
#include "storage/little_endian.hpp"

#include <cstdint>

namespace expbuild {

namespace {

constexpr std::string_view magic = "EXPB";
constexpr std::uint32_t version = 1;
constexpr std::size_t header_size = 4 + 4 + 8 + 32;

absl::Status damaged(const std::string& how) {
  return absl::DataLossError("the stored result is damaged: " + how);
}

} // namespace

std::string encode_result(const reapi::ActionResult& result) {
  const auto payload = result.SerializeAsString();
  std::string record(magic);
  put_number(record, version);
  put_number(record, static_cast<std::uint64_t>(payload.size()));
  record.append(digest::of(payload).raw_hash());
  return record.append(payload);
}

absl::StatusOr<reapi::ActionResult> decode_result(std::string_view record) {
  if (record.size() < header_size || record.substr(0, magic.size()) != magic)
    return damaged("no header");
  record.remove_prefix(magic.size());
  if (take_number<std::uint32_t>(record) != version)
    return damaged("unknown version");
  const auto length = take_number<std::uint64_t>(record);
  const auto hash = record.substr(0, 32);
  record.remove_prefix(32);
  if (record.size() != length || digest::of(record).raw_hash() != hash)
    return damaged("wrong length or checksum");
  reapi::ActionResult result;
  if (!result.ParseFromArray(record.data(), static_cast<int>(record.size())))
    return damaged("not an ActionResult");
  return result;
}

} // namespace expbuild
