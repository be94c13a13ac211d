// The server's side of every SASL mechanism. The first byte chooses it; each line is a response, the first one the initial.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/ascii.h"
#include "lib/base/check.h"
#include "services/authd/exchange.h"
#include "test/fuzz/target.h"

namespace fuzz {
namespace {

class OneUser final : public authd::PasswordSource {
 public:
  Result<authd::Verdict> check(const std::string& user, const std::string& password, const authd::Asker& asker) override {
    const auto found = stored(user, asker);
    if (!found->has_value()) return authd::Verdict::unknown_user;
    return *(*found)->verify(password) ? authd::Verdict::right : authd::Verdict::wrong;
  }
  Result<std::optional<auth::StoredPassword>> stored(const std::string& user, const authd::Asker&) override {
    if (user != "alice") return std::nullopt;
    return std::optional(*auth::StoredPassword::parse("{PLAIN}secret"));
  }
  bool serves(authd::Needs) const override { return true; }
};

authd::Authority& authority() {
  static authd::Authority one(
      [] {
        std::vector<std::unique_ptr<authd::PasswordSource>> sources;
        sources.push_back(std::make_unique<OneUser>());
        return authd::Passdb(std::move(sources));
      }(),
      *authd::NameFormat::parse("%Lu", ""), "mail.example.test", true);
  return one;
}

constexpr std::array names{"PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "EXTERNAL", "ANONYMOUS"};

}  // namespace

void login(std::string_view data) {
  if (data.empty()) return;
  const authd::MechanismRow* const row = authd::find_mechanism(names[static_cast<unsigned char>(data.front()) % names.size()]);
  CHECK(row != nullptr);
  data.remove_prefix(1);
  const authd::Caller caller{.service = "smtp", .client_address = "192.0.2.1", .local_address = "192.0.2.2", .is_encrypted = true, .certificate_user = "alice"};
  auto exchange = authd::Exchange::begin(authority(), *row, caller);
  if (!exchange) return;
  std::optional<std::string> response;
  constexpr int steps_limit = 10;
  for (int steps = 0; steps < steps_limit; ++steps) {
    if (steps > 0 || !data.empty()) {
      const std::size_t end = data.find('\n');
      response = std::string(data.substr(0, end));
      data.remove_prefix(end == std::string_view::npos ? data.size() : end + 1);
    }
    const authd::Step step = (*exchange)->step(response);
    if (step.kind == authd::Step::Kind::challenge) continue;
    // Nobody is let in by chance.
    if (step.kind == authd::Step::Kind::accepted) CHECK((*exchange)->user() == "alice" || row->name == "ANONYMOUS");
    return;
  }
}

}  // namespace fuzz
