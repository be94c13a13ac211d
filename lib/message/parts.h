#pragma once
// The parts of a message (RFC 2045, 2046): which stretch of the file is whose header and whose body, and what each part says
// that it is. One pass, no recursion, named limits; what is beyond a limit belongs to the part around it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace message {

// A stretch of the file, and the same as IMAP counts it: each line end as CRLF, whatever the file has.
struct Extent {
  std::size_t offset = 0, size = 0;            // in the file
  std::size_t wire_offset = 0, wire_size = 0;  // as IMAP counts
  std::size_t lines = 0;                       // line ends in it

  [[nodiscard]] std::string_view of(std::string_view message) const { return message.substr(offset, size); }
};

enum class Kind : std::uint8_t { leaf, multipart, message };

struct Part {
  Kind kind = Kind::leaf;
  Extent header;  // through the empty line that ends it, if there is one
  Extent body;    // of a multipart: with what stands before, between and behind its parts
  std::string type = "text", subtype = "plain";  // lower case
  // Places in Parts: the part around this one (the root is its own), and the first that is neither this one nor in it.
  std::uint32_t parent = 0, end = 0;
  std::uint32_t depth = 0;

  // Header and body, as one stretch.
  [[nodiscard]] Extent whole() const;
  [[nodiscard]] bool is_text() const { return type == "text"; }
};

struct PartLimits {
  std::size_t parts = 10000;
  std::size_t depth = 100;
  std::size_t boundary_length = 80;  // longer ones are compared to here (RFC 2046 allows 70)
};

// The parts in the order of the file, the message itself first. The part of an attached message has one child, the message.
class Parts {
 public:
  static Parts parse(std::string_view message, const PartLimits& limits = {});

  [[nodiscard]] std::size_t size() const { return parts_.size(); }
  [[nodiscard]] const Part& operator[](std::size_t place) const { return parts_[place]; }
  [[nodiscard]] const Part& root() const { return parts_.front(); }
  [[nodiscard]] bool has_children(std::size_t place) const { return parts_[place].end > place + 1; }
  // The children of a part: for (place = p + 1; place < parts[p].end; place = parts[place].end).
  [[nodiscard]] auto begin() const { return parts_.begin(); }
  [[nodiscard]] auto end() const { return parts_.end(); }

 private:
  std::vector<Part> parts_;
};

// RFC822.SIZE without the parts: bytes of `text` with each line end as CRLF.
[[nodiscard]] std::size_t wire_size(std::string_view text);

}  // namespace message
