#include "actors/worker/runner/privileges.hpp"

#include <algorithm>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace expbuild::runner {

namespace {

/// Old programs close or select all descriptors that they may have; the daemon's limit is high.
constexpr rlim_t descriptors_at_first = 16 * 1024;
constexpr rlim_t descriptors_at_most = 64 * 1024;

bool limit(int what, rlim_t soft, rlim_t hard) {
  rlimit now{};
  ::getrlimit(static_cast<__rlimit_resource>(what), &now);
  const rlimit wanted{std::min(soft, now.rlim_max), std::min(hard, now.rlim_max)};
  return ::setrlimit(static_cast<__rlimit_resource>(what), &wanted) == 0;
}

} // namespace

problem drop_bounding_set() {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability) >= 0; ++capability)
    if (::prctl(PR_CAPBSET_DROP, capability) != 0)
      return failed("dropping capabilities");
  return {};
}

problem drop_capabilities() {
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  const __user_cap_data_struct none[2] = {};
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return ::syscall(SYS_capset, &header, none) == 0 ? problem{} : failed("dropping capabilities");
}

problem become(std::uint32_t uid, std::uint32_t gid) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0
      || ::setresuid(uid, uid, uid) != 0)
    return failed("switching to uid " + std::to_string(uid) + " and gid " + std::to_string(gid));
  return {};
}

problem limit_resources(std::uint64_t file_bytes, std::uint64_t processes) {
  bool done = limit(RLIMIT_CORE, 0, 0);
  done = limit(RLIMIT_NOFILE, descriptors_at_first, descriptors_at_most) && done;
  if (file_bytes != 0)
    done = limit(RLIMIT_FSIZE, file_bytes, file_bytes) && done;
  if (processes != 0)
    done = limit(RLIMIT_NPROC, processes, processes) && done;
  return done ? problem{} : failed("setting resource limits");
}

} // namespace expbuild::runner
