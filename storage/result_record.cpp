#include "storage/result_record.hpp"

#include "expbuild/storage/v1/stored_result.pb.h"
#include "storage/digest.hpp"
#include "storage/little_endian.hpp"

#include <google/protobuf/unknown_field_set.h>
#include <limits>

namespace expbuild {

namespace {

constexpr std::string_view magic = "EXPB";
constexpr std::uint32_t bare_version = 1;
constexpr std::uint32_t version = 2;
constexpr std::size_t header_size = 4 + 4 + 8 + 32;

absl::Status damaged(const std::string& how) {
  return absl::DataLossError("the stored result is damaged: " + how);
}

/// 0 for what is no time of ours.
store_seconds store_time(std::int64_t seconds) {
  return seconds > 0 && seconds <= std::numeric_limits<store_seconds>::max()
             ? static_cast<store_seconds>(seconds)
             : 0;
}

bool parse(google::protobuf::MessageLite& into, std::string_view bytes) {
  return into.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

/// The checksum does not cover the version: a StoredResult whose version was damaged would be an
/// ActionResult of unknown fields, which says that all went well and nothing came out.
bool is_stored_result(const reapi::ActionResult& x) {
  const auto& unknown = x.GetReflection()->GetUnknownFields(x);
  for (int i = 0; i < unknown.field_count(); ++i)
    if (unknown.field(i).number() == storage::v1::StoredResult::kSerialFieldNumber
        && unknown.field(i).type() == google::protobuf::UnknownField::TYPE_FIXED64)
      return true;
  return false;
}

bool parse_bare(stored_result& into, std::string_view payload) {
  if (!parse(into.result, payload) || is_stored_result(into.result))
    return false;
  into.origin.stored_at =
      store_time(into.result.execution_metadata().worker_completed_timestamp().seconds());
  return true;
}

bool parse_stored(stored_result& into, std::string_view payload) {
  storage::v1::StoredResult stored;
  if (!parse(stored, payload) || !parse(into.result, stored.result()))
    return false;
  into.origin = {.stored_at = store_time(stored.stored_at()),
                 .mnemonic = std::move(*stored.mutable_mnemonic()),
                 .target_id = std::move(*stored.mutable_target_id())};
  into.serial = stored.serial();
  return true;
}

} // namespace

std::string encode_result(const reapi::ActionResult& result, const result_origin& origin,
                          std::uint64_t serial) {
  storage::v1::StoredResult stored;
  result.SerializeToString(stored.mutable_result());
  stored.set_stored_at(origin.stored_at);
  stored.set_mnemonic(origin.mnemonic);
  stored.set_target_id(origin.target_id);
  stored.set_serial(serial);
  const auto payload = stored.SerializeAsString();
  std::string record(magic);
  put_number(record, version);
  put_number(record, static_cast<std::uint64_t>(payload.size()));
  record.append(digest::of(payload).raw_hash());
  return record.append(payload);
}

absl::StatusOr<stored_result> decode_result(std::string_view record) {
  stored_result found;
  found.bytes = std::ssize(record);
  if (record.size() < header_size || record.substr(0, magic.size()) != magic)
    return damaged("no header");
  record.remove_prefix(magic.size());
  const auto its_version = take_number<std::uint32_t>(record);
  if (its_version != version && its_version != bare_version)
    return damaged("unknown version");
  const auto length = take_number<std::uint64_t>(record);
  const auto hash = record.substr(0, 32);
  record.remove_prefix(32);
  if (record.size() != length || digest::of(record).raw_hash() != hash)
    return damaged("wrong length or checksum");
  if (!(its_version == version ? parse_stored(found, record) : parse_bare(found, record)))
    return damaged("not a result");
  return found;
}

} // namespace expbuild
