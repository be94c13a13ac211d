#include "lib/message/content.h"

#include "lib/message/charset.h"
#include "lib/message/fields.h"
#include "lib/message/parameters.h"
#include "lib/message/transfer.h"
#include "lib/message/wire_text.h"

namespace message {
namespace {

constexpr std::size_t piece_size = 65536;

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

std::expected<std::string, BinaryFault> decode_binary(std::string_view message, const Part& part) {
  const TransferEncoding encoding = part.kind == Kind::leaf ? transfer_encoding(part.header.of(message)) : TransferEncoding::binary;
  if (encoding == TransferEncoding::unknown) return std::unexpected(BinaryFault::unknown_cte);
  std::string out;
  if (!is_identity(encoding)) {
    TransferDecoder decoder(encoding);
    decoder.decode(part.body.of(message), out);
    decoder.finish(out);
    if (decoder.is_broken()) return std::unexpected(BinaryFault::broken);
    return out;
  }
  WireText text(WireText::Nul::kept);
  text.add(part.body.of(message), part.body.wire_size);
  WireReader(text, 0, text.size()).read(out, text.size());
  return out;
}

}  // namespace message
