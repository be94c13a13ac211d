#pragma once
// Messages that smtp-sink writes to files: the start string, headers that tell the envelope, the message, an empty line.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "commands/load/smtp-sink/options.h"
#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace smtp_sink {

struct Envelope {
  std::string client_address;   // "192.0.2.1", "ipv6:2001:db8::1"
  std::string protocol;         // "SMTP", "ESMTP", "LMTP"
  std::string helo;             // empty when there was none
  std::string mail;             // arguments, as sent
  std::vector<std::string> recipients;
};

class Dump {
 public:
  // Opens the file; a template's directories are made.
  static Result<Dump> open(const Options& options, Stamp now);
  Dump(Dump&&) noexcept = default;
  Dump& operator=(Dump&&) noexcept = default;
  // A message that was not finished leaves no file of its own, and nothing in a common one.
  ~Dump();

  void begin(const Options& options, const Envelope& envelope, Stamp now);
  // A line, with its doubled dot already single.
  void add_line(std::string_view line);
  // Writes the message, in one piece where the file belongs to many.
  [[nodiscard]] Result<void> finish();

 private:
  Dump(std::string path, Fd file, std::uint32_t id, bool own) : path_(std::move(path)), file_(std::move(file)), id_(id), own_(own) {}

  std::string path_;
  Fd file_;
  std::uint32_t id_;
  bool own_;            // the file is this message's alone
  std::string text_;    // all of it: a file for many must not get pieces of several
};

}  // namespace smtp_sink
