"""A library that daemons are started with (LD_PRELOAD), by which one of them dies at its Nth system call that changes a file."""
import contextlib
import mmap
import os
import select
import shutil
import signal
import struct
import subprocess
from pathlib import Path

# The plan lies in a file that every process maps before it confines itself: no sandbox and no chroot is in the way.
SOURCE = r"""
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { before = 0, halfway = 1, stop = 2 };
struct plan {
  char program[32];
  uint32_t target, mode, count, reached;
  char what[176];
};
static struct plan *plan;

__attribute__((constructor)) static void begin(void) {
  int fd = (int)syscall(SYS_openat, AT_FDCWD, "/steps", O_RDWR | O_CLOEXEC);
  void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at != MAP_FAILED) plan = at;
  if (fd >= 0) syscall(SYS_close, fd);
}

static void die(const char *call, const char *what) {
  snprintf(plan->what, sizeof plan->what, "%s(%s)", call, what);
  __atomic_store_n(&plan->reached, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_tgkill, getpid(), gettid(), plan->mode == stop ? SIGSTOP : SIGKILL);
}

/* Whether this call is the one; it is not made then, but for the first half of a write. */
static int is_reached(int is_write) {
  return plan && strcmp(plan->program, program_invocation_short_name) == 0 && (is_write || plan->mode != halfway) &&
         __atomic_add_fetch(&plan->count, 1, __ATOMIC_SEQ_CST) == plan->target;
}
static void named(const char *call, const char *path) {
  int saved = errno;
  if (is_reached(0)) die(call, path);
  errno = saved;
}
static int is_file(int fd) {
  struct stat s;
  int saved = errno, file = fstat(fd, &s) == 0 && (S_ISREG(s.st_mode) || S_ISDIR(s.st_mode));
  errno = saved;
  return file;
}
static void open_file(const char *call, int fd) {
  if (plan && is_file(fd)) named(call, "fd");
}

#define ANSWER(type, call) return (type)syscall call
static int opened(int at, const char *path, int flags, mode_t mode) {
  if (flags & (O_CREAT | O_TRUNC)) named("open", path);
  ANSWER(int, (SYS_openat, at, path, flags, mode));
}
#define OPEN(name) int name(const char *path, int flags, ...) { \
  va_list rest; mode_t mode; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); return opened(AT_FDCWD, path, flags, mode); }
#define OPENAT(name) int name(int at, const char *path, int flags, ...) { \
  va_list rest; mode_t mode; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); return opened(at, path, flags, mode); }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)

static void written(const char *call, int fd, const void *data, size_t size, off_t at) {
  if (!plan || !is_file(fd) || !is_reached(1)) return;
  if (plan->mode == halfway && syscall(at < 0 ? SYS_write : SYS_pwrite64, fd, data, size / 2, at) < 0) _exit(99);
  die(call, "fd");
}
ssize_t write(int fd, const void *data, size_t size) { written("write", fd, data, size, -1); ANSWER(ssize_t, (SYS_write, fd, data, size)); }
#define PWRITE(name) ssize_t name(int fd, const void *data, size_t size, off_t at) { \
  written("pwrite", fd, data, size, at); ANSWER(ssize_t, (SYS_pwrite64, fd, data, size, at)); }
PWRITE(pwrite) PWRITE(pwrite64)
ssize_t writev(int fd, const struct iovec *parts, int count) { open_file("writev", fd); ANSWER(ssize_t, (SYS_writev, fd, parts, count)); }
#define TRUNCATE(name) int name(int fd, off_t size) { open_file("ftruncate", fd); ANSWER(int, (SYS_ftruncate, fd, size)); }
TRUNCATE(ftruncate) TRUNCATE(ftruncate64)
int fsync(int fd) { open_file("fsync", fd); ANSWER(int, (SYS_fsync, fd)); }
int fdatasync(int fd) { open_file("fdatasync", fd); ANSWER(int, (SYS_fdatasync, fd)); }
int fchmod(int fd, mode_t mode) { open_file("fchmod", fd); ANSWER(int, (SYS_fchmod, fd, mode)); }
int fchown(int fd, uid_t uid, gid_t gid) { open_file("fchown", fd); ANSWER(int, (SYS_fchown, fd, uid, gid)); }
int chmod(const char *path, mode_t mode) { named("chmod", path); ANSWER(int, (SYS_fchmodat, AT_FDCWD, path, mode)); }
int chown(const char *path, uid_t uid, gid_t gid) { named("chown", path); ANSWER(int, (SYS_fchownat, AT_FDCWD, path, uid, gid, 0)); }
int fchownat(int at, const char *path, uid_t uid, gid_t gid, int flags) {
  named("fchownat", path);
  ANSWER(int, (SYS_fchownat, at, path, uid, gid, flags));
}
int mkdir(const char *path, mode_t mode) { named("mkdir", path); ANSWER(int, (SYS_mkdirat, AT_FDCWD, path, mode)); }
int mkdirat(int at, const char *path, mode_t mode) { named("mkdir", path); ANSWER(int, (SYS_mkdirat, at, path, mode)); }
int rename(const char *from, const char *to) { named("rename", from); ANSWER(int, (SYS_renameat, AT_FDCWD, from, AT_FDCWD, to)); }
int renameat2(int at, const char *from, int there, const char *to, unsigned flags) {
  named("rename", from);
  ANSWER(int, (SYS_renameat2, at, from, there, to, flags));
}
int link(const char *from, const char *to) { named("link", to); ANSWER(int, (SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0)); }
int linkat(int at, const char *from, int there, const char *to, int flags) {
  named("link", to);
  ANSWER(int, (SYS_linkat, at, from, there, to, flags));
}
int unlink(const char *path) { named("unlink", path); ANSWER(int, (SYS_unlinkat, AT_FDCWD, path, 0)); }
int remove(const char *path) { named("unlink", path); ANSWER(int, (SYS_unlinkat, AT_FDCWD, path, 0)); }
int unlinkat(int at, const char *path, int flags) { named("unlink", path); ANSWER(int, (SYS_unlinkat, at, path, flags)); }
int utimensat(int at, const char *path, const struct timespec times[2], int flags) {
  named("utime", path);
  ANSWER(int, (SYS_utimensat, at, path, times, flags));
}
int futimens(int fd, const struct timespec times[2]) { open_file("utime", fd); ANSWER(int, (SYS_utimensat, fd, NULL, times, 0)); }
struct utimbuf { long actime, modtime; };
int utime(const char *path, const struct utimbuf *times) { named("utime", path); ANSWER(int, (SYS_utime, path, times)); }
int utimes(const char *path, const struct timeval *times) { named("utime", path); ANSWER(int, (SYS_utimes, path, times)); }
"""
KEPT = "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C LD_PRELOAD=/steps.so"
PLAN = struct.Struct("32sIIII176s")
BEFORE, HALFWAY, STOPPED = range(3)      # killed instead of the call; killed in the middle of a write; held until all is killed
MODES = {"killed": BEFORE, "torn": HALFWAY, "crash": STOPPED}


