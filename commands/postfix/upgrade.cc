#include "commands/postfix/upgrade.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/file.h"
#include "lib/io/file.h"
#include "lib/log/log.h"

namespace postfix {
namespace {

constexpr std::size_t field_count = 8;  // of an entry without arguments

struct Entry {
  std::string_view title;  // what is said to be missing
  bool is_example;         // written as a comment, and a comment is enough for it to be there
  std::array<std::string_view, field_count> fields;
};
// The order in which the services came into Postfix, which is the order in which they are told.
constexpr std::array first_entries{
    Entry{"relay service", false, {"relay", "unix", "-", "-", "n", "-", "-", "smtp"}},
    Entry{"flush service", false, {"flush", "unix", "-", "-", "n", "1000?", "0", "flush"}},
    Entry{"trace service", false, {"trace", "unix", "-", "-", "n", "-", "0", "bounce"}},
    Entry{"verify service", false, {"verify", "unix", "-", "-", "n", "-", "1", "verify"}},
};
constexpr std::array public_services{std::string_view("cleanup"), std::string_view("flush")};
constexpr std::array later_entries{
    Entry{"proxymap service", false, {"proxymap", "unix", "-", "-", "n", "-", "-", "proxymap"}},
    Entry{"anvil service", false, {"anvil", "unix", "-", "-", "n", "-", "1", "anvil"}},
    Entry{"scache service", false, {"scache", "unix", "-", "-", "n", "-", "1", "scache"}},
    Entry{"discard service", false, {"discard", "unix", "-", "-", "n", "-", "-", "discard"}},
};
constexpr Entry tlsmgr{"tlsmgr service", false, {"tlsmgr", "unix", "-", "-", "n", "1000?", "1", "tlsmgr"}};
constexpr std::array last_entries{
    Entry{"retry service", false, {"retry", "unix", "-", "-", "n", "-", "-", "error"}},
    Entry{"proxywrite service", false, {"proxywrite", "unix", "-", "-", "n", "-", "1", "proxymap"}},
    Entry{"postscreen TCP service", true, {"smtp", "inet", "n", "-", "n", "-", "1", "postscreen"}},
    Entry{"smtpd unix-domain service", true, {"smtpd", "pass", "-", "-", "n", "-", "-", "smtpd"}},
    Entry{"dnsblog unix-domain service", true, {"dnsblog", "unix", "-", "-", "n", "-", "0", "dnsblog"}},
    Entry{"tlsproxy unix-domain service", true, {"tlsproxy", "unix", "-", "-", "n", "-", "0", "tlsproxy"}},
    Entry{"postlog unix-domain datagram service", false, {"postlog", "unix-dgram", "n", "-", "n", "-", "1", "postlogd"}},
};

class Editor {
 public:
  explicit Editor(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      lines_.emplace_back(text.substr(at, end - at));
      at = end + 1;
    }
  }

  void add_missing(const Entry& entry) {
    const bool is_there = std::ranges::any_of(lines_, [&](std::string_view line) {
      if (entry.is_example && line.starts_with('#')) line.remove_prefix(1);
      const auto words = words_of(line);
      return words.size() >= field_count && words[0] == entry.fields[0] && words[1] == entry.fields[1] &&
             (!entry.is_example || words[field_count - 1] == entry.fields[field_count - 1]);
    });
    if (is_there) return;
    std::string line = fmt::format("{}{:<{}} {:<10} ", entry.is_example ? "#" : "", entry.fields[0],
                                   entry.is_example ? 9 : 10, entry.fields[1]);
    for (std::size_t i = 2; i + 1 < field_count; ++i) line += fmt::format("{:<7} ", entry.fields[i]);
    lines_.push_back(line + std::string(entry.fields[field_count - 1]));
    done_.push_back(fmt::format("adding missing entry for {}", entry.title));
  }

  // Local users' commands ask these, and they reach public/ alone.
  void make_public(std::string_view service) {
    for (std::string& line : lines_) {
      const auto words = words_of(line);
      if (words.size() < field_count || words[0] != service || words[1] != "unix" || words[2] == "n") continue;
      replace(line, words[2], "n");
      done_.push_back(fmt::format("making the {} service public", service));
    }
  }

  // It was a FIFO that was woken up from the start; as a socket it is woken once it is used.
  void make_tlsmgr_socket() {
    for (std::string& line : lines_) {
      const auto words = words_of(line);
      if (words.size() < field_count || words[0] != "tlsmgr" || words[1] != "fifo") continue;
      if (const std::string_view wakeup = words[5]; ascii::parse_number(wakeup, INT32_MAX)) {
        replace(line, wakeup, std::string(wakeup) + "?");
      }
      replace(line, words_of(line)[1], "unix");
      done_.emplace_back("updating the tlsmgr from fifo to unix service");
    }
  }

  Upgrade result() && {
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    return {std::move(text), std::move(done_)};
  }

 private:
  // Nothing for a comment or what goes on from the line before.
  static std::vector<std::string_view> words_of(std::string_view line) {
    if (line.empty() || line.starts_with('#') || line.starts_with(' ') || line.starts_with('\t')) return {};
    return ascii::split(line, " \t\r");
  }

  // `word` is part of `line`.
  static void replace(std::string& line, std::string_view word, std::string_view with) {
    line.replace(static_cast<std::size_t>(word.data() - line.data()), word.size(), std::string(with));
  }

  std::vector<std::string> lines_, done_;
};

}  // namespace

Upgrade upgrade_master_cf(std::string_view text) {
  Editor editor(text);
  for (const Entry& entry : first_entries) editor.add_missing(entry);
  for (const std::string_view service : public_services) editor.make_public(service);
  for (const Entry& entry : later_entries) editor.add_missing(entry);
  editor.make_tlsmgr_socket();
  editor.add_missing(tlsmgr);
  for (const Entry& entry : last_entries) editor.add_missing(entry);
  return std::move(editor).result();
}

int upgrade_master(const Context& context) {
  const auto refuse = [](const std::string& text) {
    maillog::write(maillog::Level::fatal, text);
    return 1;
  };
  const std::string path = context.config_directory + "/master.cf";
  auto edit = config::FileEdit::begin(path);
  if (!edit) return refuse(edit.error().message());
  const Upgrade upgrade = upgrade_master_cf(edit->text());
  if (upgrade.done.empty()) return 0;
  std::string report;
  for (const std::string& what : upgrade.done) report += "Editing " + path + ", " + what + "\n";
  if (const auto done = std::move(*edit).commit(upgrade.text); !done) return refuse(done.error().message());
  const Fd output(::dup(STDOUT_FILENO));
  return io::write_all(output, "standard output", report) ? 0 : 1;
}

}  // namespace postfix
