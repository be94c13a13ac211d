#pragma once
// A message as records for postdrop(1): the envelope from the command line, the content from standard input, and with -t
// the recipients from its header. Reads and writes nothing itself.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/mail/header_block.h"
#include "lib/queue/record.h"
#include "submit/sendmail/options.h"

namespace sendmail {

// How standard input's line ends are taken (sendmail_fix_line_endings).
enum class LineEndings { always, strict, never };
[[nodiscard]] Result<LineEndings> parse_line_endings(std::string_view word);

struct Limits {
  std::size_t line_length = 2048;           // bytes of one content record
  std::size_t header_size = 102400;
  std::size_t address_tokens = 10240;
};

class RecordSink {
 public:
  RecordSink() = default;
  RecordSink(const RecordSink&) = delete;
  RecordSink& operator=(const RecordSink&) = delete;
  virtual ~RecordSink() = default;
  virtual void put(queue::RecordType type, std::string_view data) = 0;
};

class Submission final : private mail::HeaderBlock::Handler {
 public:
  // `verp` are the delimiters to use, or empty. The sender is in internal form.
  Submission(const Options& options, std::string sender, std::string full_name, std::string verp, LineEndings endings,
             Limits limits, RecordSink& sink);

  // Everything up to the content.
  void begin();
  // Bytes of standard input, any cut. False when the message is over (a line with a dot).
  [[nodiscard]] bool take(std::string_view bytes);
  // The end of the input and of the message. Error: there is nobody to send it to.
  [[nodiscard]] Result<void> finish();
  // The content of a probe (-bv), in place of take().
  void put_probe();

 private:
  [[nodiscard]] bool line(std::string_view text, bool is_whole);
  void content(std::string_view text, bool is_whole);
  void field(std::string_view text) override;
  void end_of_header(mail::HeaderBlock::End end, std::string_view line, bool is_whole) override;
  void put_recipients(std::string_view list);
  void put_recipient(std::string_view internal);
  void put_line(std::string_view line);

  const Options& options_;
  std::string sender_, full_name_, verp_;
  LineEndings endings_;
  Limits limits_;
  RecordSink& sink_;
  std::unique_ptr<mail::HeaderBlock> header_;  // with -t, until the header ends
  std::vector<std::string> extracted_, resent_;
  std::string pending_;          // an incomplete line
  bool in_line_ = false;         // a part of the line has been passed on
  bool at_start_ = true;         // nothing but mbox lines yet
  bool skips_line_ = false;      // the rest of an mbox line
  bool is_first_line_ = true;
  bool strips_cr_ = false;
  bool is_over_ = false;
  std::size_t recipients_ = 0;
};

// The first address of -f, in internal form. `is_single` is false when there are more.
struct Sender {
  std::string address;
  bool is_single = true;
};
[[nodiscard]] Sender parse_sender(std::string_view text);

}  // namespace sendmail
