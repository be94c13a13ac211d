#include "lib/mail/header_addresses.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"

namespace mail {
namespace {

constexpr std::size_t line_length = 70;
constexpr std::size_t tab_width = 1;  // Postfix counts it as a character

enum class TokenKind { atom, quoted, comment, literal, dot, at, colon, open, close, comma, semicolon };

struct Token {
  TokenKind kind;
  std::string_view text;
};

bool is_word(TokenKind kind) {
  return kind == TokenKind::atom || kind == TokenKind::quoted || kind == TokenKind::literal;
}

// The bytes from `start` up to and with the character that ends the quoted string, comment or literal there.
std::size_t enclosed_length(std::string_view text, char open, char close) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == close && (open != close || i > 0)) {
      if (open == close || --depth == 0) return i + 1;
    } else if (text[i] == open && open != close) {
      ++depth;
    }
  }
  return text.size();
}

std::size_t atom_length(std::string_view text) {
  constexpr std::string_view ends = "()<[:;@,.\"";
  std::size_t i = 0;
  while (i < text.size() && !ascii::is_space(text[i]) && (i == 0 || !ends.contains(text[i])) && text[i] != '>') {
    i += text[i] == '\\' && i + 1 < text.size() ? 2 : 1;
  }
  return std::max<std::size_t>(i, 1);
}

Token next_token(std::string_view text) {
  switch (text.front()) {
    case '"': return {TokenKind::quoted, text.substr(0, enclosed_length(text, '"', '"'))};
    case '(': return {TokenKind::comment, text.substr(0, enclosed_length(text, '(', ')'))};
    case '[': return {TokenKind::literal, text.substr(0, enclosed_length(text, '[', ']'))};
    case '.': return {TokenKind::dot, text.substr(0, 1)};
    case '@': return {TokenKind::at, text.substr(0, 1)};
    case ':': return {TokenKind::colon, text.substr(0, 1)};
    case '<': return {TokenKind::open, text.substr(0, 1)};
    case '>': return {TokenKind::close, text.substr(0, 1)};
    case ',': return {TokenKind::comma, text.substr(0, 1)};
    case ';': return {TokenKind::semicolon, text.substr(0, 1)};
    default: return {TokenKind::atom, text.substr(0, atom_length(text))};
  }
}

std::vector<Token> tokenize(std::string_view text, std::size_t limit) {
  std::vector<Token> tokens;
  while (tokens.size() < limit) {
    while (!text.empty() && ascii::is_space(text.front())) text.remove_prefix(1);
    if (text.empty()) break;
    tokens.push_back(next_token(text));
    text.remove_prefix(tokens.back().text.size());
  }
  return tokens;
}

std::string without_line_breaks(std::string_view text) {
  std::string out(text);
  std::ranges::replace(out, '\n', ' ');
  return out;
}

// Collects the tokens of one address.
class AddressBuilder {
 public:
  void add(const Token& token) {
    raw_ += token.text;
    switch (token.kind) {
      case TokenKind::at:
        starts_with_at_ = starts_with_at_ || internal_.empty();
        at_ = internal_.size();
        internal_ += '@';
        break;
      case TokenKind::colon:
        internal_ += ':';
        if (starts_with_at_) *this = AddressBuilder(std::move(raw_));  // the end of a source route
        break;
      case TokenKind::quoted:
      case TokenKind::atom: internal_ += to_internal(token.text); break;
      case TokenKind::comment:
      case TokenKind::literal:
      case TokenKind::dot:
      case TokenKind::open:
      case TokenKind::close:
      case TokenKind::comma:
      case TokenKind::semicolon: internal_ += token.text; break;
    }
  }

  [[nodiscard]] std::string external() const {
    if (internal_.empty()) return {};
    if (at_ == std::string::npos) return quote_local(internal_);
    return quote_local(internal_.substr(0, at_)) + internal_.substr(at_);
  }
  [[nodiscard]] const std::string& raw() const { return raw_; }

  AddressBuilder() = default;

 private:
  explicit AddressBuilder(std::string raw) : raw_(std::move(raw)) {}

  std::string raw_, internal_;
  std::size_t at_ = std::string::npos;  // of the last '@' outside of quotes
  bool starts_with_at_ = false;
};

}  // namespace

