#include "storage/result_record.hpp"
#include "test/fuzz/fuzz.hpp"

using namespace expbuild;

/// The input as a record, and as a result whose record is damaged in one place that the first
/// bytes choose.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(decode_result(bytes));
  reapi::ActionResult result;
  if (size < 3 || !result.ParseFromString(bytes.substr(3)))
    return 0;
  const auto mnemonic = result.execution_metadata().worker();
  auto record = encode_result(result, {.stored_at = data[0], .mnemonic = mnemonic}, data[1]);
  const auto whole = decode_result(record);
  require(whole.ok() && whole->result.SerializeAsString() == result.SerializeAsString()
              && whole->origin.stored_at == data[0] && whole->origin.mnemonic == mnemonic
              && whole->serial == data[1],
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
