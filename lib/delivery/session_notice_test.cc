#include "lib/delivery/session_notice.h"

#include <string>

#include "lib/testing/catch.h"

namespace {

using delivery::Transcript;

TEST_CASE("a transcript knows how many lines it would be shown in") {
  const std::string words = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen";
  Transcript transcript;
  CHECK(transcript.size() == 0);
  for (const std::string& line : {std::string(), std::string("EHLO client.example"), std::string(72, 'x'), std::string(73, 'x'), std::string(74, 'x'), std::string(500, 'x'),
                                  words, words + words, std::string(200, ' '), "\xc3\xa4\xff\n" + words, std::string(100, 'x') + " y"}) {
    transcript.heard(line);
    CHECK(transcript.size() == transcript.lines().size());
    transcript.sent(line);
    CHECK(transcript.size() == transcript.lines().size());
  }
  for (std::size_t i = 0; i < Transcript::line_limit; ++i) transcript.sent(words);
  CHECK(transcript.size() == Transcript::line_limit);
  CHECK(transcript.lines().size() == Transcript::line_limit);
  transcript.clear();
  CHECK(transcript.size() == 0);
}

}  // namespace
