#include "bounce/notice.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/queue/content.h"

namespace bounce {
namespace {

// "rfc822; user@example.com", or with the type that RFC 6533 has for other addresses.
std::string typed_address(std::string_view internal) {
  const std::string external = ascii::printable(mail::to_external(internal));
  return fmt::format("{}; {}", ascii::is_ascii(external) ? "rfc822" : "utf-8", external);
}

class Composer {
 public:
  Composer(const Notice& notice, const Site& site, const Template& text, Stamp now, const LineSink& sink)
      : notice_(notice), site_(site), template_(text), now_(now), sink_(sink) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    boundary_ = fmt::format("{}.{}/{}", notice.queue_id, seconds, site.hostname);
    // With UTF-8 everywhere nothing is known to be 7-bit.
    encoding_ = site.smtputf8_enable ? "8bit" : notice.encoding;
    charset_ = encoding_ == "8bit" && ascii::equal_ignoring_case(text.charset, "us-ascii") ? "utf-8" : text.charset;
  }

  bool header(std::string_view new_queue_id) {
    const std::string date = mail::rfc5322_date(now_);
    return line(fmt::format("Received: by {} ({})", site_.hostname, site_.mail_name)) &&
           line(fmt::format("\tid {}; {}", new_queue_id, date)) && line(fmt::format("Date: {}", date)) &&
           line("From: " + from()) &&
           line("Subject: " + (notice_.postmaster_copy ? template_.postmaster_subject : template_.subject)) &&
           line("To: " + ascii::printable(mail::to_external(notice_.to))) && thread() && tls_required() &&
           line(notice_.postmaster_copy ? "Auto-Submitted: auto-generated" : "Auto-Submitted: auto-replied") &&
           line("MIME-Version: 1.0") && line("Content-Type: multipart/report; report-type=delivery-status;") &&
           line(fmt::format("\tboundary=\"{}\"", boundary_)) && transfer_encoding() && line("") &&
           line("This is a MIME-encapsulated message.");
  }

  Result<bool> text_for_people(const Recipients& recipients) {
    if (!part("Notification", "text/plain; charset=" + charset_, true)) return false;
    if (!notice_.postmaster_copy) {
      for (const std::string& text : template_.text) {
        if (!line(text)) return false;
      }
    }
    bool taken = true;
    TRY(recipients([&](const ipc::RecipientStatus& status) {
      taken = line("") && wrap(sentence(status), sink_);
      return taken;
    }));
    return taken;
  }

  Result<bool> status_for_programs(const Recipients& recipients) {
    const std::string type = notice_.smtputf8 ? "message/global-delivery-status" : "message/delivery-status";
    if (!part("Delivery report", type, notice_.smtputf8) || !status_of_message()) return false;
    bool taken = true;
    TRY(recipients([&](const ipc::RecipientStatus& status) {
      taken = line("") && status_of(status);
      return taken;
    }));
    return taken;
  }

  Result<bool> returned_message() {
    if (notice_.original == nullptr) return true;
    const bool headers = notice_.returned == Returned::headers;
    const bool undelivered = notice_.kind == Kind::failure || notice_.kind == Kind::delay;
    const std::string description =
        fmt::format("{}Message{}", undelivered ? "Undelivered " : "", headers ? " Headers" : "");
    const std::string_view type = headers ? (notice_.smtputf8 ? "message/global-headers" : "text/rfc822-headers")
                                          : (notice_.smtputf8 ? "message/global" : "message/rfc822");
    if (!part(description, type, true)) return false;
    if (!line(fmt::format("Return-Path: <{}>", ascii::printable(mail::to_external(notice_.sender))))) return false;
    return content(headers);
  }

  bool end() { return line("") && line(fmt::format("--{}--", boundary_)); }

 private:
  bool line(std::string_view text) { return sink_({text, false}); }

  // A template's own as it stands; without one in the form of header_from_format. cleanup completes the address.
  [[nodiscard]] std::string from() const {
    if (!template_.from.empty()) return template_.from;
    return site_.from_has_comment ? "MAILER-DAEMON (Mail Delivery System)" : "Mail Delivery System <MAILER-DAEMON>";
  }

  bool thread() {
    if (notice_.thread_id.empty()) return true;
    const std::string id = ascii::printable(notice_.thread_id);
    return line("References: " + id) && line("In-Reply-To: " + id);
  }

  bool tls_required() { return !notice_.tls_optional || line("TLS-Required: no"); }

