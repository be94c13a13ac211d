#include "commands/postconf/edit_main.h"
#include "commands/postconf/edit_master.h"
#include "commands/postconf/known.h"

#include "lib/testing/catch.h"

using postconf::Action;
using postconf::Subject;

namespace {

constexpr std::string_view main_cf = "a = b\n\n# x\nmail_name = x\n  y\n# z\n  w\nmyorigin = q\n";
constexpr std::string_view master_cf =
    "# c1\n"
    "smtp inet n - y - - smtpd\n"
    "  -o a=b -o {c = d e} -oq=$r\n"
    "# in\n"
    "  -v\n"
    "# mid\n"
    "foo unix - n n - - pipe\n"
    "  flags=DRhu argv=/bin/x {a b} -o x=y\n"
    "#end\n";

std::string edited(Action action, std::vector<std::string> requests, std::string_view text = main_cf) {
  const auto result = postconf::edit_main(action, requests, text, "main.cf");
  return result ? result->text : "error: " + result.error().message();
}

std::string edited_services(Subject subject, Action action, std::vector<std::string> requests) {
  const auto result = postconf::edit_master(subject, action, requests, master_cf, "master.cf");
  return result ? result->text : "error: " + result.error().message();
}

}  // namespace

// All of these are what postconf of Postfix 3.10 makes of the same text.
TEST_CASE("an entry of main.cf is changed in its place and comments stay") {
  CHECK(edited(Action::edit, {"mail_name=k", "new = n"}) == "a = b\n\n# x\nmail_name = k\n# z\nmyorigin = q\nnew = n\n");
  CHECK(edited(Action::exclude, {"mail_name", "nobody"}) == "a = b\n\n# x\n# z\nmyorigin = q\n");
  CHECK(edited(Action::comment_out, {"mail_name"}) ==
        "a = b\n\n# x\n#mail_name = x\n#  y\n# z\n#  w\nmyorigin = q\n");
  CHECK(edited(Action::edit, {"b="}, "a=1") == "a=1\nb = \n");
}

TEST_CASE("each of several entries of one name is changed") {
  const auto result = postconf::edit_main(Action::edit, {"a=2", "a=3"}, "a=1\nb=1\na=2\n", "main.cf");
  REQUIRE(result.has_value());
  CHECK(result->text == "a = 3\nb=1\na = 3\n");
  CHECK(result->warnings ==
        std::vector<std::string>{"ignoring earlier request: 'a = 2'", "main.cf: multiple entries for \"a\""});
}

TEST_CASE("what would change the meaning of other lines is refused") {
  CHECK(edited(Action::edit, {"a = b\n c"}) == "error: -e, -X, or -# accepts no multi-line input");
  CHECK(edited(Action::edit, {" #x=y"}) == "error: -e, -X, or -# accepts no comment input");
  CHECK(edited(Action::edit, {"nope"}) == "error: missing '=' after attribute name: \"nope\"");
}

TEST_CASE("services are commented out and removed") {
  CHECK(edited_services(Subject::services, Action::comment_out, {"smtp/inet"}).starts_with(
      "# c1\n#smtp inet n - y - - smtpd\n#  -o a=b -o {c = d e} -oq=$r\n# in\n#  -v\n# mid\nfoo unix"));
  CHECK(edited_services(Subject::services, Action::exclude, {"smtp/inet"}).starts_with("# c1\n# in\n# mid\nfoo unix"));
  CHECK(edited_services(Subject::services, Action::exclude, {"smtp"}) ==
        "error: -Me, -MX or -M# requires service_name/type");
}

TEST_CASE("a changed service is laid out anew") {
  const std::string expected =
      "# c1\n"
      "# in\n"
      "# mid\n"
      "smtp       inet  n       -       y       -       -       smtpd\n"
      "    -o a=new\n"
      "    -o {c=d e}\n"
      "    -o q=$r\n"
      "    -v\n"
      "    -o z=1\n";
  CHECK(edited_services(Subject::service_parameters, Action::edit, {"smtp/inet/a=new", "smtp/inet/z=1"}).starts_with(expected));
  CHECK(edited_services(Subject::fields, Action::edit, {"foo/unix/service=foo2"}).ends_with(
      "#end\n"
      "foo2       unix  -       n       n       -       -       pipe flags=DRhu\n"
      "    argv=/bin/x {a b} -o x=y\n"));
  CHECK(edited_services(Subject::services, Action::edit, {"new/unix = new unix - - n - - lmtp -o {a=b c} -o e=f"})
            .ends_with("#end\n"
                       "new        unix  -       -       n       -       -       lmtp\n"
                       "    -o {a=b c}\n"
                       "    -o e=f\n"));
  CHECK(edited_services(Subject::fields, Action::edit, {"smtp/inet/private=x"}) ==
        "error: invalid private field \"x\" in \"x\"");
}

TEST_CASE("references are found in every form") {
  CHECK(postconf::references("$a ${b?{$c}:{${d}}} $(e) $$f ${{$g} == {x} ? {h}} ${domain_to_ascii{$i}}") ==
        std::vector<std::string>{"a", "b", "c", "d", "e", "g", "i"});
}
