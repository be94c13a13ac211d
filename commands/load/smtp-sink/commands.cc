#include "commands/load/smtp-sink/commands.h"

#include "lib/base/ascii.h"

namespace smtp_sink {
namespace {

struct Name {
  std::string_view text;
  Verb verb;
};
constexpr std::array names{Name{"connect", Verb::connect}, Name{"helo", Verb::helo},         Name{"ehlo", Verb::ehlo},
                           Name{"lhlo", Verb::lhlo},       Name{"xclient", Verb::xclient},   Name{"xforward", Verb::xforward},
                           Name{"auth", Verb::auth},       Name{"mail", Verb::mail},         Name{"rcpt", Verb::rcpt},
                           Name{"data", Verb::data},       Name{".", Verb::dot},             Name{"rset", Verb::rset},
                           Name{"noop", Verb::noop},       Name{"vrfy", Verb::vrfy},         Name{"quit", Verb::quit}};
static_assert(names.size() == verb_count);

}  // namespace

std::optional<Verb> find_verb(std::string_view name) {
  for (const Name& one : names) {
    if (ascii::equal_ignoring_case(one.text, name)) return one.verb;
  }
  return std::nullopt;
}

}  // namespace smtp_sink
