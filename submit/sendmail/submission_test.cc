#include "submit/sendmail/submission.h"

#include "lib/testing/catch.h"

namespace sendmail {
namespace {

using Strings = std::vector<std::string>;

class ListSink final : public RecordSink {
 public:
  void put(queue::RecordType type, std::string_view data) override {
    records.push_back(static_cast<char>(type) + std::string(data));
  }
  Strings records;
};

// The records of a message; with `step`, standard input comes in pieces of that size.
Strings submit(const Options& options, const std::string& input, std::size_t step = 100'000,
               LineEndings endings = LineEndings::always, const std::string& sender = "alice") {
  ListSink sink;
  Submission submission(options, sender, "Alice Test", "", endings, Limits{}, sink);
  submission.begin();
  for (std::size_t at = 0; at < input.size(); at += step) {
    if (!submission.take(std::string_view(input).substr(at, step))) break;
  }
  if (const auto finished = submission.finish(); !finished) return {finished.error().message()};
  return sink.records;
}

Options to(Strings recipients) {
  Options options;
  options.recipients = std::move(recipients);
  return options;
}

// Only the content and what follows it.
Strings content(const Options& options, const std::string& input, std::size_t step = 100'000,
                LineEndings endings = LineEndings::always) {
  const Strings all = submit(options, input, step, endings);
  const auto start = std::ranges::find(all, "M");
  return start == all.end() ? all : Strings(start + 1, all.end());
}

Options extracting() {
  Options options;
  options.extract_recipients = true;
  return options;
}

}  // namespace

TEST_CASE("the records are those of Postfix's sendmail") {
  CHECK(submit(to({"alice"}), "Subject: x\n\nbody\n") ==
        Strings{"Arewrite_context=local", "FAlice Test", "Salice", "Ralice", "M", "NSubject: x", "N", "Nbody", "X", "E"});
  Options all = to({"alice", "bob"});
  all.envelope_id = "id";
  all.ret = 1;
  all.report = true;
  all.notify = 2;
  all.encoding = "8bit";
  all.is_gateway = true;
  CHECK(submit(all, "") == Strings{"Aenvelope_id=id", "Aret_flags=1", "Arewrite_context=remote", "FAlice Test", "Salice",
                                   "Aencoding=8bit", "Atrace_flags=1024", "Anotify_flags=2", "Ralice", "Anotify_flags=2",
                                   "Rbob", "M", "X", "E"});
}

TEST_CASE("a word of the command line is a list of addresses") {
  const Strings got = submit(to({"a@b", "\"x y\"@c", "Foo <bar@x>", "a b", "a,b c", "", "<x@y>", "a\nb@c"}), "");
  Strings recipients;
  for (const std::string& record : got) {
    if (record.front() == 'R') recipients.push_back(record);
  }
  CHECK(recipients == Strings{"Ra@b", "Rx y@c", "Rbar@x", "Ra", "Rb", "Ra", "Rb", "Rc", "R", "Rx@y", "Ra", "Rb@c"});
}

TEST_CASE("lines are taken as they are, whatever the pieces they come in") {
  struct Row {
    const char* name;
    std::string input;
    Strings expected;
  };
  for (const Row& row : {
           Row{"empty", "", {"X", "E"}},
           Row{"an empty line", "\n", {"N", "X", "E"}},
           Row{"no line end", "no newline", {"Lno newline", "X", "E"}},
           Row{"a dot ends", "a\n.\nb\n", {"Na", "X", "E"}},
           Row{"two dots do not", "a\n..\n", {"Na", "N..", "X", "E"}},
           Row{"CR before LF", "Subject: x\r\n\r\nbody\r\n.\r\nfoo\r\n", {"NSubject: x", "N", "Nbody", "X", "E"}},
           Row{"CR within", "bo\rdy\r\n", {"Nbo\rdy", "X", "E"}},
           Row{"mbox lines", "From a\n>From b\nFrom c\nSubject: x\n\nFrom d\n", {"NSubject: x", "N", "NFrom d", "X", "E"}},
           Row{"long", std::string(5000, 'a') + "\nb\n",
               {"L" + std::string(2048, 'a'), "L" + std::string(2048, 'a'), "N" + std::string(904, 'a'), "Nb", "X", "E"}},
           Row{"NUL and 8 bits", std::string("a\0b\n\xe4\n", 6), {std::string("Na\0b", 4), "N\xe4", "X", "E"}},
       }) {
    for (const std::size_t step : {1UL, 2UL, 3UL, 7UL, 4096UL, 100'000UL}) {
      INFO(row.name << ", " << step);
      CHECK_THAT(content(to({"x"}), row.input, step), Catch::Equals(row.expected));
    }
  }
  Options dots = to({"x"});
  dots.ignore_dots = true;
  CHECK(content(dots, "a\n.\nb\n") == Strings{"Na", "N.", "Nb", "X", "E"});
}

TEST_CASE("line ends are repaired as configured") {
  CHECK(content(to({"x"}), "a\nb\r\n", 1, LineEndings::strict) == Strings{"Na", "Nb\r", "X", "E"});
  CHECK(content(to({"x"}), "a\r\nb\r\nc\n", 1, LineEndings::strict) == Strings{"Na", "Nb", "Nc", "X", "E"});
  CHECK(content(to({"x"}), "a\r\n", 1, LineEndings::never) == Strings{"Na\r", "X", "E"});
}

TEST_CASE("-t takes the recipients from the header") {
  struct Row {
    const char* name;
    std::string input;
    Strings expected;
  };
  for (const Row& row : {
           Row{"lists", "To: a@b, \"Q uo\" <x y@c>, grp: m1, m2;\nCc: c1 (comment)\nBcc: b1,\n  b2\nSubject: x\n\nbody\n",
               {"NTo: a@b, \"Q uo\" <x y@c>, grp: m1, m2;", "NCc: c1 (comment)", "NBcc: b1,", "N  b2", "NSubject: x", "N",
                "Nbody", "X", "Ra@b", "Rxy@c", "Rm1", "Rm2", "Rc1", "Rb1", "Rb2", "E"}},
           Row{"resent", "Resent-To: r\nTo: t\nCc: u\nResent-Bcc: rb\nBcc: v\n\nb\n",
               {"NResent-To: r", "NTo: t", "NCc: u", "NResent-Bcc: rb", "NBcc: v", "N", "Nb", "X", "Rr", "Rrb", "E"}},
           Row{"resent from", "Resent-From: x\nTo: a\n\n", {"NResent-From: x", "NTo: a", "N", "X", "Ra", "E"}},
           Row{"text ends the header", "To: a\nnot header\nCc: b\n", {"NTo: a", "N", "Nnot header", "NCc: b", "X", "Ra", "E"}},
           Row{"space before the colon", "To : a\nTO:b\n\nTo: c\n", {"NTo: a", "NTO:b", "N", "NTo: c", "X", "Ra", "Rb", "E"}},
           Row{"no body", "To: a\n.\nb\n", {"NTo: a", "X", "Ra", "E"}},
           Row{"no line end", "Subject : x\nto:a\n  b\n\tc\n\nb",
               {"NSubject: x", "Nto:a", "N  b", "N\tc", "N", "Lb", "N", "X", "Ra", "Rb", "Rc", "E"}},
           Row{"nobody", "To: undisclosed-recipients:;\n\nb\n", {"No recipient addresses found in message header"}},
           Row{"null", "To: <>\n\n", {"No recipient addresses found in message header"}},
           Row{"no header", " x\nTo: a\n", {"No recipient addresses found in message header"}},
       }) {
    for (const std::size_t step : {1UL, 5UL, 100'000UL}) {
      INFO(row.name << ", " << step);
      CHECK_THAT(content(extracting(), row.input, step), Catch::Equals(row.expected));
    }
  }
}

TEST_CASE("a probe names its recipients") {
  Options options = to({"alice", "bob"});
  options.mode = Mode::verify;
  ListSink sink;
  Submission submission(options, "alice", "A", "", LineEndings::always, Limits{}, sink);
  submission.begin();
  submission.put_probe();
  REQUIRE(submission.finish());
  CHECK(sink.records == Strings{"Arewrite_context=local", "FA", "Salice", "Atrace_flags=512", "Ralice", "Rbob", "M",
                                "NFrom: alice", "NSubject: probe", "LTo:", "N\talice,", "N\tbob", "X", "E"});
}

TEST_CASE("no line break gets into the envelope") {
  ListSink sink;
  const Options options = to({"x"});
  Submission submission(options, "alice", "Evil\nBcc: x", "", LineEndings::always, Limits{}, sink);
  submission.begin();
  CHECK(sink.records[1] == "FEvil Bcc: x");
  CHECK(parse_sender("a b@x").address == "a");
  CHECK_FALSE(parse_sender("a b@x").is_single);
  CHECK(parse_sender("<>").address.empty());
  CHECK(parse_sender("Foo <bar@x>").address == "bar@x");
}

}  // namespace sendmail
