// PAM asks the modules that the administrator has chosen. They are other people's code and block: on the pool, at most a
// few at a time, so that a module that hangs does not take the pool from all.

#include <security/pam_appl.h>

#include <cstdlib>
#include <cstring>

#include "lib/event/loop.h"
#include "lib/event/offload.h"
#include "services/authd/passdb.h"

namespace authd {
namespace {

constexpr std::size_t calls_limit = 8;   // of PAM at a time
constexpr std::chrono::seconds turn_wait{25};

// One user's names for the modules' questions.
struct Answers {
  const std::string& user;
  const std::string& password;
};

char* copy(const std::string& text) { return ::strdup(text.c_str()); }

// The modules' questions: what is not to be shown on a terminal is the password. What they tell the user nobody reads.
int converse(int count, const pam_message** messages, pam_response** responses, void* data) {
  if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
  const auto& answers = *static_cast<const Answers*>(data);
  auto* const out = static_cast<pam_response*>(std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));   // PAM frees it
  if (out == nullptr) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    switch (messages[i]->msg_style) {
      case PAM_PROMPT_ECHO_OFF: out[i].resp = copy(answers.password); break;
      case PAM_PROMPT_ECHO_ON: out[i].resp = copy(answers.user); break;
      default: break;
    }
  }
  *responses = out;
  return PAM_SUCCESS;
}

// authd makes those who fail wait, and not a thread of the pool.
void no_delay(int, unsigned, void*) {}

struct Call {
  pam_handle_t* handle = nullptr;
  int status = PAM_SUCCESS;
  Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    if (handle != nullptr) ::pam_end(handle, status);
  }
};

Result<Verdict> ask_pam(const std::string& service, const std::string& user, const std::string& password, const std::string& address) {
  Answers answers{user, password};
  const pam_conv conversation{&converse, &answers};
  Call call;
  call.status = ::pam_start(service.c_str(), user.c_str(), &conversation, &call.handle);
  if (call.status != PAM_SUCCESS) return base::fail("pam_start " + service);
  ::pam_set_item(call.handle, PAM_RHOST, address.c_str());
  ::pam_set_item(call.handle, PAM_TTY, "mail");
  ::pam_set_item(call.handle, PAM_FAIL_DELAY, reinterpret_cast<const void*>(&no_delay));
  call.status = ::pam_authenticate(call.handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
  if (call.status == PAM_SUCCESS) call.status = ::pam_acct_mgmt(call.handle, PAM_SILENT);
  switch (call.status) {
    case PAM_SUCCESS: return Verdict::right;
    case PAM_USER_UNKNOWN: return Verdict::unknown_user;
    case PAM_AUTH_ERR:
    case PAM_ACCT_EXPIRED:
    case PAM_NEW_AUTHTOK_REQD:
    case PAM_CRED_INSUFFICIENT:
    case PAM_MAXTRIES:
    case PAM_PERM_DENIED: return Verdict::wrong;
    default: return base::fail(std::string("pam: ") + ::pam_strerror(call.handle, call.status));
  }
}

class Pam final : public PasswordSource {
 public:
  explicit Pam(std::string service) : service_(std::move(service)), turns_(calls_limit) {}

  Result<Verdict> check(const std::string& user, const std::string& password, const Asker& asker) override {
    if (password.contains('\0')) return Verdict::wrong;
    if (!turns_.acquire(base::after(turn_wait))) return base::fail("pam: too many logins at a time");
    const std::string service = service_.empty() ? std::string(asker.service) : service_, address(asker.client_address);
    auto verdict = event::blocking([&] { return ask_pam(service, user, password, address); });
    turns_.release();
    return verdict;
  }

  Result<std::optional<auth::StoredPassword>> stored(const std::string&, const Asker&) override { return std::nullopt; }

 private:
  std::string service_;
  event::Semaphore turns_;
};

}  // namespace

std::unique_ptr<PasswordSource> make_pam(std::string service) { return std::make_unique<Pam>(std::move(service)); }

}  // namespace authd
