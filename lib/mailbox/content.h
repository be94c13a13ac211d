#pragma once
// A message as it is written to a mailbox file or a command: the lines that delivery puts in front, then the content of
// the queue file. Every attempt to deliver the same message to the same recipient yields the same bytes (the From_ line
// has the time of arrival, not of delivery), which is what recognises the torn end of an earlier attempt (torn_tail.h).

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/queue/content.h"

namespace mailbox {

enum class Format {
  mbox,     // From_ line, lines that begin with "From " get a '>', an empty line at the end
  maildir,  // the message alone
  command,  // From_ line, nothing quoted, no empty line
};

// What delivery puts in front, in this order: From_, Return-Path, X-Original-To, Delivered-To. Addresses are in internal
// form.
struct Heading {
  std::string sender;       // empty: the null sender
  std::string original_to;  // empty: no X-Original-To
  std::string delivered_to; // empty: no Delivered-To
  Stamp arrived{};
};

// "From s@example.net  Tue Nov 24 06:44:02 2026\n"; the sender in external form, the null sender as MAILER-DAEMON.
[[nodiscard]] std::string from_line(std::string_view sender, Stamp arrived);
// The lines of the heading. Control characters of an address cannot make a line of their own: they become '?'.
[[nodiscard]] std::string heading_text(const Heading& heading, Format format);

// What becomes of the message on its way; pipe(8) has every combination.
struct Shape {
  std::string heading;          // bytes in front, as they are
  std::string line_end = "\n";
  bool quotes_from = false;     // a line that begins with "From " gets a '>'
  bool doubles_dots = false;    // a line that begins with '.' gets another
  bool ends_with_empty_line = false;
};
[[nodiscard]] Shape shape_of(const Heading& heading, Format format);

class Content {
 public:
  // Borrows the descriptor of the queue file, which is only read with pread. `data_offset`: of the first content record.
  Content(int fd, std::int64_t data_offset, const Heading& heading, Format format)
      : Content(fd, data_offset, shape_of(heading, format)) {}
  Content(int fd, std::int64_t data_offset, Shape shape)
      : fd_(fd), data_offset_(data_offset), shape_(std::move(shape)), reader_(fd, data_offset) {}

  // The next bytes, about chunk_size of them; empty at the end. The view lives until the next call. An Error means a
  // damaged queue file: what was written must be taken back.
  [[nodiscard]] Result<std::string_view> next();
  // To the first byte again.
  void rewind();
  // All bytes; reads the whole message once.
  [[nodiscard]] Result<std::int64_t> size();

  static constexpr std::size_t chunk_size = 64 * 1024;

 private:
  enum class Stage { heading, lines, finished };

  [[nodiscard]] Result<void> fill();

  int fd_;
  std::int64_t data_offset_;
  Shape shape_;
  queue::ContentReader reader_;
  Stage stage_ = Stage::heading;
  bool at_line_start_ = true;
  std::string chunk_;
  std::int64_t size_ = -1;
  bool whole_ = false;   // chunk_ holds the whole message: nothing need be read again
  bool given_ = false;   // and it has been given out
};

}  // namespace mailbox
