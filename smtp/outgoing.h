#pragma once
// The content of a message on its way to one server: checked (smtp_header_checks and its like), mapped (smtp_generic_maps),
// converted to 7bit where the server needs that, and brought into the form that goes over the wire, in this order.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/mail/downgrade.h"
#include "lib/smtp/wire.h"
#include "smtp/content_checks.h"
#include "smtp/generic.h"

namespace smtp {

class Outgoing {
 public:
  struct Options {
    bool to_7bit = false;
    std::size_t line_length_limit = 0;
  };
  // The tables are borrowed; `queue_id` is for the log.
  Outgoing(const ContentCheckMaps& checks, const GenericMaps& generic, const std::string& queue_id, Options options);

  // The next piece of a line.
  void write(std::string_view piece, bool ends_line);
  // After the last line; the dot that ends the message is the caller's.
  void finish();
  // What is ready to be sent; taken by clear().
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  void clear() { bytes_.clear(); }
  [[nodiscard]] bool has_broken_lines() const { return wire_.has_broken_lines(); }
  // Not null: a table could not be asked, and what has been sent must not be completed.
  [[nodiscard]] const base::Error* failure() const;

 private:
  using Line = mail::Downgrade::Line;
  void map(std::string_view piece, bool ends_line);
  void convert(std::string_view piece, bool ends_line);
  void send_converted();
  void map_checked();
  void convert_mapped();

  std::optional<ContentChecks> checks_;
  std::optional<GenericHeader> generic_;
  std::optional<mail::Downgrade> downgrade_;
  WireWriter wire_;
  std::vector<Line> checked_, mapped_, converted_;  // what a step has made of the present piece
  std::string bytes_;
};

}  // namespace smtp
