#pragma once
// The body of a message for those who may change it: each field of a part's header as one text, and all other lines as they
// came. mime_scan.h says which is which.

#include <string>
#include <string_view>

#include "lib/mail/mime_scan.h"

namespace mail {

class BodyWalk {
 public:
  class Handler {
   public:
    Handler() = default;
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;
    virtual ~Handler() = default;
    // A field of a part's header, its lines joined by '\n'; `is_attached`: the part is an attached message.
    virtual void part_field(std::string_view text, bool is_attached) = 0;
    // A record of another line; `is_whole`: it ends the line. `offset`: bytes of its part's content before it.
    virtual void body_line(std::string_view data, bool is_whole, std::size_t offset) = 0;
  };

  // `scan` is borrowed, or null: then there are no parts. The rest of a field beyond the limit is dropped.
  BodyWalk(MimeScan* scan, std::size_t field_size_limit, Handler& handler)
      : scan_(scan), field_size_limit_(field_size_limit), handler_(handler) {}

  void take(std::string_view data, bool is_whole);
  void finish() { flush(); }

 private:
  void flush();

  MimeScan* scan_;
  std::size_t field_size_limit_;
  Handler& handler_;
  std::string field_;
  bool has_field_ = false;
  bool is_attached_ = false;
  bool at_line_start_ = true;
  std::size_t offset_ = 0;
};

}  // namespace mail
