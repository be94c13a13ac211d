#pragma once
// Content-Transfer-Encoding (RFC 2045 section 6): decoding, piece by piece.

#include <cstdint>
#include <string>
#include <string_view>

namespace message {

enum class TransferEncoding : std::uint8_t { seven_bit, eight_bit, binary, quoted_printable, base64, unknown };

// What a part's header says; seven_bit where it says nothing.
[[nodiscard]] TransferEncoding transfer_encoding(std::string_view header);
// The bytes are what they are.
[[nodiscard]] constexpr bool is_identity(TransferEncoding encoding) { return encoding < TransferEncoding::quoted_printable; }

// Takes a body in pieces that may end anywhere. Base64 ends with what is none; in quoted-printable an escape that is none stays as it
// is. Line ends of quoted-printable become CRLF; other bytes of identity encodings, and of unknown ones, stay as they are.
class TransferDecoder {
 public:
  explicit TransferDecoder(TransferEncoding encoding) : encoding_(encoding) {}

  void decode(std::string_view piece, std::string& out);
  void finish(std::string& out);
  // Something was not as RFC 2045 has it.
  [[nodiscard]] bool is_broken() const { return is_broken_; }

 private:
  void base64(std::string_view piece, std::string& out);
  void quoted_printable(std::string_view piece, std::string& out);
  bool escape(char c, std::string& out);

  TransferEncoding encoding_;
  bool is_broken_ = false;
  bool is_ended_ = false;                      // base64
  std::uint32_t bits_ = 0;                     // base64: what is no whole byte yet
  unsigned held_ = 0;
  std::string escape_;                         // quoted-printable: from "=" on
  std::string spaces_;                         // quoted-printable: they go if the line ends
};

}  // namespace message
