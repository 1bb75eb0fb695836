#include "actors/worker/runner/syscall_filter.hpp"

#include <cstddef>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace expbuild::runner {

namespace {

#if defined(__x86_64__)
constexpr unsigned our_architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr unsigned our_architecture = AUDIT_ARCH_AARCH64;
#else
#error "the system calls of this architecture are not known here"
#endif

constexpr unsigned x32_calls = 0x40000000;
constexpr unsigned permit = SECCOMP_RET_ALLOW;
constexpr unsigned refuse = SECCOMP_RET_ERRNO | EPERM;
constexpr unsigned namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET
                                | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
constexpr unsigned time_namespace = 0x80; // to clone it is a part of the exit signal

/// Denied whatever the arguments.
constexpr unsigned denied_calls[] = {
    // the file tree
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_open_tree,
    SYS_move_mount,
    SYS_mount_setattr,
    SYS_quotactl,
    SYS_quotactl_fd,
    SYS_open_by_handle_at,
    SYS_fanotify_init,
    // namespaces
    SYS_setns,
    // large and young parts of the kernel
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    // keys are no namespace's
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    // the machine
    SYS_kexec_load,
    SYS_kexec_file_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_swapon,
    SYS_swapoff,
    SYS_reboot,
    SYS_acct,
    SYS_syslog,
    SYS_vhangup,
    SYS_settimeofday,
    SYS_clock_settime,
#ifdef SYS_iopl
    SYS_iopl,
    SYS_ioperm,
#endif
};

/// Reach into other processes.
constexpr unsigned tracing_calls[] = {SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
                                      SYS_pidfd_getfd, SYS_kcmp};

constexpr unsigned low_half_of(unsigned argument) {
  return offsetof(seccomp_data, args) + argument * sizeof(seccomp_data::args[0]); // little-endian
}

sock_filter load(unsigned offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
}
sock_filter answer(unsigned with) {
  return BPF_STMT(BPF_RET | BPF_K, with);
}
/// Goes on with the next instruction if so, else skips `skip`.
sock_filter if_equal(unsigned value, unsigned skip) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, static_cast<unsigned char>(skip));
}

} // namespace

syscall_filter::syscall_filter(bool allow_ptrace) {
  program_ = {load(offsetof(seccomp_data, arch)),
              BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, our_architecture, 1, 0),
              answer(SECCOMP_RET_KILL_PROCESS),
              load(offsetof(seccomp_data, nr)),
              BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_calls, 0, 1),
              answer(SECCOMP_RET_KILL_PROCESS)};
  for (const auto call : denied_calls)
    deny(call);
  if (!allow_ptrace)
    for (const auto call : tracing_calls)
      deny(call);
  // Its flags lie in memory, where a filter can not look; libc falls back to clone.
  program_.insert(program_.end(), {if_equal(SYS_clone3, 1), answer(SECCOMP_RET_ERRNO | ENOSYS)});
  deny_flags(SYS_clone, 0, namespaces);
  deny_flags(SYS_unshare, 0, namespaces | time_namespace);
  deny_values(SYS_ioctl, 1, {TIOCSTI, TIOCLINUX}); // typing on somebody else's terminal
  allow_values(SYS_personality, 0, {PER_LINUX, ADDR_NO_RANDOMIZE, 0xffffffff});
  check_sockets();
  program_.push_back(answer(permit));
}

void syscall_filter::deny(unsigned call) {
  program_.insert(program_.end(), {if_equal(call, 1), answer(refuse)});
}

void syscall_filter::deny_flags(unsigned call, unsigned argument, unsigned flags) {
  program_.insert(program_.end(), {if_equal(call, 4), load(low_half_of(argument)),
                                   BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 0, 1),
                                   answer(refuse), answer(permit)});
}

void syscall_filter::deny_values(unsigned call, unsigned argument,
                                 const std::vector<unsigned>& values) {
  program_.insert(program_.end(), {if_equal(call, 2 + 2 * static_cast<unsigned>(values.size())),
                                   load(low_half_of(argument))});
  for (const auto value : values)
    program_.insert(program_.end(), {if_equal(value, 1), answer(refuse)});
  program_.push_back(answer(permit));
}

void syscall_filter::allow_values(unsigned call, unsigned argument,
                                  const std::vector<unsigned>& values) {
  program_.insert(program_.end(), {if_equal(call, 2 + 2 * static_cast<unsigned>(values.size())),
                                   load(low_half_of(argument))});
  for (const auto value : values)
    program_.insert(program_.end(), {if_equal(value, 1), answer(permit)});
  program_.push_back(answer(refuse));
}

/// Unix and Internet sockets, and of netlink what lists interfaces.
void syscall_filter::check_sockets() {
  program_.insert(program_.end(),
                  {if_equal(SYS_socket, 12), load(low_half_of(0)), if_equal(AF_UNIX, 1),
                   answer(permit), if_equal(AF_INET, 1), answer(permit), if_equal(AF_INET6, 1),
                   answer(permit), if_equal(AF_NETLINK, 3), load(low_half_of(2)),
                   if_equal(NETLINK_ROUTE, 1), answer(permit), answer(refuse)});
}

problem syscall_filter::install() const {
  auto program = program_;
  const sock_fprog whole{static_cast<unsigned short>(program.size()), program.data()};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &whole) == 0
             ? problem{}
             : failed("installing the system call filter");
}

} // namespace expbuild::runner
