#include "lib/message/message_ids.h"

#include <optional>

#include "lib/message/lexer.h"

namespace message {
namespace {

bool is_local(char c) { return c == '.' || is_atext(c); }
bool is_domain(char c) { return c == '@' || c == '[' || c == ']' || c == ':' || is_local(c); }

// "<local@domain>", from its bracket on. Goes behind what is not one.
std::optional<std::string> identifier(Lexer& lexer) {
  lexer.take('<');
  std::string id;
  if (!lexer.skip()) return std::nullopt;
  if (!lexer.is_at('"')) id = lexer.run(is_local);
  else if (!lexer.quoted(id)) return std::nullopt;
  if (!lexer.skip() || !lexer.take('@') || !lexer.skip()) return std::nullopt;
  id += '@';
  const std::string_view domain = lexer.run(is_domain);
  if (domain.empty() || !lexer.skip() || !lexer.take('>')) return std::nullopt;
  return id.append(domain);
}

}  // namespace

std::string first_message_id(std::string_view value) {
  Lexer lexer(value);
  while (!lexer.at_end()) {
    while (!lexer.at_end() && !lexer.is_at('<')) lexer.advance();
    if (lexer.at_end()) break;
    if (auto id = identifier(lexer)) return *id;
  }
  return {};
}

std::vector<std::string> message_ids(std::string_view value) {
  std::vector<std::string> ids;
  Lexer lexer(value);
  while (true) {
    while (!lexer.at_end() && !lexer.is_at('<')) lexer.advance();
    if (lexer.at_end()) break;
    if (auto id = identifier(lexer)) ids.push_back(std::move(*id));
  }
  if (ids.size() > reference_limit) ids.erase(ids.begin(), ids.end() - reference_limit);
  return ids;
}

}  // namespace message