  bool transfer_encoding() { return encoding_.empty() || line("Content-Transfer-Encoding: " + encoding_); }

  bool part(std::string_view description, std::string_view type, bool with_encoding) {
    return line("") && line("--" + boundary_) && line(fmt::format("Content-Description: {}", description)) &&
           line(fmt::format("Content-Type: {}", type)) && (!with_encoding || transfer_encoding()) && line("");
  }

  static std::string sentence(const ipc::RecipientStatus& status) {
    const std::string recipient = mail::to_external(status.recipient);
    const std::string original = mail::to_external(status.original_recipient);
    std::string out = fmt::format("<{}>", recipient);
    if (!original.empty() && !ascii::equal_ignoring_case(original, recipient)) {
      out += fmt::format(" (expanded from <{}>)", original);
    }
    return ascii::printable(out + ": " + status.reason);
  }

  // RFC 3464 section 2.2.
  bool status_of_message() {
    bool ok = line(fmt::format("Reporting-MTA: dns; {}", site_.hostname));
    if (!notice_.envelope_id.empty()) ok = ok && line("Original-Envelope-Id: " + ascii::printable(notice_.envelope_id));
    ok = ok && line(fmt::format("X-{}-Queue-ID: {}", site_.mail_name, notice_.queue_id)) &&
         line(fmt::format("X-{}-Sender: {}", site_.mail_name, typed_address(notice_.sender)));
    if (notice_.original == nullptr) return ok;
    return ok && line("Arrival-Date: " + mail::rfc5322_date(notice_.original->message.arrived));
  }

  // RFC 3464 section 2.3.
  bool status_of(const ipc::RecipientStatus& status) {
    bool ok = line("Final-Recipient: " + typed_address(status.recipient));
    if (!status.dsn_orig_rcpt.empty()) {
      ok = ok && line("Original-Recipient: " + ascii::printable(status.dsn_orig_rcpt));
    } else if (!status.original_recipient.empty()) {
      ok = ok && line("Original-Recipient: " + typed_address(status.original_recipient));
    }
    // What was only delayed in the log has failed when it is reported so.
    const std::string_view action = notice_.kind == Kind::failure ? "failed" : std::string_view(status.action);
    ok = ok && line(fmt::format("Action: {}", action)) && line("Status: " + status.status);
    if (!status.mta_type.empty() && !status.mta_mname.empty()) {
      ok = ok && line(ascii::printable(fmt::format("Remote-MTA: {}; {}", status.mta_type, status.mta_mname)));
    }
    const bool of_peer = !status.diag_type.empty() && !status.diag_text.empty();
    const std::string diagnostic = of_peer ? fmt::format("{}; {}", status.diag_type, status.diag_text)
                                           : fmt::format("X-{}; {}", site_.mail_name, status.reason);
    ok = ok && wrap(ascii::printable("Diagnostic-Code: " + diagnostic), sink_);
    if (notice_.kind != Kind::delay || notice_.original == nullptr) return ok;
    const Stamp until = notice_.original->message.arrived + site_.maximal_queue_lifetime;
    return ok && line("Will-Retry-Until: " + mail::rfc5322_date(until));
  }

  // The records as they are, or those up to the empty line that ends the header; of a damaged message what can be read.
  Result<bool> content(bool headers_only) {
    queue::ContentReader reader(notice_.original->file.get(), notice_.original->message.data_offset);
    bool at_start = true;  // of a line
    for (;;) {
      const auto next = reader.next();
      if (!next && next.error().code() != 0) return base::Failure(next.error());  // it may be readable later
      if (!next || !*next) return true;
      const queue::ContentLine& line = **next;
      if (headers_only && at_start && line.text.empty() && !line.continued) return true;
      if (!sink_(line)) return false;
      at_start = !line.continued;
    }
  }

  const Notice& notice_;
  const Site& site_;
  const Template& template_;
  Stamp now_;
  const LineSink& sink_;
  std::string boundary_, encoding_, charset_;
};

}  // namespace

Result<bool> compose(const Notice& notice, const Site& site, const Template& text, const Recipients& recipients,
                     std::string_view new_queue_id, Stamp now, const LineSink& sink) {
  Composer composer(notice, site, text, now, sink);
  if (!composer.header(new_queue_id)) return false;
  if (!TRY(composer.text_for_people(recipients))) return false;
  if (!TRY(composer.status_for_programs(recipients))) return false;
  if (!TRY(composer.returned_message())) return false;
  return composer.end();
}

}  // namespace bounce
