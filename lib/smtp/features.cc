#include "lib/smtp/features.h"

#include "lib/base/ascii.h"

namespace smtp {

std::string first_word(const ServerReply& reply) {
  if (reply.lines.empty()) return {};
  const auto words = ascii::split(reply.lines.front(), " \t");
  return words.empty() ? std::string() : std::string(words.front());
}

std::set<std::string, std::less<>> parse_keywords(std::string_view list) {
  std::set<std::string, std::less<>> keywords;
  for (const std::string_view word : ascii::split(list, ", \t\r\n")) keywords.insert(ascii::lowercase(word));
  return keywords;
}

std::string discarded_text(const std::set<std::string, std::less<>>& keywords) {
  static constexpr std::string_view known[] = {"8BITMIME", "AUTH",      "ETRN",    "PIPELINING", "SIZE",
                                               "VERP",     "VRFY",      "XCLIENT", "XFORWARD",   "STARTTLS",
                                               "ENHANCEDSTATUSCODES",   "DSN",     "SMTPUTF8",   "CHUNKING",
                                               "REQUIRETLS"};
  std::string text;
  if (keywords.contains("silent-discard")) return text;
  for (const std::string_view keyword : known) {
    if (keywords.contains(ascii::lowercase(keyword))) text += (text.empty() ? "" : " ") + std::string(keyword);
  }
  return text;
}

Features parse_ehlo(const ServerReply& reply, const std::set<std::string, std::less<>>& discard) {
  struct Row {
    std::string_view keyword;
    bool Features::*feature;
  };
  static constexpr Row rows[] = {{"pipelining", &Features::pipelining}, {"8bitmime", &Features::eight_bit_mime},
                                 {"smtputf8", &Features::smtputf8},     {"dsn", &Features::dsn},
                                 {"size", &Features::size},             {"starttls", &Features::starttls},
                                 {"requiretls", &Features::require_tls}};
  Features features;
  features.esmtp = true;
  features.name = first_word(reply);
  for (std::size_t i = 1; i < reply.lines.size(); ++i) {
    const auto words = ascii::split(reply.lines[i], " \t=");
    if (words.empty()) continue;
    const std::string keyword = ascii::lowercase(words[0]);
    if (discard.contains(keyword)) continue;
    for (const Row& row : rows) {
      if (row.keyword == keyword) features.*row.feature = true;
    }
    for (std::size_t j = 1; keyword == "xforward" && j < words.size(); ++j) features.xforward.insert(ascii::uppercase(words[j]));
    // There are servers that say it twice, once as "AUTH=".
    if (keyword == "auth" && !features.auth) features.auth.emplace();
    if (keyword == "auth") features.auth->insert(features.auth->end(), words.begin() + 1, words.end());
    if (keyword == "size" && words.size() > 1) {
      features.size_limit = static_cast<std::int64_t>(ascii::parse_number(words[1], INT64_MAX).value_or(0));
    }
  }
  return features;
}

}  // namespace smtp
