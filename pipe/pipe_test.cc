#include "lib/testing/catch.h"
#include "pipe/arguments.h"
#include "pipe/attributes.h"
#include "pipe/heading.h"

namespace pipe_agent {
namespace {

using Words = std::vector<std::string>;

TEST_CASE("attributes come before argv=, which takes all the rest") {
  const Words words{"user=alice:mail", "flags=DX.",          "size=100",   "eol=\\r\\n", "null_sender=",
                    "chroot=/jail",    "directory=/in/side", "argv=/prog", "-x",         "flags=Z"};
  const auto parsed = parse_attributes(words);
  REQUIRE(parsed);
  CHECK(parsed->user == "alice");
  CHECK(parsed->group == "mail");
  CHECK(parsed->flags.delivered_to);
  CHECK(parsed->flags.is_final);
  CHECK(parsed->flags.doubles_dots);
  CHECK_FALSE(parsed->flags.return_path);
  CHECK(parsed->size_limit == 100);
  CHECK(parsed->line_end == "\r\n");
  CHECK(parsed->null_sender.empty());
  CHECK(parsed->chroot == "/jail");
  CHECK(parsed->directory == "/in/side");
  CHECK(parsed->arguments == Words{"/prog", "-x", "flags=Z"});
}

TEST_CASE("what a command line cannot say") {
  const auto error = [](const Words& words) { return parse_attributes(words).error().message(); };
  CHECK(error({"argv=/prog"}) == "missing user= command-line attribute");
  CHECK(error({"user=alice"}) == "missing argv= command-line attribute");
  CHECK(error({"user=alice", "foo=bar", "argv=/prog"}) == "unknown attribute name: foo=bar");
  CHECK(error({"user=alice", "word", "argv=/prog"}) == "unknown attribute name: word");
  CHECK(error({"user=alice", "flags=RZ", "argv=/prog"}) == "unknown flag: Z (ignored)");
  CHECK(error({"user=alice", "size=-1", "argv=/prog"}) == "get_service_attr: bad size= value: -1");
  const auto spawn_error = [](const Words& words) { return parse_spawn_attributes(words).error().message(); };
  CHECK(spawn_error({"argv=/prog"}) == "missing user= attribute");
  CHECK(spawn_error({"user=alice"}) == "missing argv= attribute");
  CHECK(spawn_error({"user=alice", "flags=R", "argv=/prog"}) == "unknown attribute name: flags=R");
  CHECK(parse_spawn_attributes(Words{"user=alice", "argv=/prog", "x y"})->arguments == Words{"/prog", "x y"});
}

TEST_CASE("root is no user for commands") {
  Attributes attributes;
  attributes.user = "root";
  CHECK(find_identity(attributes, {"daemon", "daemon"}).error().message() == "user= command-line attribute specifies root privileges");
  CHECK(find_spawn_identity(attributes, "daemon").error().message() == "request to deliver as root");
  attributes.user = "daemon";
  CHECK(find_identity(attributes, {"daemon", "daemon"}).error().message() ==
        "user= command-line attribute specifies mail system owner daemon");
  attributes.user = "no-such-user";
  CHECK(find_identity(attributes, {"daemon", "daemon"}).error().message() == "get_service_attr: unknown username: no-such-user");
}

ipc::DeliveryRequest request_of(const std::vector<ipc::DeliveryRecipient>& recipients) {
  ipc::DeliveryRequest request;
  request.queue_id = "QID";
  request.sender = "A b@Sender.test";
  request.nexthop = "Next.Hop";
  request.data_size = 123;
  request.client_address = "192.0.2.1";
  request.recipients = recipients;
  return request;
}

Words expanded(const Words& arguments, const ipc::DeliveryRequest& request, const Flags& flags = {}) {
  std::vector<const ipc::DeliveryRecipient*> recipients;
  for (const auto& recipient : request.recipients) recipients.push_back(&recipient);
  const auto words = expand_arguments(
      arguments, request, recipients, {.flags = flags, .null_sender = "NULL", .delimiters = {"+"}, .service = "test"});
  return words ? *words : Words{words.error().message()};
}

TEST_CASE("an argument comes once for each recipient whom it speaks of, and never goes away") {
  const auto request = request_of({{0, "One+Ext@A.test", "first@x", "", 0}, {0, "two@b.test", "", "", 0}});
  CHECK(expanded({"-f", "$sender", "--", "${user}@$(domain)", "$extension"}, request) ==
        Words{"-f", "A b@Sender.test", "--", "One@A.test", "two@b.test", "Ext", ""});
  CHECK(expanded({"$mailbox:$original_recipient", "$queue_id/$size/$nexthop/$client_address/$sasl_username/$$"}, request) ==
        Words{"One+Ext:first@x", "two:two@b.test", "QID/123/Next.Hop/192.0.2.1//$"});
}

TEST_CASE("flags fold and quote") {
  auto request = request_of({{0, "Two Words+Ext@A.test", "", "", 0}});
  const Words arguments{"$sender", "$recipient", "$user", "$extension", "$domain", "$nexthop"};
  CHECK(expanded(arguments, request, {.folds_domain = true, .folds_local = true}) ==
        Words{"A b@Sender.test", "two words+ext@a.test", "two words", "ext", "a.test", "next.hop"});
  CHECK(expanded(arguments, request, {.quotes_address = true}) ==
        Words{"\"A b\"@Sender.test", "\"Two Words+Ext\"@A.test", "Two Words", "Ext", "A.test", "Next.Hop"});
  request.sender.clear();
  CHECK(expanded({"$sender"}, request) == Words{"NULL"});
}

TEST_CASE("macros that are not understood") {
  const auto request = request_of({{0, "a@b", "", "", 0}});
  CHECK(expanded({"$unknown"}, request) == Words{"file /etc/postfix/master.cf: service test: unknown macro name: \"unknown\""});
  CHECK(expanded({"x${sender"}, request) == Words{"truncated macro reference: \"x${sender\""});
  CHECK(expanded({"a $ b"}, request) == Words{"empty macro name: \"a $ b\""});
  CHECK(expanded({"${user?x}"}, request) == Words{"file /etc/postfix/master.cf: service test: unknown macro name: \"user?x\""});
}

TEST_CASE("what addresses stand for is not expanded again") {
  const auto request = request_of({{0, "$size$(id)@b", "", "", 0}});
  CHECK(expanded({"$recipient"}, request) == Words{"$size$(id)@b"});
}

TEST_CASE("the lines in front, in their order") {
  auto request = request_of({{0, "to\nx@b.test", "first@x", "", 0}});
  Attributes attributes;
  CHECK(heading_of(request, request.recipients[0], attributes).empty());
  attributes.flags = {.delivered_to = true, .from_line = true, .original_to = true, .return_path = true};
  attributes.line_end = "\r\n";
  const std::string text = heading_of(request, request.recipients[0], attributes);
  CHECK(text.starts_with("From \"A b\"@Sender.test  "));
  CHECK(text.ends_with(" 1970\r\nReturn-Path: <\"A b\"@Sender.test>\r\nX-Original-To: first@x\r\n"
                       "Delivered-To: \"to\\?x\"@b.test\r\n"));
  request.sender.clear();
  attributes.flags = {.return_path = true};
  CHECK(heading_of(request, request.recipients[0], attributes) == "Return-Path: <MAILER-DAEMON>\r\n");
}

}  // namespace
}  // namespace pipe_agent
