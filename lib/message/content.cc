#include "lib/message/content.h"

#include <algorithm>

#include "lib/base/ascii.h"
#include "lib/base/base64.h"
#include "lib/message/charset.h"
#include "lib/message/fields.h"
#include "lib/message/parameters.h"
#include "lib/message/section.h"
#include "lib/message/transfer.h"
#include "lib/message/wire_text.h"

namespace message {
namespace {

constexpr std::size_t piece_size = 65536;
constexpr std::size_t encoded_line_bytes = 57;  // 76 characters (RFC 2045 section 6.8)
constexpr std::string_view encoding_field = "Content-Transfer-Encoding";

void append_wire(std::string& out, std::string_view text) {
  WireText wire(WireText::Nul::kept);
  wire.add(text);
  WireReader(wire, 0, wire.size()).read(out, wire.size());
}

// The header of a part that has been decoded.
void append_binary_header(std::string& out, std::string_view header) {
  Fields fields(header);
  while (const auto field = fields.next()) {
    if (!ascii::equal_ignoring_case(field->name, encoding_field)) append_wire(out, field->text);
  }
  out += encoding_field;
  out += ": binary\r\n";
  append_wire(out, fields.rest());
}

}  // namespace

void decode_text(std::string_view message, const Part& part, const Sink& sink) {
  const std::string_view header = part.header.of(message);
  const auto type = find_field(header, "Content-Type");
  const ContentType content_type = type ? parse_content_type(*type) : ContentType{};
  const std::string* const charset = content_type.parameters.find("charset");
  const TransferEncoding encoding = transfer_encoding(header);
  if (encoding == TransferEncoding::unknown) return;
  TransferDecoder decoder(encoding);
  Utf8Converter converter(charset != nullptr ? std::string_view(*charset) : std::string_view());
  std::string decoded, text;
  for (std::string_view rest = part.body.of(message); !rest.empty();) {
    std::string_view piece = rest.substr(0, piece_size);
    rest.remove_prefix(piece.size());
    if (!is_identity(encoding)) {
      decoded.clear();
      decoder.decode(piece, decoded);
      if (rest.empty()) decoder.finish(decoded);
      piece = decoded;
    }
    text.clear();
    converter.convert(piece, text);
    if (rest.empty()) converter.finish(text);
    if (!sink(text)) return;
  }
}

std::expected<Binary, BinaryFault> decode_binary(std::string_view message, const Parts& parts, const std::vector<std::uint32_t>& path) {
  Binary out;
  const auto place = find_part(parts, path);
  if (!place) return out;
  const Part& wanted = parts[*place];
  const Extent stretch = path.empty() ? wanted.whole() : wanted.body;
  std::size_t done = stretch.offset;
  for (std::size_t at = *place; at < wanted.end; ++at) {
    const Part& part = parts[at];
    const TransferEncoding encoding = part.kind == Kind::leaf ? transfer_encoding(part.header.of(message)) : TransferEncoding::binary;
    if (encoding == TransferEncoding::unknown) return std::unexpected(BinaryFault::unknown_cte);
    if (is_identity(encoding) || part.body.size == 0) continue;
    if (at > *place || path.empty()) {
      append_wire(out.bytes, message.substr(done, part.header.offset - done));
      append_binary_header(out.bytes, part.header.of(message));
    }
    TransferDecoder decoder(encoding);
    decoder.decode(part.body.of(message), out.bytes);
    decoder.finish(out.bytes);
    if (decoder.is_broken()) return std::unexpected(BinaryFault::broken);
    out.is_decoded = true;
    done = part.body.offset + part.body.size;
  }
  append_wire(out.bytes, message.substr(done, stretch.offset + stretch.size - done));
  return out;
}

void encode_binary(std::string_view message, const Parts& parts, const Sink& sink) {
  std::size_t done = 0;
  for (const Part& part : parts) {
    const std::string_view header = part.header.of(message);
    if (part.kind != Kind::leaf || part.body.size == 0 || transfer_encoding(header) != TransferEncoding::binary) continue;
    std::string text(message.substr(done, part.header.offset - done));
    Fields fields(header);
    while (const auto field = fields.next()) {
      if (ascii::equal_ignoring_case(field->name, encoding_field)) text.append(encoding_field).append(": base64\r\n");
      else text += field->text;
    }
    text += fields.rest();
    if (!sink(text)) return;
    for (std::string_view body = part.body.of(message); !body.empty();) {
      text = base::encode_base64(body.substr(0, encoded_line_bytes));
      body.remove_prefix(std::min(body.size(), encoded_line_bytes));
      if (!body.empty()) text += "\r\n";
      if (!sink(text)) return;
    }
    done = part.body.offset + part.body.size;
  }
  sink(message.substr(done));
}

}  // namespace message
