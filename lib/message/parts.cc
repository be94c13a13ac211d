#include "lib/message/parts.h"

#include <algorithm>
#include <optional>

#include "lib/base/ascii.h"
#include "lib/message/fields.h"
#include "lib/message/parameters.h"

namespace message {
namespace {

// A place in the file, with what was before it.
struct Mark {
  std::size_t at = 0, bare = 0, lines = 0;  // `bare`: line ends without CR
};

Extent between(const Mark& start, const Mark& end) {
  return {.offset = start.at,
          .size = end.at - start.at,
          .wire_offset = start.at + start.bare,
          .wire_size = end.at - start.at + end.bare - start.bare,
          .lines = end.lines - start.lines};
}

// Reads the file line by line and keeps the parts that are open, outermost first.
class Scanner {
 public:
  Scanner(std::string_view message, const PartLimits& limits, std::vector<Part>& parts)
      : message_(message), limits_(limits), parts_(parts) {}

  void run() {
    open({}, 0);
    while (here_.at < message_.size()) {
      const std::string_view line = next_line();
      const auto match = line.starts_with("--") ? find_boundary(line.substr(2)) : std::nullopt;
      if (match) take_boundary(*match);
      else if (in_header_ && line.empty()) end_header(behind_);
      last_content_ = match ? behind_ : content_;
      here_ = behind_;
    }
    last_content_ = here_;
    close_above(0, false);
    close(here_);
  }

 private:
  struct Open {
    std::uint32_t place;
    Mark start, body;
    bool has_boundary = false;
    std::string boundary = {};
  };
  struct Match {
    std::size_t level;  // of the multipart
    bool is_end;
  };

  // The line without its end; sets content_ (before the line end) and behind_ (after it).
  std::string_view next_line() {
    const std::size_t end = message_.find('\n', here_.at);
    content_ = behind_ = here_;
    if (end == std::string_view::npos) {
      content_.at = behind_.at = message_.size();
      return message_.substr(here_.at);
    }
    const bool has_cr = end > here_.at && message_[end - 1] == '\r';
    content_.at = has_cr ? end - 1 : end;
    behind_ = {end + 1, here_.bare + (has_cr ? 0 : 1), here_.lines + 1};
    return message_.substr(here_.at, content_.at - here_.at);
  }

  // The longest boundary that the line begins with, the innermost of equal ones. That more may follow is Dovecot's rule.
  [[nodiscard]] std::optional<Match> find_boundary(std::string_view text) const {
    std::optional<Match> match;
    std::size_t longest = 0;
    for (std::size_t level = open_.size(); level-- > 0;) {
      const Open& multipart = open_[level];
      if (!multipart.has_boundary || (match && multipart.boundary.size() <= longest) || !text.starts_with(multipart.boundary)) continue;
      longest = multipart.boundary.size();
      match = Match{level, text.substr(longest).starts_with("--")};
    }
    if (match && !match->is_end && parts_.size() >= limits_.parts) return std::nullopt;
    return match;
  }

  void take_boundary(const Match& match) {
    close_above(match.level, true);
    if (match.is_end) {
      open_[match.level].has_boundary = false;
    } else if (behind_.lines > here_.lines) {
      open(behind_, open_[match.level].place);
    }
  }

  void open(const Mark& start, std::uint32_t parent) {
    const auto place = static_cast<std::uint32_t>(parts_.size());
    Part& part = parts_.emplace_back();
    part.parent = parent;
    part.depth = static_cast<std::uint32_t>(open_.size());
    open_.push_back({.place = place, .start = start, .body = start});
    in_header_ = true;
  }

  // The header of the innermost part ends; what the part is decides what follows.
  void end_header(const Mark& end) {
    in_header_ = false;
    Open& top = open_.back();
    Part& part = parts_[top.place];
    part.header = between(top.start, end);
    top.body = end;
    const auto value = find_field(part.header.of(message_), "Content-Type");
    const Part& parent = parts_[part.parent];
    if (value) {
      const ContentType type = parse_content_type(*value);
      part.type = ascii::lowercase(type.type);
      part.subtype = ascii::lowercase(type.subtype);
      if (const std::string* boundary = type.parameters.find("boundary")) {
        top.boundary = boundary->substr(0, limits_.boundary_length);
        top.has_boundary = true;
      }
    } else if (top.place != part.parent && parent.kind == Kind::multipart && parent.subtype == "digest") {
      part.type = "message";
      part.subtype = "rfc822";
    }
    const bool may_hold_parts = open_.size() < limits_.depth && parts_.size() < limits_.parts;
    if (may_hold_parts && part.type == "multipart" && !part.subtype.empty()) part.kind = Kind::multipart;
    top.has_boundary = top.has_boundary && part.kind == Kind::multipart;
    if (!may_hold_parts || part.type != "message" || part.subtype != "rfc822") return;
    part.kind = Kind::message;
    open(end, top.place);
  }

  // Closes the parts within that of `level`. The line end before a boundary belongs to the boundary: to the innermost part that has
  // anything it is not there, and neither to those around it when it is of a body.
  void close_above(std::size_t level, bool at_boundary) {
    if (open_.size() <= level + 1) return;
    while (in_header_) end_header(here_);
    const bool is_cut = at_boundary && open_.back().body.at == here_.at;
    if (is_cut) {
      std::size_t cut = open_.size() - 1;
      while (cut > level + 1 && parts_[open_[cut].place].header.size == 0 && parts_[open_[cut - 1].place].kind == Kind::message) --cut;
      Part& part = parts_[open_[cut].place];
      if (part.header.size > 0) part.header = between(open_[cut].start, last_content_);
    }
    const Mark end = at_boundary && !is_cut ? last_content_ : here_;
    while (open_.size() > level + 1) close(end);
  }

  void close(const Mark& end) {
    if (in_header_) end_header(here_);
    const Open& top = open_.back();
    Part& part = parts_[top.place];
    part.body = between(top.body, end);
    part.end = static_cast<std::uint32_t>(parts_.size());
    open_.pop_back();
  }

  std::string_view message_;
  const PartLimits& limits_;
  std::vector<Part>& parts_;
  std::vector<Open> open_;
  bool in_header_ = false;                        // of the innermost part
  Mark here_, content_, behind_, last_content_;   // the line's start, end, the next line's start; the last line's end, if it was text
};

}  // namespace

Extent Part::whole() const {
  return {.offset = header.offset,
          .size = body.offset + body.size - header.offset,
          .wire_offset = header.wire_offset,
          .wire_size = body.wire_offset + body.wire_size - header.wire_offset,
          .lines = header.lines + body.lines};
}

Parts Parts::parse(std::string_view message, const PartLimits& limits) {
  Parts parts;
  Scanner(message, limits, parts.parts_).run();
  return parts;
}

std::size_t wire_size(std::string_view text) {
  std::size_t size = text.size();
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    if (at == 0 || text[at - 1] != '\r') ++size;
  return size;
}

}  // namespace message
