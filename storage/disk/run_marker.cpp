#include "storage/disk/run_marker.hpp"

#include <fstream>

namespace expbuild {

namespace {

constexpr const char* name = "RUNNING";

/// The kernel makes it anew at every start of the machine.
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

char letter_of(durability level) {
  return level == durability::strict ? 's' : level == durability::none ? 'n' : 'g';
}

last_run decode(std::string_view text) {
  last_run x;
  x.ended_well = false;
  x.same_boot = text.size() > 2 && text.substr(2) == boot_id();
  x.level = text.substr(0, 1) == "s"   ? durability::strict
            : text.substr(0, 1) == "g" ? durability::grouped
                                       : durability::none;
  return x;
}

} // namespace

absl::StatusOr<last_run> run_marker::begin(durability level) const {
  last_run before;
  if (const auto text = root_.read(name); text.ok())
    before = decode(*text);
  else if (!absl::IsNotFound(text.status()))
    return text.status();
  auto status = root_.remove(name);
  if (!status.ok())
    return status;
  const auto file = root_.create(name, 0600);
  if (!file.ok())
    return file.status();
  status = file->write_at(0, std::string{letter_of(level), ' '} + boot_id());
  if (status.ok())
    status = file->sync();
  if (status.ok())
    status = root_.sync();
  if (!status.ok())
    return status;
  return before;
}

absl::Status run_marker::end() const {
  return root_.remove(name);
}

} // namespace expbuild
