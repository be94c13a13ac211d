#include "services/oauthd/introspection.h"

#include <array>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/check.h"
#include "lib/event/offload.h"

namespace oauthd {
namespace {

constexpr std::size_t idle_limit = 8;
constexpr long ok = 200;

// RFC 7662 section 4: the transport has to be protected. What stays on this machine is.
Result<void> check_url(std::string_view url) {
  if (url.starts_with("https://")) return {};
  constexpr std::string_view plain = "http://";
  if (url.starts_with(plain)) {
    std::string_view host = url.substr(plain.size());
    host = host.substr(0, host.find_first_of("/?#"));
    if (!host.contains('@')) {
      const bool is_v6 = host.starts_with('[');
      host = is_v6 ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
      if (host == "127.0.0.1" || host == "[::1]" || host == "localhost") return {};
    }
  }
  return base::fail(fmt::format("auth_oauth_introspection_url: \"{}\" is neither https:// nor http:// of this machine", url));
}

std::size_t take(char* data, std::size_t one, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  const std::size_t size = one * count;
  if (body.size() + size > json_limit) return 0;   // ends the transfer
  body.append(data, size);
  return size;
}

}  // namespace

struct Introspection::Handle {
  CURL* curl = ::curl_easy_init();
  curl_slist* headers = nullptr;
  std::string body;
  std::array<char, CURL_ERROR_SIZE> error{};

  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    ::curl_slist_free_all(headers);
    ::curl_easy_cleanup(curl);
  }

  // Form data (RFC 7662 section 2.1, RFC 6749 appendix B).
  [[nodiscard]] std::string encoded(std::string_view text) const {
    char* const out = ::curl_easy_escape(curl, text.data(), static_cast<int>(text.size()));
    std::string copy(out == nullptr ? "" : out);
    ::curl_free(out);
    return copy;
  }

  void set_up(const IntrospectionSettings& settings) {
    CHECK(curl != nullptr);
    const auto set = [&](CURLoption option, auto value) { ::curl_easy_setopt(curl, option, value); };
    set(CURLOPT_URL, settings.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);   // the token is for that server alone
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TIMEOUT, static_cast<long>(settings.timeout.count()));
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(settings.timeout.count()));
    set(CURLOPT_WRITEFUNCTION, &take);
    set(CURLOPT_WRITEDATA, &body);
    set(CURLOPT_ERRORBUFFER, error.data());
    set(CURLOPT_USERAGENT, "valija");
    if (!settings.authorities_file.empty()) set(CURLOPT_CAINFO, settings.authorities_file.c_str());
    headers = ::curl_slist_append(headers, "Accept: application/json");
    headers = ::curl_slist_append(headers, "Expect:");
    if (!settings.client_id.empty()) {
      set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
      set(CURLOPT_USERNAME, encoded(settings.client_id).c_str());   // RFC 6749 section 2.3.1
      set(CURLOPT_PASSWORD, encoded(settings.secret).c_str());
    } else if (!settings.secret.empty()) {
      headers = ::curl_slist_append(headers, ("Authorization: Bearer " + settings.secret).c_str());
    }
    set(CURLOPT_HTTPHEADER, headers);
  }

  Result<std::string> post(const std::string& token) {
    body.clear();
    error.front() = '\0';
    const std::string form = "token=" + encoded(token) + "&token_type_hint=access_token";
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(form.size()));
    ::curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, form.c_str());
    const CURLcode code = ::curl_easy_perform(curl);
    if (code != CURLE_OK) {
      const std::string said = error.front() != '\0' ? error.data() : ::curl_easy_strerror(code);
      return base::fail(code == CURLE_WRITE_ERROR ? "an answer that is too long" : ascii::printable(said));
    }
    long status = 0;
    ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != ok) return base::fail(fmt::format("HTTP status {}", status));
    return body;
  }
};

Introspection::Introspection(IntrospectionSettings settings) : settings_(std::move(settings)) {
  CHECK(::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

Introspection::~Introspection() = default;

Result<std::unique_ptr<Introspection>> Introspection::open(IntrospectionSettings settings) {
  TRY(check_url(settings.url));
  for (const std::string* text : {&settings.client_id, &settings.secret}) {
    if (text->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) return base::fail("auth_oauth_client_secret_file has more than one line");
  }
  return std::unique_ptr<Introspection>(new Introspection(std::move(settings)));
}

Result<Json> Introspection::ask(const std::string& token) {
  std::unique_ptr<Handle> handle;
  if (idle_.empty()) {
    handle = std::make_unique<Handle>();
    handle->set_up(settings_);
  } else {
    handle = std::move(idle_.back());
    idle_.pop_back();
  }
  auto body = event::blocking([&] { return handle->post(token); });
  if (idle_.size() < idle_limit) idle_.push_back(std::move(handle));
  const auto within = [](base::Error error) { return base::Failure(std::move(error).within("introspection server")); };
  if (!body) return within(std::move(body).error());
  auto object = parse_object(*body);
  if (!object) return within(std::move(object).error());
  const auto active = object->find("active");
  if (active == object->end() || !active->is_boolean()) return base::fail("introspection server: does not say whether the token is active");
  return object;
}

}  // namespace oauthd
