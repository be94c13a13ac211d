#pragma once
// Where the lines go. Lines are handed over several at a time. A log daemon that is gone or full never stops the mail:
// lines wait in a bounded buffer, and when that is full they are dropped, counted, and the loss is logged later.

#include <string>
#include <string_view>

#include <sys/types.h>

#include "lib/base/fd.h"

namespace maillog {

enum class Target {
  standard_error,  // commands on a terminal, tests
  syslog,          // datagrams to /dev/log (rsyslog, or journald alone)
  postlog,         // datagrams to postlogd(8), which writes $maillog_file
  file,            // appended to $maillog_file by this process: postlogd itself, and root before postlogd runs
};

struct SinkOptions {
  Target target = Target::standard_error;
  std::string path;          // syslog and postlog: the socket; file: the file
  std::string fallback_file; // postlog: appended to when nobody serves the socket and we may write it; empty: none
  mode_t file_mode = 0600;   // of the file, when it is made
  int facility = 2;          // syslog facility number; 2 is mail
  bool also_standard_error = false;
  std::string standard_error_name;  // in front of those lines; empty: the tag's last part
  bool whole_tag_on_standard_error = false;  // or the whole tag, as it is then
};

// The log file, for appending; made with exactly that mode, whatever the umask is, when it is not there. errno says why not.
[[nodiscard]] Fd open_file(const std::string& path, mode_t mode);

// Opens now, so that it also works after chroot. Until it is called lines go to standard error.
void open(SinkOptions options);
// For a forked process whose descriptors have been closed: opens again what open() was told.
void reopen();

// For postlogd: a line that another program has composed, without its end; written as it is by the next flush().
void write_composed(std::string line);

inline constexpr std::size_t pending_limit = 256 * 1024;  // bytes of lines that wait for a full or absent log daemon
inline constexpr std::size_t line_limit = 2000;           // bytes of one line's text; longer text is cut

}  // namespace maillog
