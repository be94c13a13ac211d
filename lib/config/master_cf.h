#pragma once
// master.cf: one service a logical line, in eight columns:
//   service type private unprivileged chroot wakeup process_limit command [arguments]
// "-" stands for a column's default. It is the only reader of that file; master starts services by it, postconf shows
// it, and `postfix check` looks for mistakes in it.

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace config {

class Main;

enum class ServiceType {
  inet,           // [host:]port
  unix_stream,    // "unix"
  unix_datagram,  // "unix-dgram"
  fifo,
  pass,           // a UNIX socket over which another service hands connections
};
[[nodiscard]] std::string_view service_type_name(ServiceType type);

inline constexpr std::size_t master_field_count = 7;  // the columns before the command

// A line as written, for those who show or edit it.
struct MasterLine {
  std::array<std::string, master_field_count> fields;  // service ... process_limit
  std::vector<std::string> command;                    // program and arguments, braces kept
  std::string text;                                    // all of it, for messages
  int line = 0;                                        // of the service's name
};

// One service, with defaults filled in.
struct MasterEntry {
  std::string name;           // "smtp", "127.0.0.1:10025", "cleanup"
  ServiceType type{};
  bool is_private = true;     // the socket is in private/, which only mail_owner enters, not in public/
  bool unprivileged = true;   // runs as mail_owner
  bool chroot = false;        // after start, below queue_directory
  std::chrono::seconds wakeup{0};  // between wakeups; 0 is never
  bool wakeup_when_used = false;   // "?": only once somebody has used the service
  int process_limit = 0;      // the most clients served at once; 0 is without limit
  std::string program;        // under daemon_directory
  // As the program gets them: braces are off, each -o is followed by its "name=value" as a word of its own.
  std::vector<std::string> arguments;
  std::string file;
  int line = 0;

  // The -o options, "name=value", as Main::read takes them.
  [[nodiscard]] std::vector<std::string> overrides() const;
  // "name/type", as postconf and the log name a service.
  [[nodiscard]] std::string label() const;
  // "/etc/postfix/master.cf: line 12"
  [[nodiscard]] std::string where() const;
};

// What "-" stands for.
struct MasterDefaults {
  bool chroot = false;
  int process_limit = 100;
};

// Of compatibility_level and default_process_limit.
[[nodiscard]] Result<MasterDefaults> master_defaults(const Main& main);

// The lines as written. The error has file and line ("bad field count").
[[nodiscard]] Result<std::vector<MasterLine>> parse_master_lines(std::string_view text, std::string_view file);

// All services, in the order of the file. The first mistake is the error, with file and line.
[[nodiscard]] Result<std::vector<MasterEntry>> parse_master_cf(std::string_view text, std::string_view file,
                                                               const MasterDefaults& defaults);

// Of services that stand there twice, Postfix's master takes the last. Takes the others out; a line for each, which says so.
std::vector<std::string> remove_duplicates(std::vector<MasterEntry>& entries);

// Takes out the services that master_service_disable means: types ("inet") and services ("smtp/inet", formerly
// "smtp.inet"). The first item that means a service decides; one with "!" in front leaves it.
void remove_disabled(std::vector<MasterEntry>& entries, std::string_view list);

// DIRECTORY/master.cf.
[[nodiscard]] Result<std::vector<MasterEntry>> read_master_cf(const Main& main);

}  // namespace config
