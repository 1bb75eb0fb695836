#pragma once
#include "services/main/rectl/conformance/action_run.hpp"

namespace expbuild::conformance {

/// The entry of that path; throws `broken` when the result lacks it.
const reapi::OutputFile& file_of(const reapi::ActionResult& result, const std::string& path);
const reapi::OutputDirectory& directory_of(const reapi::ActionResult& result,
                                           const std::string& path);
/// Its Tree, from the CAS.
reapi::Tree tree_of(subject& s, const reapi::ActionResult& result, const std::string& path);

using symlink_list = google::protobuf::RepeatedPtrField<reapi::OutputSymlink>;
/// Throws unless the list is this one link, or nothing when `target` is empty.
void expect_only(const std::string& list_name, const symlink_list& list, const std::string& path,
                 const std::string& target);

} // namespace expbuild::conformance
