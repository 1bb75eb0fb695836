#include "services/main/rectl/conformance/suite.hpp"

#include "services/main/rectl/conformance/subject.hpp"

#include <regex>

namespace expbuild::conformance {

namespace {

verdict run_one(const check& x, subject& s) {
  try {
    x.run(s);
    return {};
  } catch (const not_offered& why) {
    return {verdict::kind::not_offered, why.what()};
  } catch (const std::exception& why) { // `broken`, or trouble of our own: no pass in any case
    return {verdict::kind::failed, why.what()};
  }
}

} // namespace

const char* to_string(verdict::kind x) {
  switch (x) {
  case verdict::kind::passed:
    return "pass";
  case verdict::kind::failed:
    return "FAIL";
  case verdict::kind::not_offered:
    return "not offered";
  }
  return "?";
}

check_list all_checks() {
  check_list all;
  for (const auto area : {capabilities_checks,  instance_checks,         digest_checks,
                          empty_blob_checks,    byte_stream_read_checks, byte_stream_write_checks,
                          resource_name_checks, resume_checks,           compression_checks,
                          cas_checks,           chunking_checks,         tree_checks,
                          action_cache_checks,  completeness_checks,     execution_checks,
                          caching_checks,       missing_checks,          directory_checks,
                          input_checks,         command_checks,          platform_checks,
                          output_checks,        output_path_checks,      output_tree_checks,
                          operations_checks,    transport_checks}) {
    const auto some = area();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

absl::StatusOr<check_list> matching_checks(const std::string& pattern) {
  try {
    const std::regex wanted(pattern);
    auto checks = all_checks();
    std::erase_if(checks, [&](const check& x) { return !std::regex_search(x.name, wanted); });
    return checks;
  } catch (const std::regex_error& error) {
    return absl::InvalidArgumentError("'" + pattern
                                      + "' is no regular expression: " + error.what());
  }
}

absl::Status run_checks(const client_options& where, const check_list& checks,
                        const std::function<void(const check&, const verdict&)>& tell) {
  subject s(where);
  if (auto status = s.connect(); !status.ok())
    return status;
  for (const auto& each : checks)
    tell(each, run_one(each, s));
  return absl::OkStatus();
}

} // namespace expbuild::conformance
