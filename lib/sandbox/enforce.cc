#include "lib/sandbox/enforce.h"

#include "lib/base/fd.h"

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sandbox {
namespace {

using Rules = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

// System calls that no confined program makes after its start, whatever it needs.
constexpr int forbidden[] = {
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev), SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setresuid), SCMP_SYS(setresgid),
    SCMP_SYS(setgroups), SCMP_SYS(capset), SCMP_SYS(chroot), SCMP_SYS(pivot_root), SCMP_SYS(mount), SCMP_SYS(umount2),
    SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(userfaultfd), SCMP_SYS(keyctl), SCMP_SYS(add_key),
    SCMP_SYS(request_key), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
    SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(sethostname), SCMP_SYS(setdomainname), SCMP_SYS(acct),
    SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex), SCMP_SYS(mknod), SCMP_SYS(mknodat),
    SCMP_SYS(personality), SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(open_by_handle_at), SCMP_SYS(name_to_handle_at),
};

// A condition on a call's first argument. (libseccomp's own macros are compound literals, which are no C++.)
constexpr scmp_arg_cmp first_argument(scmp_compare how, scmp_datum_t a, scmp_datum_t b = 0) { return {0, how, a, b}; }

Result<void> deny(scmp_filter_ctx filter, int call) {
  const int code = ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
  if (code != 0) return base::Failure(base::Error::system("seccomp", -code));
  return {};
}

Result<void> add_rules(scmp_filter_ctx rules, const Profile& profile) {
  for (const int call : forbidden) TRY(deny(rules, call));
  if (!profile.accepts) {
    TRY(deny(rules, SCMP_SYS(accept)));
    TRY(deny(rules, SCMP_SYS(accept4)));
  }
  if (!profile.connects_unix && !profile.connects_inet) TRY(deny(rules, SCMP_SYS(connect)));
  // clone makes threads of the pool only, never a process. (clone3 passes its flags in memory: "not there" makes libc
  // fall back to clone.)
  ::seccomp_rule_add(rules, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  ::seccomp_rule_add(rules, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, first_argument(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  if (!profile.connects_inet) {
    for (const auto family : {AF_INET, AF_INET6}) {
      ::seccomp_rule_add(rules, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, first_argument(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
    }
  }
  ::seccomp_rule_add(rules, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, first_argument(SCMP_CMP_EQ, AF_PACKET));
  return {};
}

// The rules as the kernel takes them.
Result<std::vector<sock_filter>> compile(const Profile& profile) {
  const Rules rules(::seccomp_init(SCMP_ACT_ALLOW), ::seccomp_release);
  if (!rules) return base::fail("seccomp: no filter");
  TRY(add_rules(rules.get(), profile));
  const Fd file(::memfd_create("filter", MFD_CLOEXEC));
  if (!file) return base::fail_system("seccomp: memfd_create");
  if (const int code = ::seccomp_export_bpf(rules.get(), file.get()); code != 0) return base::Failure(base::Error::system("seccomp", -code));
  const off_t size = ::lseek(file.get(), 0, SEEK_CUR);
  std::vector<sock_filter> program(static_cast<std::size_t>(size) / sizeof(sock_filter));
  if (program.empty() || ::pread(file.get(), program.data(), static_cast<std::size_t>(size), 0) != size) return base::fail_system("seccomp: read the filter");
  return program;
}

// Landlock: reading below "/" where the program opens files, writing below the queue directory (the working directory)
// where it writes the queue, and below `writable`; nothing else. Connecting to UNIX sockets by path is not a file right and stays.
Result<void> limit_files(const Profile& profile, std::span<const std::string> writable) {
  constexpr std::uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  constexpr std::uint64_t writing = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REFER;
  constexpr std::uint64_t never = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                                  LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 2) return {};
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = reading | writing | never;
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!ruleset) return base::fail_system("landlock");
  const auto allow = [&](const std::string& path, std::uint64_t access) -> Result<void> {
    const Fd directory(::open(path.c_str(), O_PATH | O_CLOEXEC));
    landlock_path_beneath_attr rule{};
    rule.allowed_access = access;
    rule.parent_fd = directory.get();
    if (!directory || ::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
      return base::fail_system("landlock " + path);
    }
    return {};
  };
  if (profile.reads_files || profile.writes_files) TRY(allow("/", profile.writes_files ? reading | writing : reading));
  if (profile.writes_queue) TRY(allow(".", reading | writing));
  for (const std::string& directory : writable) {
    // In one that is not there nothing can be written anyway.
    if (::access(directory.c_str(), F_OK) == 0) TRY(allow(directory, reading | writing));
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return base::fail_system("landlock");
  return {};
}

}  // namespace

Result<Confinement> Confinement::prepare(const Profile& profile) {
  return Confinement(profile, profile.runs_commands ? std::vector<sock_filter>() : TRY(compile(profile)));
}

Result<void> Confinement::enforce(std::span<const std::string> writable) const {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  if (profile_.runs_commands) return {};
  ::prctl(PR_SET_DUMPABLE, 0);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return base::fail_system("no_new_privs");
  TRY(limit_files(profile_, writable));
  const sock_fprog program{.len = static_cast<unsigned short>(filter_.size()), .filter = const_cast<sock_filter*>(filter_.data())};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return base::fail_system("seccomp");
  return {};
}

Result<void> enforce(const Profile& profile, std::span<const std::string> writable) { return TRY(Confinement::prepare(profile)).enforce(writable); }

}  // namespace sandbox
