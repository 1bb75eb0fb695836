#include "storage/disk/older_results.hpp"

#include "storage/disk/blob_files.hpp"
#include "storage/result_record.hpp"

#include <vector>

namespace expbuild {

namespace {

/// One folder's files.
absl::Status take_over(const disk_folder& shard, digest_function function,
                       const std::function<absl::Status(const digest&, const std::string&)>& keep,
                       const std::function<absl::Status()>& sync) {
  std::vector<std::string> taken;
  auto status = shard.list([&](const std::string& name) {
    const auto action = parse_file_name(name, function);
    const auto record = shard.read(name);
    if (!action || !record.ok() || !decode_result(*record).ok())
      return absl::OkStatus();
    taken.push_back(name);
    return keep(*action, *record);
  });
  if (status.ok())
    status = sync();
  for (const auto& name : taken)
    if (status.ok())
      status = shard.remove(name);
  return status;
}

} // namespace

absl::Status take_over_older_results(
    const disk_folder& root, const std::function<bool()>& go_on,
    const std::function<absl::Status(const digest& action, const std::string& record)>& keep,
    const std::function<absl::Status()>& sync) {
  const auto results = root.existing("results");
  if (!results.ok())
    return absl::OkStatus();
  return results->list([&](const std::string& function_name) {
    const auto function = parse_digest_function(function_name);
    const auto top = results->existing(function_name);
    if (!function.ok() || !top.ok())
      return absl::OkStatus();
    return top->list([&](const std::string& name) {
      const auto shard = top->existing(name);
      return shard.ok() && go_on() ? take_over(*shard, *function, keep, sync) : absl::OkStatus();
    });
  });
}

} // namespace expbuild