class HeaderAddresses::Parser {
 public:
  Parser(std::vector<Token> tokens, std::vector<Piece>& pieces) : tokens_(std::move(tokens)), pieces_(pieces) {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].kind == TokenKind::semicolon) last_semicolon_ = i;
    }
  }

  void run() {
    while (at_ < tokens_.size()) {
      switch (tokens_[at_].kind) {
        case TokenKind::comma: separator(Kind::comma); break;
        case TokenKind::semicolon: separator(Kind::group_close); break;
        case TokenKind::open: bracketed(); break;
        case TokenKind::comment:
          pieces_.push_back({Kind::comment, without_line_breaks(tokens_[at_++].text), {}});
          break;
        case TokenKind::colon:
          if (opens_group()) {
            phrase_ends();
            separator(Kind::group_open);
            break;
          }
          [[fallthrough]];
        case TokenKind::atom:
        case TokenKind::quoted:
        case TokenKind::literal:
        case TokenKind::dot:
        case TokenKind::at:
        case TokenKind::close: bare(); break;
      }
    }
  }

 private:
  [[nodiscard]] bool opens_group() const { return at_ < last_semicolon_; }

  void separator(Kind kind) {
    pieces_.push_back({kind, std::string(tokens_[at_++].text), {}});
    item_ = pieces_.size();
  }

  // The words since the last separator were a display name, not addresses. Each word is looked at once.
  void phrase_ends() {
    for (; item_ < pieces_.size(); ++item_) {
      Piece& piece = pieces_[item_];
      if (piece.kind == Kind::address) piece = Piece{Kind::word, without_line_breaks(piece.raw), {}};
    }
  }

  void bracketed() {
    phrase_ends();
    AddressBuilder address;
    for (++at_; at_ < tokens_.size() && tokens_[at_].kind != TokenKind::close; ++at_) {
      if (tokens_[at_].kind != TokenKind::comment) address.add(tokens_[at_]);
    }
    if (at_ < tokens_.size()) ++at_;
    pieces_.push_back({Kind::bracketed, without_line_breaks(address.external()), {}});
    item_ = pieces_.size();
  }

  // Words joined by '.', '@' and, outside of groups, ':'.
  void bare() {
    AddressBuilder address;
    std::vector<Piece> comments;  // within the address: they go behind it
    bool joined = true;  // at the start, or after a joining token: a word belongs to the address
    for (; at_ < tokens_.size(); ++at_) {
      if (const std::size_t next = after_comments(); next != at_ && next < tokens_.size() && goes_on(tokens_[next].kind, joined)) {
        for (; at_ < next; ++at_) comments.push_back({Kind::comment, without_line_breaks(tokens_[at_].text), {}});
      }
      const TokenKind kind = tokens_[at_].kind;
      const bool joins = kind == TokenKind::dot || kind == TokenKind::at || kind == TokenKind::colon;
      if (kind == TokenKind::colon && opens_group() && !address.raw().starts_with('@')) break;
      if (!joins && !(joined && (is_word(kind) || kind == TokenKind::close))) break;
      address.add(tokens_[at_]);
      joined = joins;
    }
    pieces_.push_back({Kind::address, without_line_breaks(address.external()), address.raw()});
    std::ranges::move(comments, std::back_inserter(pieces_));
  }

  // The first token from here on that is no comment.
  [[nodiscard]] std::size_t after_comments() const {
    std::size_t next = at_;
    while (next < tokens_.size() && tokens_[next].kind == TokenKind::comment) ++next;
    return next;
  }

  // Whether an address that has a comment here has more behind it.
  [[nodiscard]] static bool goes_on(TokenKind kind, bool joined) {
    return kind == TokenKind::dot || kind == TokenKind::at || (joined && is_word(kind));
  }

  std::vector<Token> tokens_;
  std::vector<Piece>& pieces_;
  std::size_t at_ = 0;
  std::size_t last_semicolon_ = 0;
  std::size_t item_ = 0;  // the first piece that may still turn out to be part of a phrase
};

HeaderAddresses HeaderAddresses::parse(std::string_view value, std::size_t token_limit) {
  HeaderAddresses out;
  out.original_ = value;
  Parser(tokenize(value, token_limit), out.pieces_).run();
  for (std::size_t i = 0; i < out.pieces_.size(); ++i) {
    const Piece& piece = out.pieces_[i];
    if ((piece.kind == Kind::address || piece.kind == Kind::bracketed) && !piece.text.empty()) out.addresses_.push_back(i);
  }
  return out;
}

void HeaderAddresses::replace(std::size_t i, std::string external) {
  std::string& text = pieces_[addresses_[i]].text;
  if (text == external) return;
  text = std::move(external);
  changed_ = true;
}

// What stands between the commas, in order.
std::vector<std::string> HeaderAddresses::items() const {
  std::vector<std::string> items(1);
  Kind before = Kind::comma;
  Kind significant = Kind::comma;  // the last piece that is no comment
  std::vector<const Piece*> leading;  // comments at the start of an item
  const auto put = [&](const Piece& piece) {
    const bool tight = before == Kind::comma || piece.kind == Kind::group_open || piece.kind == Kind::group_close ||
                       (before == Kind::bracketed && piece.kind != Kind::bracketed);
    if (!tight) items.back() += ' ';
    items.back() += piece.kind == Kind::bracketed ? "<" + piece.text + ">" : piece.text;
    before = piece.kind;
  };
  const auto put_leading = [&] {
    for (const Piece* const comment : std::exchange(leading, {})) put(*comment);
  };
  for (const Piece& piece : pieces_) {
    if (piece.kind == Kind::comma) {
      put_leading();
      items.emplace_back();
      before = significant = Kind::comma;
      continue;
    }
    if (piece.kind == Kind::comment && (significant == Kind::comma || significant == Kind::group_open)) {
      leading.push_back(&piece);
      continue;
    }
    // Addresses side by side are a list without its comma.
    if (piece.kind == Kind::address && (significant == Kind::address || significant == Kind::group_close)) {
      items.emplace_back();
      before = Kind::comma;
    }
    // A comment before a bare address goes behind it, as Postfix has it; one before a display name stays.
    if (piece.kind != Kind::address) put_leading();
    put(piece);
    put_leading();
    if (piece.kind != Kind::comment) significant = piece.kind;
  }
  put_leading();
  return items;
}

std::string HeaderAddresses::text(std::size_t column) const {
  if (!changed_) return original_;
  const std::vector<std::string> all = items();
  std::string out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t length = all[i].size() + (i + 1 < all.size() ? 1 : 0);  // with the comma behind it
    if (i > 0 && column + 1 + length >= line_length) {
      out += "\n\t";
      column = tab_width;
    } else {
      out += ' ';
      ++column;
    }
    out += all[i];
    if (i + 1 < all.size()) out += ',';
    column += length;
  }
  return out;
}

}  // namespace mail
