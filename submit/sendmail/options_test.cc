#include "submit/sendmail/options.h"

#include "lib/testing/catch.h"

namespace sendmail {
namespace {

Result<Options> parse(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return parse_options(static_cast<int>(words.size()), argv.data());
}

std::string error(std::vector<std::string> words) {
  words.insert(words.begin(), "sendmail");
  const auto options = parse(std::move(words));
  return options ? "" : options.error().message();
}

}  // namespace

TEST_CASE("the three names are three modes") {
  CHECK(parse({"/usr/sbin/sendmail", "a"})->mode == Mode::deliver);
  CHECK(parse({"/usr/bin/mailq"})->mode == Mode::list_queue);
  CHECK(parse({"newaliases"})->mode == Mode::init_aliases);
  CHECK(parse({"sendmail", "-bp", "-bm", "alice"})->mode == Mode::deliver);
}

TEST_CASE("complaints are Postfix's") {
  CHECK(error({"-bz"}) == "unsupported: -bz");
  CHECK(error({"-bD"}) == "unsupported: -bD");
  CHECK(error({"-B", "foo", "a"}) == "-B option needs 8BITMIME or 7BIT");
  CHECK(error({"-n", "a"}) == "-n option not supported");
  CHECK(error({"-X", "foo", "a"}) == "unsupported: -Xf");
  CHECK(error({"-qSx"}) == "-qS is not implemented");
  CHECK(error({"-qf"}) == "-qf is not implemented");
  CHECK(error({"-q", "a"}) == "flush queue mode requires no recipient");
  CHECK(error({"-bp", "a"}) == "display queue mode requires no recipient");
  CHECK(error({"-bi", "a"}) == "alias initialization mode requires no recipient");
  CHECK(error({"-bs", "a"}) == "stand-alone mode requires no recipient");
  CHECK(error({"-bv", "-t"}) == "-t option cannot be used with -bv");
  CHECK(error({"-q", "-t"}) == "-t can be used only in delivery mode");
}

TEST_CASE("values are kept, bad ones are told of and forgotten") {
  const auto all = parse({"sendmail", "-N", "success,Failure", "-R", "hdrs", "-V", "envid", "-F", "Full", "-f", "bob", "-i",
                          "-t", "-G", "-v", "-B8BITMIME", "-XV+=", "a", "-b"});
  REQUIRE(all);
  CHECK(all->notify == 6);
  CHECK(all->ret == 2);
  CHECK(all->envelope_id == "envid");
  CHECK(*all->full_name == "Full");
  CHECK(*all->sender == "bob");
  CHECK(all->ignore_dots);
  CHECK(all->extract_recipients);
  CHECK(all->is_gateway);
  CHECK(all->report);
  CHECK(all->encoding == "8bit");
  CHECK(*all->verp == "+=");
  CHECK(all->recipients == std::vector<std::string>{"a", "-b"});
  CHECK(all->warnings.empty());

  const auto bad = parse({"sendmail", "-N", "success,never", "-R", "x", "-V", "a\nb", "a"});
  REQUIRE(bad);
  CHECK(bad->notify == 0);
  CHECK(bad->warnings == std::vector<std::string>{"bad -N option value -- ignored", "bad -R option value -- ignored",
                                                  "bad syntax in -V option value -- ignored"});
  CHECK(parse({"sendmail", "-N", "foo", "a"})->warnings ==
        std::vector<std::string>{"unknown DSN NOTIFY command value \"foo\" in \"foo\"", "bad -N option value -- ignored"});
  CHECK(parse({"sendmail", "-V", "id", "alice"})->verp.has_value());
}

TEST_CASE("forty years of options are accepted") {
  const auto options = parse({"sendmail", "-om", "-oem", "-oA/x", "-o7", "-o8", "-L", "tag", "-h", "3", "-U", "-m", "-Am",
                              "-O", "foo=bar", "-x", "-c", "-p", "x", "-e", "m", "alice"});
  REQUIRE(options);
  CHECK(options->alias_file == "/x");
  CHECK(options->recipients == std::vector<std::string>{"alice"});
  CHECK(parse({"sendmail", "-q15m"})->mode == Mode::nothing);
  CHECK(parse({"sendmail", "-bh"})->mode == Mode::nothing);
  CHECK(parse({"sendmail", "-bd"})->mode == Mode::daemon);
  CHECK(parse({"sendmail", "-q15m", "-bp", "a"})->mode == Mode::nothing);
  CHECK(parse({"sendmail", "-bd", "-q15m"})->mode == Mode::daemon);
  CHECK(parse({"sendmail", "-qIABC"})->flush_message == "ABC");
  CHECK(parse({"sendmail", "-qIABC"})->mode == Mode::flush_message);
  CHECK(parse({"sendmail", "-t", "-qRexample.com", "-qIABC"})->mode == Mode::flush_site);
  CHECK(error({"-qR"}) == "specify: -qRsitename");
  CHECK(error({"-bp", "-qIABC"}) == "-qI can be used only in delivery mode");
  CHECK(error({"-qRexample.com", "a"}) == "flush site requires no recipient");
}

}  // namespace sendmail
