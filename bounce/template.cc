#include "bounce/template.h"

#include <algorithm>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/config/expand.h"
#include "lib/mail/header.h"

namespace bounce {
namespace {

constexpr std::array<std::string_view, kinds> kind_names{"failure", "delay", "success", "verify"};
constexpr std::string_view built_in = "[built-in]";

constexpr std::string_view help_text = R"(For further assistance, please send mail to postmaster.

If you do so, please include this problem report. You can
delete your own text from the attached returned message.

                   The mail system)";

constexpr std::string_view failure_text = R"(This is the mail system at host $myhostname.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

)";

constexpr std::string_view delay_text = R"(This is the mail system at host $myhostname.

####################################################################
# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #
####################################################################

Your message could not be delivered for more than $delay_warning_time_hours hour(s).
It will be retried until it is $maximal_queue_lifetime_days day(s) old.

)";

constexpr std::string_view success_text = R"(This is the mail system at host $myhostname.

Your message was successfully delivered to the destination(s)
listed below. If the message was delivered to mailbox you will
receive no further notifications. Otherwise you may still receive
notifications of mail delivery errors from other systems.

                   The mail system)";

constexpr std::string_view verify_text = R"(This is the mail system at host $myhostname.

Enclosed is the mail delivery report that you requested.

                   The mail system)";

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (;;) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

Template built_in_template(std::string_view subject, std::string_view postmaster_subject, std::string text) {
  return Template{.charset = "us-ascii",
                  .subject = std::string(subject),
                  .from = {},
                  .postmaster_subject = std::string(postmaster_subject),
                  .text = lines_of(text)};
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c != '\0' && static_cast<unsigned char>(c) < 0x80; });
}

// The lines of one template, between "<<EOF" and "EOF": headers up to the first empty line, then the text. The error
// says what is wrong with the header.
Result<Template> parse_template(std::span<const std::string> lines, std::string_view kind, const Template& defaults) {
  Template out = defaults;
  std::size_t at = 0;
  for (; at < lines.size(); ++at) {
    const auto field = mail::split_header(lines[at]);
    if (!field) break;
    const std::string value(ascii::trim(field->value));
    if (value.empty()) return base::fail(fmt::format("empty \"{}\" header value in {} template", field->name, kind));
    if (!is_ascii(value)) {
      return base::fail(fmt::format("non-ASCII \"{}\" header value in {} template", field->name, kind));
    }
    if (ascii::equal_ignoring_case(field->name, "charset")) out.charset = value;
    else if (ascii::equal_ignoring_case(field->name, "from")) out.from = value;
    else if (ascii::equal_ignoring_case(field->name, "subject")) out.subject = value;
    else if (ascii::equal_ignoring_case(field->name, "postmaster-subject")) {
      if (defaults.postmaster_subject.empty()) {
        return base::fail(fmt::format("inapplicable \"{}\" header label in {} template", field->name, kind));
      }
      out.postmaster_subject = value;
    } else {
      return base::fail(fmt::format("unknown \"{}\" header label in {} template", field->name, kind));
    }
  }
  if (at < lines.size() && lines[at].empty()) ++at;
  if (at == lines.size()) return base::fail(fmt::format("missing message text in {} template", kind));
  out.text.assign(lines.begin() + static_cast<std::ptrdiff_t>(at), lines.end());
  const bool ascii_only = std::ranges::all_of(out.text, [](const std::string& line) { return is_ascii(line); });
  if (!ascii_only && ascii::equal_ignoring_case(out.charset, "us-ascii")) {
    return base::fail(fmt::format("8-bit message text in {} template with charset us-ascii", kind));
  }
  return out;
}

struct Unit {
  std::string_view name;
  std::chrono::seconds length;
};
constexpr std::array units{Unit{"seconds", std::chrono::seconds(1)}, Unit{"minutes", std::chrono::minutes(1)},
                           Unit{"hours", std::chrono::hours(1)}, Unit{"days", std::chrono::hours(24)},
                           Unit{"weeks", std::chrono::hours(24 * 7)}};

