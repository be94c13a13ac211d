#pragma once
// smtp_header_checks and its like: rules that change the content of a message on its way out (header_checks(5)). They may add,
// replace and leave out; it is too late to refuse, hold or redirect.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/mail/body_walk.h"
#include "lib/mail/check_rule.h"
#include "lib/mail/downgrade.h"
#include "lib/mail/header_block.h"
#include "lib/mail/mime_scan.h"
#include "lib/maps/table.h"

namespace smtp {

// The tables of smtp_header_checks, smtp_mime_header_checks, smtp_nested_header_checks and smtp_body_checks.
struct ContentCheckMaps {
  std::string prefix = "smtp";             // of the parameters' names
  maps::Maps header, mime, nested, body;
  std::size_t header_size_limit = 102400, mime_nesting_limit = 100, mime_boundary_length_limit = 2048;
  [[nodiscard]] bool empty() const { return header.empty() && mime.empty() && nested.empty() && body.empty(); }
};

class ContentChecks final : private mail::HeaderBlock::Handler, private mail::BodyWalk::Handler {
 public:
  using Line = mail::Downgrade::Line;
  // `maps` is borrowed; `queue_id` is for the log.
  ContentChecks(const ContentCheckMaps& maps, std::string queue_id);

  // The next piece of a line; what is to be sent for it is added to `out`.
  void write(std::string_view piece, bool ends_line, std::vector<Line>& out);
  // After the last line.
  void finish(std::vector<Line>& out);
  // A table could not be asked: what has been passed on must not be completed.
  [[nodiscard]] const std::optional<base::Error>& failure() const { return failure_; }

 private:
  void field(std::string_view text) override;
  void end_of_header(mail::HeaderBlock::End end, std::string_view line, bool is_whole) override;
  void part_field(std::string_view text, bool is_attached) override;
  void body_line(std::string_view data, bool is_whole, std::size_t offset) override;

  void check_field(std::string_view text, bool is_part, bool is_attached);
  // None: to be left out. What stands before it is passed on here.
  [[nodiscard]] std::optional<std::string> checked(const maps::Maps& maps, std::string_view name, mail::CheckedText kind,
                                                   std::string_view text);
  void put(std::string_view text);

  const ContentCheckMaps& maps_;
  std::string queue_id_;
  mail::HeaderBlock header_;
  mail::MimeScan mime_;
  mail::BodyWalk walk_;
  bool at_line_start_ = true;         // of what is passed on
  std::vector<Line>* out_ = nullptr;  // of the call under way
  std::optional<base::Error> failure_;
};

}  // namespace smtp