def compile_library(directory):
    library = Path(directory) / "steps.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-xc", "-", "-o", library], input=SOURCE.encode(), check=True)
    return library


class Steps:
    """The plan of a suite made with main_cf={"import_environment": KEPT}, which is started anew for it."""

    def __init__(self, suite, library):
        self.suite, self.tears = suite, 0
        shutil.copy(library, suite.path("/steps.so"))
        plan = Path(suite.path("/steps"))
        plan.write_bytes(bytes(PLAN.size))
        plan.chmod(0o666)
        with open(plan, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), PLAN.size)
        suite.sh("postfix stop 2>/dev/null || :")
        self.start()

    def start(self):
        since = self.suite.log_size()
        self.suite.sh("LD_PRELOAD=/steps.so postfix start 2>&1")
        self.suite.wait_log("daemon started -- version", since=since)

    def arm(self, program, target, mode):
        """`program` dies at its `target`th step from now on."""
        self.map[:] = PLAN.pack(b"", target, mode, 0, 0, b"")
        self.map[:32] = program.encode().ljust(32, b"\0")

    def disarm(self):
        """What it died at, or None."""
        self.map[:32] = bytes(32)
        return self.reached()

    def reached(self):
        _, _, _, _, reached, what = PLAN.unpack(self.map[:])
        return what.split(b"\0")[0].decode(errors="replace") if reached else None

    def count(self):
        return PLAN.unpack(self.map[:])[3]

    def crash(self):
        """Ends all processes at once, as when the machine stops; the files stay as they are."""
        while processes := inside(self.suite.pid):
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(process, signal.SIGKILL)
            for process in processes:
                select.select([process], [], [], 10)
                os.close(process)

    def close(self):
        self.map.close()
        for name in ("/steps", "/steps.so"):
            os.unlink(self.suite.path(name))


def inside(init):
    """Descriptors of the living processes of the namespace whose process 1 is `init`, but for that one and what it waits with."""
    found, namespace = [], os.readlink("/proc/%d/ns/pid" % init)
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            process = os.pidfd_open(int(path.name))
            try:
                is_one = os.readlink(path / "ns/pid") == namespace and int(path.name) != init and (path / "comm").read_text() != "sleep\n"
            except OSError:
                is_one = False
            if is_one and not select.select([process], [], [], 0)[0]:
                found.append(process)
            else:
                os.close(process)
    return found
