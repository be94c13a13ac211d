// Threads and sort keys of the mailboxes in test/data/threads, and what Dovecot says of them.

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

#include "lib/base/ascii.h"
#include "lib/message/fields.h"
#include "lib/message/message_ids.h"
#include "lib/message/sent_date.h"
#include "lib/message/thread.h"

#include "lib/testing/catch.h"

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""y;

namespace {

constexpr std::chrono::sys_seconds arrived{1795521600s};
constexpr std::chrono::sys_days asked{2026y / 11 / 24};

std::string read_file(const std::string& name) {
  const char* const source = std::getenv("srcdir");
  std::ifstream file(std::string(source != nullptr ? source : ".") + "/test/data/threads/" + name, std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Mailbox {
  std::vector<message::ThreadMessage> messages;
  std::vector<std::optional<message::SentDate>> dates;
};

// Headers with "%%" between.
Mailbox read_mailbox(const std::string& name) {
  Mailbox mailbox;
  const std::string text = read_file(name);
  for (std::string_view rest = text;;) {
    const std::size_t end = rest.find("%%\n");
    const std::string_view header = rest.substr(0, end);
    mailbox.messages.push_back(message::thread_message(static_cast<std::uint32_t>(mailbox.messages.size() + 1), header, arrived));
    const auto date = message::find_field(header, "Date");
    mailbox.dates.push_back(date ? message::parse_sent_date(*date) : std::nullopt);
    if (end == std::string_view::npos) return mailbox;
    rest.remove_prefix(end + 3);
  }
}

std::string numbers(const std::vector<message::ThreadMessage>& messages) {
  std::string out;
  for (const auto& message : messages) out += (out.empty() ? "" : " ") + std::to_string(message.number);
  return out;
}

std::string threads(const std::vector<message::ThreadMessage>& messages, message::ThreadAlgorithm algorithm) {
  std::string out;
  message::append_threads(out, message::make_threads(messages, algorithm));
  return out;
}

std::string ours(Mailbox mailbox, const std::string& command) {
  if (command.starts_with("THREAD ")) return threads(mailbox.messages, *message::thread_algorithm(command.substr(7)));
  if (command == "SORT (SUBJECT)") {
    std::ranges::stable_sort(mailbox.messages, {}, &message::ThreadMessage::base_subject);
  } else if (command == "SORT (DATE)") {
    std::ranges::stable_sort(mailbox.messages, {}, &message::ThreadMessage::sent);
  } else {
    std::erase_if(mailbox.messages, [&](const message::ThreadMessage& message) {
      const auto& date = mailbox.dates[message.number - 1];
      const std::chrono::sys_days day = date ? date->day() : std::chrono::sys_days();
      if (command.starts_with("SEARCH SENTON")) return day != asked;
      return command.starts_with("SEARCH SENTBEFORE") ? day >= asked : day <= asked;
    });
  }
  return numbers(mailbox.messages);
}

}  // namespace

TEST_CASE("recorded mailboxes are threaded and sorted as Dovecot does") {
  std::istringstream answers(read_file("answers"));
  for (std::string line; std::getline(answers, line);) {
    const std::size_t first = line.find('\t');
    const std::size_t second = line.find('\t', first + 1);
    const std::string mailbox = line.substr(0, first), command = line.substr(first + 1, second - first - 1);
    INFO(mailbox << " " << command);
    CHECK(ours(read_mailbox(mailbox), command) == line.substr(second + 1));
  }
}

TEST_CASE("long chains and cycles of references are threaded in no time") {
  constexpr std::uint32_t count = 100000;
  const auto name = [](std::uint32_t i) { return std::to_string(i % count) + "@x"; };
  std::vector<message::ThreadMessage> chain, cycle, shuffled;
  std::mt19937 random(1);
  for (std::uint32_t i = 0; i < count; ++i) {
    chain.push_back({.number = i + 1, .message_id = name(i), .references = {}, .base_subject = "s", .is_reply = false, .sent = arrived + std::chrono::seconds(i)});
    if (i > 0) chain.back().references = {name(i - 1)};
    cycle.push_back(chain.back());
    cycle.back().references = {name(i + 1), name(i + count - 1)};
    shuffled.push_back(chain.back());
    for (int k = 0; k < 5; ++k) shuffled.back().references.push_back(name(static_cast<std::uint32_t>(random())));
  }
  for (const auto algorithm : {message::ThreadAlgorithm::references, message::ThreadAlgorithm::refs, message::ThreadAlgorithm::orderedsubject}) {
    CHECK(threads(chain, algorithm).starts_with("(1 "));
    CHECK(std::ranges::count(threads(cycle, algorithm), '(') > 0);
    CHECK(std::ranges::count(threads(shuffled, algorithm), '(') > 0);
  }
}
