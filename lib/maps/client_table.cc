#include "lib/maps/client_table.h"

#include <cerrno>

#include <fmt/core.h>

#include "lib/event/loop.h"
#include "lib/event/offload.h"
#include "lib/log/log.h"
#include "lib/maps/client_settings.h"
#include "lib/maps/key_template.h"
#include "lib/maps/sessions.h"
#include "lib/maps/unavailable.h"

namespace maps {
namespace {

// The code of an Error about an answer: no other server is asked, since its answer would be the same.
constexpr int answer_refused = EMSGSIZE;

// What a table does with keys and answers, whichever server they are of.
struct Form {
  std::vector<KeyTemplate> questions;
  KeyTemplate result;
  MatchList domains;
  bool has_domains = false;
  int expansion_limit = 0;

  static Result<Form> read(const OpenRequest& request, const module::Settings& settings, const module::Client& client) {
    Form form;
    for (const module::Template& text : client.templates) {
      form.questions.push_back(TRY(KeyTemplate::parse(text.text, settings.source(), text.what)));
    }
    const std::string format = TRY(settings.needed("result_format", client.default_result_format));
    form.result = TRY(KeyTemplate::parse(format, settings.source(), "result"));
    form.expansion_limit = TRY(settings.integer("expansion_limit", 0, -1));
    const std::string domains = TRY(settings.string("domain", ""));
    form.has_domains = !domains.empty();
    form.domains = TRY(MatchList::parse(request.tables, settings.source() + " domain", domains, ListKind::string, false));
    return form;
  }

  // Whether the server is asked at all.
  [[nodiscard]] Result<bool> takes(const AddressParts& key) const {
    for (const KeyTemplate& question : questions) {
      if (!question.can_ask(key)) return false;
    }
    if (!result.can_answer(key)) return false;
    if (!has_domains) return true;
    if (key.domain.empty() || key.local.empty()) return false;
    return domains.matches(key.domain);
  }
};

// Makes the result of the values as they come. Used by one thread of the pool while the fiber waits.
class Answer final : public module::Values {
 public:
  Answer(const Form& form, const AddressParts& key) : form_(form), key_(key) {}
  bool add(std::string_view value) override {
    // What came over the network is text up to its NUL, as from every table.
    const auto result = form_.result.result(value.substr(0, value.find('\0')), key_);
    if (!result) return true;
    if (form_.expansion_limit > 0 && count_ == form_.expansion_limit) is_over_limit_ = true;
    if (text_.size() + result->size() > client_result_limit) is_too_long_ = true;
    if (is_over_limit_ || is_too_long_) return false;
    if (++count_ > 1) text_ += ',';
    text_ += *result;
    return true;
  }
  [[nodiscard]] Result<Found> found(std::string_view source) {
    if (is_over_limit_) return base::fail(fmt::format("{}: Expansion limit exceeded for key '{}'", source, key_.whole), answer_refused);
    if (is_too_long_) return base::fail(fmt::format("{}: the answer for key '{}' is longer than {} bytes", source, key_.whole, client_result_limit), answer_refused);
    return text_.empty() ? Found{} : Found(std::move(text_));
  }

 private:
  const Form& form_;
  const AddressParts& key_;
  std::string text_;
  int count_ = 0;
  bool is_over_limit_ = false;
  bool is_too_long_ = false;
};

// Within its scope a lookup may block.
class Slot {
 public:
  explicit Slot(event::Semaphore& semaphore) : semaphore_(semaphore) { static_cast<void>(semaphore.acquire(base::no_deadline)); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() { semaphore_.release(); }

 private:
  event::Semaphore& semaphore_;
};

class ClientTable final : public Table {
 public:
  // `source` is what messages about an answer begin with.
  ClientTable(std::string name, std::string source, std::unique_ptr<module::Client> client, Form form, event::Semaphore& slots)
      : Table(std::move(name)), source_(std::move(source)), client_(std::move(client)), form_(std::move(form)), sessions_(*client_),
        own_slots_(client_->sessions_limit), slots_(slots) {}

  Result<Found> lookup(std::string_view key) override {
    if (key.contains('\0')) return Found{};
    const AddressParts parts(key);
    if (!TRY(form_.takes(parts))) return Found{};
    const Slot own(own_slots_);
    const Slot slot(slots_);
    return ask_servers(parts);
  }

  Result<void> ready() override {
    if (!client_->connects_at_open || has_session_) return {};
    auto session = event::blocking([&] { return client_->connect(client_->servers.front()); });
    if (!session) return base::Failure(std::move(session).error().within(name()));
    sessions_.keep(0, std::move(*session));
    has_session_ = true;
    return {};
  }

 private:
  Result<Found> ask_servers(const AddressParts& key) {
    base::Failure last = base::fail("no server is in use: all have failed a moment ago");
    for (const Sessions::Index server : sessions_.order()) {
      auto found = ask_server(server, key);
      if (found) return found;
      if (found.error().code() == answer_refused) {
        maillog::warning("{}", found.error().message());
        return found;
      }
      maillog::warning("{}: {}", name(), found.error().message());
      last = base::Failure(std::move(found).error());
    }
    return last;
  }

  // On a session that was kept, as long as there is one, then on a new one: the server may have closed the first.
  Result<Found> ask_server(Sessions::Index server, const AddressParts& key) {
    for (;;) {
      Answer answer(form_, key);
      std::unique_ptr<module::Session> session = sessions_.take(server);
      const bool was_kept = session != nullptr;
      auto done = event::blocking([&]() -> Result<void> {
        if (!session) session = TRY(client_->connect(client_->servers[server]));
        return ask(*session, key, answer);
      });
      if (done || (session && done.error().code() != module::connection_lost)) {
        sessions_.keep(server, std::move(session));
        return done ? answer.found(source_) : Result<Found>(base::Failure(std::move(done).error()));
      }
      if (was_kept) continue;
      sessions_.mark_down(server);
      return base::Failure(std::move(done).error());
    }
  }

  Result<void> ask(module::Session& session, const AddressParts& key, Answer& answer) const {
    std::vector<std::string> questions;
    for (std::size_t i = 0; i < form_.questions.size(); ++i) {
      auto question = TRY(form_.questions[i].question(key, [&](std::string_view text) { return session.quote(i, text); }));
      if (!question) return {};
      questions.push_back(std::move(*question));
    }
    return session.ask(questions, answer);
  }

  std::string source_;
  std::unique_ptr<module::Client> client_;
  Form form_;
  Sessions sessions_;
  bool has_session_ = false;
  event::Semaphore own_slots_;
  event::Semaphore& slots_;
};

}  // namespace

OpenResult open_client_table(const OpenRequest& request, const module::Module& module, event::Semaphore& slots) {
  auto read = ClientSettings::read(request);
  if (!read && read.error().code() != 0) return std::make_shared<UnavailableTable>(request.full_name(), std::move(read).error());
  const auto settings = TRY(std::move(read));
  std::unique_ptr<module::Client> client = TRY(module.make_client(*settings));
  for (const std::string& warning : client->warnings) maillog::warning("{}", warning);
  Form form = TRY(Form::read(request, *settings, *client));
  auto table = std::make_shared<ClientTable>(request.full_name(), fmt::format("dict_{}_lookup: {}", request.type, settings->source()), std::move(client), std::move(form), slots);
  // Before a chroot hides it; a failure is told by each lookup.
  static_cast<void>(table->ready());
  return table;
}

}  // namespace maps