// "delay_warning_time_hours": the parameter in that unit, without the rest; none for any other name.
Result<std::optional<std::string>> in_unit(const config::Main& main, std::string_view name, std::string_view origin,
                                           std::string_view kind, std::vector<std::string>& warnings) {
  for (const std::string_view parameter : {"delay_warning_time", "maximal_queue_lifetime"}) {
    if (!name.starts_with(parameter) || name.size() <= parameter.size() + 1 || name[parameter.size()] != '_') continue;
    const std::string_view suffix = name.substr(parameter.size() + 1);
    const auto unit = std::ranges::find(units, suffix, &Unit::name);
    if (unit == units.end()) continue;
    const std::chrono::seconds value = TRY(main.time(parameter));
    const auto count = value / unit->length;
    if (count == 0 && value.count() > 0) {
      warnings.push_back(fmt::format("{}: zero result in {} template conversion of parameter \"{}\"", origin, kind, name));
      warnings.push_back(fmt::format("please reduce time unit \"{}\" of \"{}\" in {} template", suffix, name, kind));
      warnings.push_back("for instructions see the bounce(5) manual");
    }
    return std::to_string(count);
  }
  return std::nullopt;
}

}  // namespace

Templates::Templates()
    : templates_{
          built_in_template("Undelivered Mail Returned to Sender", "Postmaster Copy: Undelivered Mail",
                            std::string(failure_text) + std::string(help_text)),
          built_in_template("Delayed Mail (still being retried)", "Postmaster Warning: Delayed Mail",
                            std::string(delay_text) + std::string(help_text)),
          built_in_template("Successful Mail Delivery Report", "", std::string(success_text)),
          built_in_template("Mail Delivery Status Report", "", std::string(verify_text)),
      } {
  origin_.fill(std::string(built_in));
}

void Templates::read(std::string_view text, std::string_view file, std::vector<std::string>& warnings) {
  const std::vector<std::string> lines = lines_of(text);
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const std::string_view line = ascii::trim(lines[at]);
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t equals = line.find('=');
    const std::string_view name = ascii::trim(line.substr(0, equals));
    std::string_view mark = equals == std::string_view::npos ? "" : ascii::trim(line.substr(equals + 1));
    if (!mark.starts_with("<<") || mark.size() == 2) {
      warnings.push_back(fmt::format("{}, line {}: syntax error: expecting \"template = <<EOF\" -- ignoring the rest", file, at + 1));
      return;
    }
    mark = ascii::trim(mark.substr(2));
    const auto start = lines.begin() + static_cast<std::ptrdiff_t>(at) + 1;
    const auto end = std::find(start, lines.end(), mark);
    if (end == lines.end()) {
      warnings.push_back(fmt::format("{}, line {}: missing \"{}\" end marker -- ignoring this template", file, at + 1, mark));
      return;
    }
    at = static_cast<std::size_t>(end - lines.begin());
    const auto kind = std::ranges::find_if(kind_names, [&](std::string_view k) { return fmt::format("{}_template", k) == name; });
    if (kind == kind_names.end()) {
      warnings.push_back(fmt::format("{}: unknown template name \"{}\" -- ignoring this template", file, name));
      continue;
    }
    const auto index = static_cast<std::size_t>(kind - kind_names.begin());
    auto parsed = parse_template({start, end}, *kind, Templates()[static_cast<Kind>(index)]);
    if (!parsed) {
      warnings.push_back(fmt::format("{}: {} -- ignoring this template", file, parsed.error().message()));
      continue;
    }
    templates_[index] = std::move(*parsed);
    origin_[index] = file;
  }
}

Result<void> Templates::expand(const config::Main& main, std::vector<std::string>& warnings) {
  for (std::size_t i = 0; i < kinds; ++i) {
    bool unknown = false;
    const config::Lookup lookup = [&](std::string_view name) -> Result<std::optional<std::string>> {
      if (auto converted = TRY(in_unit(main, name, origin_[i], kind_names[i], warnings))) return converted;
      const auto raw = TRY(main.get(name));
      if (!raw) {
        unknown = true;
        return std::nullopt;
      }
      return TRY(main.expand(name));
    };
    for (std::string& line : templates_[i].text) {
      std::string expanded = TRY(config::expand(line, lookup, config::Values::verbatim));
      if (unknown) return base::fail(fmt::format("{}: undefined $name in {} template: {}", origin_[i], kind_names[i], line));
      line = std::move(expanded);
    }
  }
  return {};
}

}  // namespace bounce
