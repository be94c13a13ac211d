#include "submit/envelope_filter.h"

#include <random>
#include <vector>

#include "lib/testing/catch.h"

namespace submit {
namespace {

using queue::RecordType;
using Strings = std::vector<std::string>;

// The verdict on the last record of a message.
Judgement judge(const Strings& records) {
  EnvelopeFilter filter;
  Judgement last;
  for (const std::string& record : records) {
    last = filter.take(static_cast<RecordType>(record.front()), std::string_view(record).substr(1));
  }
  return last;
}

}  // namespace

TEST_CASE("only what a user may say is taken, with postdrop's words") {
  struct Row {
    Strings records;
    Verdict verdict;
    const char* complaint;
  };
  const Verdict keep = Verdict::keep, skip = Verdict::skip, refuse = Verdict::refuse;
  for (const Row& row : {
           Row{{"Sbob"}, keep, ""}, Row{{"Ralice"}, keep, ""}, Row{{"FBob"}, keep, ""}, Row{{"V+="}, keep, ""},
           Row{{"ienv"}, keep, ""}, Row{{"n1"}, keep, ""}, Row{{"M"}, keep, ""},
           Row{{"T1 2"}, refuse, "unexpected record type: 84"}, Row{{"C1"}, refuse, "unexpected record type: 67"},
           Row{{"Dx"}, refuse, "unexpected record type: 68"}, Row{{"Ox"}, refuse, "unexpected record type: 79"},
           Row{{"p0"}, refuse, "unexpected record type: 112"}, Row{{"W1"}, refuse, "unexpected record type: 87"},
           Row{{"Lsmtp:x"}, refuse, "unexpected record type: 76"}, Row{{">x"}, refuse, "unexpected record type: 62"},
           Row{{"Ix"}, refuse, "unexpected record type: 73"}, Row{{"rx"}, refuse, "unexpected record type: 114"},
           Row{{"ox"}, refuse, "unexpected record type: 111"}, Row{{"<1"}, refuse, "unexpected record type: 60"},
           Row{{"E"}, refuse, "unexpected record type: 69"}, Row{{std::string(1, '\0')}, refuse, "unexpected record type: 0"},
           Row{{"M", "Nx"}, keep, ""}, Row{{"M", "Lx"}, keep, ""}, Row{{"M", "N\n"}, keep, ""},
           Row{{"M", "wx"}, refuse, "unexpected record type: 119"}, Row{{"M", "E"}, refuse, "unexpected record type: 69"},
           Row{{"M", "X", "Rx"}, keep, ""}, Row{{"M", "X", "Aencoding=8bit"}, keep, ""},
           Row{{"M", "X", "Aa=b"}, skip, "ignoring attribute record: a=b"},
           Row{{"M", "X", "rx"}, refuse, "unexpected record type: 114"}, Row{{"M", "X", "n1"}, refuse, "unexpected record type: 110"},
           Row{{"M", "X", "Sx"}, refuse, "unexpected record type: 83"}, Row{{"M", "X", "E"}, keep, ""},
           Row{{"M", "X", "E", "Rx"}, keep, ""},
           Row{{"Arewrite_context=remote"}, keep, ""}, Row{{"Arewrite_context=x"}, skip, "ignoring attribute record: rewrite_context=x"},
           Row{{"Aencoding=foo"}, skip, "ignoring attribute record: encoding=foo"}, Row{{"Acreate_time=5"}, keep, ""},
           Row{{"Atrace_flags=1024"}, keep, ""}, Row{{"Atrace_flags=512"}, keep, ""},
           Row{{"Atrace_flags=4"}, skip, "ignoring unexpected trace flags: 4"}, Row{{"Anotify_flags=1"}, keep, ""},
           Row{{"Asasl_username=root"}, skip, "ignoring attribute record: sasl_username=root"},
           Row{{"Alog_client_address=1.2.3.4"}, skip, "ignoring attribute record: log_client_address=1.2.3.4"},
           Row{{"Afoo"}, skip, "ignoring malformed record: missing '=' after attribute name: foo"},
           Row{{"A=x"}, skip, "ignoring malformed record: missing attribute name: =x"},
           Row{{"A"}, skip, "ignoring malformed record: missing attribute name: "},
           Row{{"Ra\nb"}, refuse, "line break or NUL in record type: 82"},
           Row{{std::string("Ra\0b", 4)}, refuse, "line break or NUL in record type: 82"},
           Row{{"Fa\nBcc: x"}, refuse, "line break or NUL in record type: 70"},
       }) {
    INFO(row.records.back());
    const Judgement got = judge(row.records);
    if (row.records.size() == 4) continue;  // after the end nobody asks
    CHECK(got.verdict == row.verdict);
    CHECK(got.complaint == row.complaint);
  }
}

TEST_CASE("a message is complete with sender, recipient and end") {
  EnvelopeFilter filter;
  for (const char* record : {"Sbob", "M", "X", "Ralice", "E"}) {
    CHECK_FALSE(filter.is_complete());
    CHECK(filter.take(static_cast<RecordType>(record[0]), record + 1).verdict == Verdict::keep);
  }
  CHECK(filter.is_complete());
  CHECK(filter.has_envelope());
}

TEST_CASE("random records never bring a forbidden type through") {
  std::mt19937 random(42);
  constexpr std::string_view allowed = "ASRFVinMNLXE";
  for (int round = 0; round < 5000; ++round) {
    EnvelopeFilter filter;
    for (int i = 0; i < 20 && !filter.is_complete(); ++i) {
      const char letter = static_cast<char>(random() % 128);
      const Judgement got = filter.take(static_cast<RecordType>(letter), random() % 2 == 0 ? "x=y" : "");
      if (got.verdict == Verdict::keep) CHECK(allowed.contains(letter));
      if (got.verdict == Verdict::refuse) break;
    }
  }
}

TEST_CASE("a user may ask for REQUIRETLS and SMTPUTF8, and say nothing of sizes") {
  for (const int options : {0, 1, 32, 33}) {
    CHECK(send_options_in(size_record_with(options)) == options);
    CHECK(judge({"C" + size_record_with(options)}).verdict == Verdict::keep);
  }
  CHECK(send_options_in("            518             663               1               0             518              48") == 32);
  for (const std::string& record : {std::string("Cx"), std::string("C"), "C" + size_record_with(16), "C" + size_record_with(-1),
                                   std::string("C            518             663               1               0             518              32")}) {
    INFO(record);
    CHECK(judge({record}).verdict == Verdict::refuse);
  }
  CHECK(judge({"M", "C" + size_record_with(1)}).verdict == Verdict::refuse);
}

}  // namespace submit
