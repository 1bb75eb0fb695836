#include "storage/digest.hpp"
#include "storage/little_endian.hpp"
#include "storage/result_record.hpp"
#include "test/fuzz/fuzz.hpp"

using namespace expbuild;

namespace {

/// A record with this payload, the right length and the right checksum.
std::string framed(std::uint32_t version, std::string_view payload) {
  std::string record("EXPB");
  put_number(record, version);
  put_number(record, std::uint64_t{payload.size()});
  record.append(digest::of(payload).raw_hash());
  return record.append(payload);
}

/// What can be read can be written, and is the same then.
void check(std::string_view record) {
  const auto found = decode_result(record);
  if (!found.ok())
    return;
  const auto again = decode_result(encode_result(found->result, found->origin, found->serial));
  require(again.ok() && again->result.SerializeAsString() == found->result.SerializeAsString()
              && again->origin.stored_at == found->origin.stored_at
              && again->origin.target_id == found->origin.target_id,
          "what was decoded encodes and decodes the same");
}

} // namespace

/// The input as a record, as the payload of one (of either version), and as a result whose record
/// is damaged in one place that the first bytes choose.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  check(bytes);
  for (const auto version : {1u, 2u})
    check(framed(version, bytes));
  reapi::ActionResult result;
  if (size < 3 || !result.ParseFromString(bytes.substr(3)))
    return 0;
  const auto mnemonic = result.execution_metadata().worker();
  auto record = encode_result(result, {.stored_at = data[0], .mnemonic = mnemonic},
                              data[1] + 1u); // none is 0
  const auto whole = decode_result(record);
  require(whole.ok() && whole->result.SerializeAsString() == result.SerializeAsString()
              && whole->origin.stored_at == data[0] && whole->origin.mnemonic == mnemonic
              && whole->serial == data[1] + 1u,
          "what was encoded decodes the same");
  const auto at = (std::size_t{data[0]} << 8 | data[1]) % record.size();
  require(!decode_result(std::string_view(record).substr(0, at)).ok(), "a torn record is refused");
  require(!decode_result(record + std::string(1, static_cast<char>(data[2]))).ok(),
          "a record with something behind it is refused");
  if (data[2] == 0)
    return 0;
  record[at] = static_cast<char>(record[at] ^ static_cast<char>(data[2]));
  require(!decode_result(record).ok(), "a changed record is refused");
  return 0;
}
