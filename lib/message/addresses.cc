// The addresses of a header field, as Dovecot shows them in ENVELOPE: each choice here was recorded from it.

#include <algorithm>
#include <utility>

#include "lib/message/envelope.h"
#include "lib/message/lexer.h"

namespace message {
namespace {

const NString missing_mailbox = "MISSING_MAILBOX";
const NString missing_domain = "MISSING_DOMAIN";
const NString syntax_error = "SYNTAX_ERROR";
const NString invalid_route = "INVALID_ROUTE";

bool is_atext_or_dot(char c) { return c == '.' || is_atext(c); }

class Parser {
 public:
  Parser(std::vector<Address>& to, std::string_view value) : to_(to), lexer_(value), limit_(to.size() + address_limit) {}

  // Addresses with commas between; what follows anything else is not looked at.
  void list() {
    do {
      if (!lexer_.skip() || lexer_.at_end()) return;
      if (!group()) mailbox();
    } while (has_next());
  }

 private:
  bool has_next() { return to_.size() < limit_ && lexer_.skip() && lexer_.take(','); }

  // "name: a, b;"; takes nothing when it is none.
  bool group() {
    const std::size_t start = lexer_.place();
    std::string name;
    const bool has_name = phrase(name);
    if (!(has_name || lexer_.place() == start) || !lexer_.take(':')) {
      lexer_.go_back(start);
      return false;
    }
    to_.push_back({.name = {}, .route = {}, .mailbox = std::move(name), .host = {}});
    if (lexer_.skip() && !lexer_.at_end() && !lexer_.take(';')) {
      do {
        if (!lexer_.skip() || lexer_.at_end()) break;
        mailbox();
      } while (has_next());
      lexer_.take(';');
    }
    to_.emplace_back();
    return true;
  }

  void mailbox() {
    const std::size_t start = lexer_.place();
    std::string name;
    const bool has_name = phrase(name);
    if ((has_name || lexer_.place() == start) && lexer_.is_at('<')) {
      to_.push_back(bracketed());
      if (!name.empty()) to_.back().name = std::move(name);
    } else {
      lexer_.go_back(start);
      to_.push_back(bare());
    }
  }

  // "<@route:local@domain>"
  Address bracketed() {
    Address address{.name = {}, .route = {}, .mailbox = missing_mailbox, .host = missing_domain};
    lexer_.take('<');
    bool is_good = lexer_.skip();
    if (lexer_.is_at('@')) address.route = route();
    std::string local, domain;
    const Local kind = local_part(local);
    if (kind == Local::atom || kind == Local::quoted) address.mailbox = std::move(local);
    is_good = is_good && kind != Local::broken && lexer_.skip();
    if (is_good && lexer_.take('@')) {
      is_good = this->domain(domain) && lexer_.skip();
      address.host = std::move(domain);
    }
    if (!is_good || !lexer_.take('>') || !lexer_.skip()) address.host = syntax_error;
    return address;
  }

  // "@a,@b:"
  NString route() {
    std::string all, domain;
    while (lexer_.take('@')) {
      domain.clear();
      if (!this->domain(domain)) return invalid_route;
      all += (all.empty() ? "@" : ",@") + domain;
      do {
        if (!lexer_.skip()) return invalid_route;
      } while (lexer_.take(','));
    }
    if (!lexer_.take(':') || !lexer_.skip()) return invalid_route;
    return all;
  }

  // "local@domain (name)". Words that are no address are a name.
  Address bare() {
    Address address{.name = {}, .route = {}, .mailbox = missing_mailbox, .host = missing_domain};
    std::string local, comment, domain;
    const Local kind = local_part(local);
    if (kind == Local::broken) return address;
    const bool has_gap = gap_;
    if (!lexer_.skip(&comment)) return address;
    if (lexer_.take('@')) {
      if (kind != Local::none) address.mailbox = std::move(local);
      comment.clear();
      if (this->domain(domain) && lexer_.skip(&comment)) address.host = std::move(domain);
      if (!comment.empty()) address.name = std::move(comment);
      return address;
    }
    if (kind == Local::none || lexer_.is_at('<')) return address;
    std::string more;
    if (comment.empty() && phrase(more) && !more.empty()) {
      address.name = local + (has_gap ? "  " : " ") + more;
    } else if (comment.empty() && kind == Local::quoted) {
      address.name = std::move(local);
    } else {
      address.mailbox = std::move(local);
      if (!comment.empty()) address.name = std::move(comment);
    }
    return address;
  }

  enum class Local { none, atom, quoted, broken };
  // Dots may stand anywhere, and space before them.
  Local local_part(std::string& out) {
    gap_ = false;
    if (lexer_.is_at('"')) return lexer_.quoted(out) ? Local::quoted : Local::broken;
    do {
      out += lexer_.run(is_atext_or_dot);
      const std::size_t end = lexer_.place();
      lexer_.skip_space();
      gap_ = out.ends_with('.') && lexer_.place() > end;
    } while (!out.empty() && lexer_.is_at('.'));
    return out.empty() ? Local::none : Local::atom;
  }

  // Atoms with dots between, or "[literal]".
  bool domain(std::string& out) {
    if (!lexer_.skip()) return false;
    if (lexer_.is_at('[')) return literal(out);
    while (true) {
      const std::string_view atom = lexer_.run(is_atext);
      out += atom;
      const std::size_t end = lexer_.place();
      if (atom.empty()) return false;
      if (!lexer_.skip() || !lexer_.take('.')) {
        lexer_.go_back(end);
        return true;
      }
      out += '.';
      if (!lexer_.skip()) return false;
    }
  }

  bool literal(std::string& out) {
    while (!lexer_.at_end()) {
      const char c = lexer_.peek();
      out += c;
      lexer_.advance();
      if (c == ']') return true;
      if (c != '\\' || lexer_.at_end()) continue;
      out += lexer_.peek();
      lexer_.advance();
    }
    return false;
  }

  // Words, one blank apart. False when there is none, or something does not end.
  bool phrase(std::string& out) {
    if (!lexer_.is_at('"') && !is_atext(lexer_.peek())) return false;
    while (true) {
      if (!lexer_.is_at('"')) out += lexer_.run(is_atext_or_dot);
      else if (!lexer_.quoted(out)) return false;
      if (!lexer_.skip()) return false;
      if (!lexer_.is_at('"') && !is_atext_or_dot(lexer_.peek())) return true;
      out += ' ';
    }
  }

  std::vector<Address>& to_;
  Lexer lexer_;
  std::size_t limit_;
  bool gap_ = false;  // the local part ended with a dot and space
};

}  // namespace

void append_addresses(std::vector<Address>& to, std::string_view value) { Parser(to, value).list(); }

}  // namespace message
