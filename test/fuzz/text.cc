// Text that comes from anybody: commands, addresses, messages.

#include <string>
#include <vector>

#include "lib/auth/wire.h"
#include "lib/base/ascii.h"
#include "lib/base/base64.h"
#include "lib/base/check.h"
#include "lib/mail/address.h"
#include "lib/mail/body_walk.h"
#include "lib/mail/downgrade.h"
#include "lib/mail/dsn_parameters.h"
#include "lib/mail/header_addresses.h"
#include "lib/mail/header_block.h"
#include "lib/mail/mime_scan.h"
#include "lib/mail/tokens.h"
#include "smtpd/command.h"
#include "smtpd/parameters.h"
#include "test/fuzz/target.h"

namespace fuzz {
namespace {

bool is_within(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void path_of(const smtpd::Command& command, std::string_view keyword) {
  const auto argument = smtpd::PathArgument::parse(command.rest, keyword);
  if (argument.form != smtpd::PathArgument::Form::ok) return;
  CHECK(argument.parameters.size() <= smtpd::parameter_limit);
  for (const std::string_view word : argument.parameters) CHECK(is_within(word, command.line));
  const smtpd::Announced announced;
  if (const auto mail = smtpd::parse_mail_parameters(argument.parameters, announced)) CHECK(mail->ret >= 0 && mail->ret <= mail::ret::headers);
  if (const auto rcpt = smtpd::parse_rcpt_parameters(argument.parameters, announced)) CHECK(mail::notify::is_consistent(static_cast<std::uint64_t>(rcpt->notify)));
  for (const bool is_strict : {false, true}) {
    const mail::PathRules rules{.allow_utf8 = !is_strict, .strict_envelopes = is_strict};
    static_cast<void>(mail::parse_path(argument.path, rules));
  }
}

class Fields final : private mail::HeaderBlock::Handler, private mail::BodyWalk::Handler {
 public:
  void take(std::string_view data, bool is_whole) {
    if (block_.is_open()) block_.take(data, is_whole);
    else walk_.take(data, is_whole);
  }
  void finish() {
    if (block_.is_open()) block_.finish();
    walk_.finish();
  }

 private:
  static constexpr std::size_t field_limit = 1000;

  void field(std::string_view text) override {
    CHECK(text.size() <= field_limit + 1);
    scan_.field(text);
  }
  void end_of_header(mail::HeaderBlock::End end, std::string_view line, bool is_whole) override {
    scan_.end_of_header();
    if (end == mail::HeaderBlock::End::text) walk_.take(line, is_whole);
  }
  void part_field(std::string_view text, bool) override { CHECK(text.size() <= field_limit + 1); }
  void body_line(std::string_view, bool, std::size_t) override {}

  mail::MimeScan scan_{{.nesting = 10, .boundary_length = 70}, [](mail::MimeFault, std::string_view) {}};
  mail::HeaderBlock block_{field_limit, *this};
  mail::BodyWalk walk_{&scan_, field_limit, *this};
};

}  // namespace

void command(std::string_view data) {
  const auto command = smtpd::Command::parse(data);
  CHECK(is_within(command.verb, data) && is_within(command.rest, data));
  for (const std::string_view word : command.words()) CHECK(!word.empty() && is_within(word, data));
  static_cast<void>(smtpd::ChunkArgument::parse(command));
  path_of(command, "FROM:");
  path_of(command, "TO:");
  if (const auto decoded = mail::decode_xtext(data)) CHECK(*mail::decode_xtext(mail::encode_xtext(*decoded)) == *decoded);
}

void address(std::string_view data) {
  const std::string internal = mail::to_internal(data);
  const std::string external = mail::to_external(internal);
  CHECK(mail::to_internal(external) == internal);
  const mail::AddressParts parts = mail::split(internal);
  CHECK(parts.local.size() + parts.domain.size() <= internal.size());
  const std::vector<mail::Token> tokens = mail::tokenize(data);
  static_cast<void>(mail::internal_text(tokens));
  static_cast<void>(mail::external_text(tokens));

  auto addresses = mail::HeaderAddresses::parse(data, 1000);
  static_cast<void>(addresses.text(5));
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    CHECK(!addresses[i].empty());
    addresses.replace(i, "new@example.net");
  }
  const std::string changed = addresses.text(5);
  if (addresses.changed()) CHECK(mail::HeaderAddresses::parse(changed, 1000).size() == addresses.size());
}

void mime(std::string_view data) {
  Fields fields;
  mail::Downgrade downgrade;
  std::vector<mail::Downgrade::Line> out;
  // As records come: a line, or a piece of one.
  constexpr std::size_t piece_size = 100;
  while (!data.empty()) {
    const std::size_t end = std::min(data.find('\n'), piece_size);
    const bool is_whole = end < data.size() && data[end] == '\n';
    const std::string_view piece = data.substr(0, end);
    fields.take(piece, is_whole);
    downgrade.write(piece, is_whole, out);
    data.remove_prefix(std::min(data.size(), end + (is_whole ? 1 : 0)));
  }
  fields.finish();
  downgrade.finish(out);
}

void auth_line(std::string_view data) {
  CHECK(auth::unescape_field(auth::escape_field(data)) == data);
  const auto line = auth::WireLine::parse(data);
  static_cast<void>(line.id());
  for (const std::string_view name : {"user", "resp", "cert_username", "secured"}) static_cast<void>(line.value(name));
  if (const auto bytes = base::decode_base64(data)) CHECK(base::decode_base64(base::encode_base64(*bytes)) == *bytes);
}

}  // namespace fuzz
