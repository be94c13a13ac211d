#include "lib/dns/resolver.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <numeric>
#include <optional>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <netdb.h>

#include "lib/base/ascii.h"
#include "lib/base/host_name.h"
#include "lib/dns/channel.h"
#include "lib/dns/dns_list.h"
#include "lib/dns/packet.h"
#include "lib/io/file.h"
#include "lib/log/log.h"

namespace dns {

// What one question came to: records of one type, or a status other than found.
struct Lookup {
  Status status;
  Found found;
  bool is_validated = false;
};

Families families_of(std::string_view inet_protocols) {
  bool v4 = false, v6 = false;
  for (const std::string_view word : ascii::split(inet_protocols, ", \t\r\n")) {
    v4 = v4 || ascii::equal_ignoring_case(word, "ipv4") || ascii::equal_ignoring_case(word, "all");
    v6 = v6 || ascii::equal_ignoring_case(word, "ipv6") || ascii::equal_ignoring_case(word, "all");
  }
  if (v4 == v6) return Families::both;
  return v4 ? Families::ipv4 : Families::ipv6;
}

namespace {

// Asks the filter about each record of an answer.
class Filtering {
 public:
  explicit Filtering(const Resolver::Filter& filter) : filter_(filter) {}

  [[nodiscard]] KeepsRecord keeps() {
    if (!filter_) return nullptr;
    return [this](const std::string& record) {
      if (has_failed_) return false;
      switch (filter_(record)) {
        case Resolver::Verdict::keep: return true;
        case Resolver::Verdict::ignore:
          maillog::info("ignoring DNS RR: {}", record);
          has_ignored_ = true;
          return false;
        case Resolver::Verdict::failed: break;
      }
      has_failed_ = true;
      return false;
    };
  }
  // Why nothing is left, where that is the filter's doing.
  [[nodiscard]] std::optional<Status> reason(bool has_records) const {
    if (has_failed_) return Status::unfiltered;
    return has_ignored_ && !has_records ? std::optional(Status::filtered) : std::nullopt;
  }

 private:
  const Resolver::Filter& filter_;
  bool has_ignored_ = false, has_failed_ = false;
};

// Takes the answer to a question that was asked about `name`, and goes on asking where the answer is only an alias.
Lookup take(Channel& channel, const Resolver::Filter& filter, std::shared_ptr<Channel::Question> question, std::string name, Type type,
            Deadline deadline) {
  bool is_validated = true;
  for (int aliases = 0;;) {
    Channel::wait(*question, deadline);
    if (!question->is_answered) return {Status::temporary, {}};
    is_validated = is_validated && question->is_validated;
    if (question->status == Status::garbled) {
      maillog::warning("name server reply for {} type {}: DNS packet that c-ares does not take", name, name_of(type));
    }
    if (question->status != Status::found) return {question->status, {}, is_validated};
    Filtering filtering(filter);
    auto found = read_packet(question->packet, name, type, filtering.keeps());
    if (!found) {
      maillog::warning("name server reply for {} type {}: {}", name, name_of(type), found.error().message());
      return {Status::garbled, {}};
    }
    const bool has_records = !found->mx.empty() || !found->services.empty() || !found->addresses.empty() || !found->texts.empty();
    if (const auto reason = filtering.reason(has_records)) return {*reason, {}, is_validated};
    aliases += found->aliases;
    found->aliases = aliases;
    if (has_records) return {Status::found, std::move(*found), is_validated};
    if (found->name == name) return {Status::no_data, {}, is_validated};
    if (aliases > alias_limit) return {Status::garbled, {}};
    name = found->name;
    question = channel.ask(name, type);
  }
}

// RFC 2782: of those that are left, one at random, the more often the greater its weight; then the next.
void arrange_by_weight(std::vector<Srv>& records) {
  std::minstd_rand random(std::random_device{}());
  std::ranges::stable_sort(records, {}, [](const Srv& record) { return std::pair(record.priority, record.weight); });
  for (auto at = records.begin(); at != records.end(); ++at) {
    const auto end = std::find_if(at, records.end(), [&](const Srv& record) { return record.priority != at->priority; });
    const int total = std::accumulate(at, end, 0, [](int sum, const Srv& record) { return sum + record.weight; });
    int chosen = std::uniform_int_distribution(0, total)(random);
    const auto it = std::find_if(at, end, [&](const Srv& record) { return (chosen -= record.weight) <= 0; });
    if (it != end) std::rotate(at, it, std::next(it));
  }
}

std::string_view without_final_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

// "4.3.2.1.in-addr.arpa", RFC 1035 section 3.5; "….ip6.arpa", RFC 3596 section 2.5.
std::string reverse_name(const io::Address& address) { return reversed(address) + (address.is_v6() ? ".ip6.arpa" : ".in-addr.arpa"); }

constexpr std::array all_types{Type::a, Type::ns, Type::cname, Type::ptr, Type::mx, Type::txt, Type::aaaa, Type::srv, Type::tlsa};

// Neither was found: what may come yet outweighs what is known not to be.
Status worse(Status a, Status b) {
  for (const Status status : {Status::unfiltered, Status::temporary, Status::garbled, Status::filtered, Status::invalid, Status::no_data}) {
    if (a == status || b == status) return status;
  }
  return Status::no_domain;
}

}  // namespace

std::string_view name_of(Type type) {
  switch (type) {
    case Type::a: return "A";
    case Type::ns: return "NS";
    case Type::cname: return "CNAME";
    case Type::ptr: return "PTR";
    case Type::mx: return "MX";
    case Type::txt: return "TXT";
    case Type::aaaa: return "AAAA";
    case Type::srv: return "SRV";
    case Type::tlsa: return "TLSA";
  }
  return "";
}

std::string_view reason_of(Status status) {
  switch (status) {
    case Status::found: return "";
    case Status::no_domain: return "Host not found";
    case Status::no_data: return "Host found but no data record of requested type";
    case Status::null_mx: return "Domain does not accept mail (nullMX)";
    case Status::invalid:
    case Status::garbled: return "Malformed or unexpected name server reply";
    case Status::temporary: return "Host not found, try again";
    case Status::filtered: return "DNS reply filter drops all results";
    case Status::unfiltered: return "Invalid DNS reply filter syntax";
  }
  return "";
}

Result<std::unique_ptr<Resolver>> Resolver::open(const Options& options) {
  std::unique_ptr<Resolver> self(new Resolver);
  self->channel_ = TRY(Channel::open(options.servers, options.validates ? Channel::Signatures::wanted : Channel::Signatures::not_wanted));
  self->options_ = options;
  if (options.validates && !options.probe.empty()) self->probe_ = TRY(parse_probe(options.probe));
  const auto text = io::read_file(options.hosts_file, hosts_file_limit);
  if (text) {
    self->hosts_ = Hosts::parse(*text);
  } else if (text.error().code() != ENOENT) {
    return base::Failure(text.error());
  }
  return self;
}

Resolver::~Resolver() = default;

Result<Resolver::Probe> Resolver::parse_probe(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon != std::string::npos && colon + 1 < text.size()) {
    for (const Type type : all_types) {
      if (ascii::equal_ignoring_case(name_of(type), text.substr(0, colon))) return Probe{type, text.substr(colon + 1)};
    }
  }
  return base::fail(fmt::format("malformed dnssec_probe value: {} format is qtype:qname", text));
}

// Once per process: name servers that validate nothing at all make DANE a wish.
void Resolver::note_validation(const Lookup& lookup, Deadline deadline) {
  const bool is_answer = lookup.status != Status::temporary && lookup.status != Status::garbled;
  has_seen_validation_ = has_seen_validation_ || lookup.is_validated;
  if (!is_answer || has_seen_validation_ || !probe_) return;
  const Probe probe = *std::exchange(probe_, std::nullopt);
  const std::string text(without_final_dot(probe.name));
  const Lookup answer = take(*channel_, nullptr, channel_->ask(probe.name, probe.type), text, probe.type, deadline);
  if (answer.status == Status::temporary || answer.status == Status::garbled) {
    maillog::warning("reason: dnssec_probe '{}' received no response: Host or domain name not found. Name service error for name={} type={}: {}",
                     options_.probe, text, name_of(probe.type), reason_of(answer.status));
  } else if (!answer.is_validated) {
    maillog::warning("DNSSEC validation may be unavailable");
    maillog::warning("reason: dnssec_probe '{}' received a response that is not DNSSEC validated", options_.probe);
  }
}

// As resolver(3) has it: a name without a dot is most likely one of this site.
std::vector<std::string> Resolver::names_to_try(std::string_view name) const {
  std::string asked(without_final_dot(name));
  const bool has_dot = asked.contains('.');
  if (asked.size() != name.size() || !(options_.searches || (options_.completes && !has_dot))) return {std::move(asked)};
  std::vector<std::string> names;
  for (const std::string& domain : channel_->search_domains()) {
    names.push_back(asked + "." + domain);
    if (!options_.searches) break;
  }
  names.insert(has_dot ? names.begin() : names.end(), std::move(asked));
  return names;
}

Lookup Resolver::look_up(std::string_view name, Type type, Deadline deadline) {
  Lookup lookup{Status::no_domain, {}};
  for (const std::string& asked : names_to_try(name)) {
    lookup = take(*channel_, filter_, channel_->ask(asked, type), asked, type, deadline);
    note_validation(lookup, deadline);
    if (lookup.status != Status::no_domain && lookup.status != Status::no_data) break;
  }
  return lookup;
}

Answer<Mx> Resolver::mx(std::string_view name, Deadline deadline) {
  if (!base::is_host_name(without_final_dot(name))) return nothing<Mx>(Status::invalid);
  Lookup lookup = look_up(name, Type::mx, deadline);
  if (lookup.status != Status::found) return nothing<Mx>(lookup.status);
  std::vector<Mx>& records = lookup.found.mx;
  // RFC 7505 section 3: the root as the only host.
  if (records.size() == 1 && records[0].host.empty()) return nothing<Mx>(Status::null_mx);
  bool is_garbled = false;
  std::erase_if(records, [&](const Mx& record) {
    if (base::is_host_name(record.host)) return false;
    // The name has bytes that are no text.
    if (record.host.contains('\\')) {
      is_garbled = true;
      return true;
    }
    const bool is_numeric = io::Address::parse(record.host).has_value();
    maillog::warning("{} domain name in resource data of MX record for {}: {}", is_numeric ? "numeric" : "malformed", name,
                     record.host);
    return !is_numeric;
  });
  if (records.empty()) return nothing<Mx>(is_garbled ? Status::garbled : Status::invalid);
  std::ranges::stable_sort(records, {}, &Mx::preference);
  return {Status::found, std::move(records), lookup.found.ttl, {}, {}, lookup.is_validated};
}

Answer<Srv> Resolver::services(std::string_view name, Deadline deadline) {
  if (!base::is_host_name(without_final_dot(name))) return nothing<Srv>(Status::invalid);
  Lookup lookup = look_up(name, Type::srv, deadline);
  if (lookup.status != Status::found) return nothing<Srv>(lookup.status);
  std::vector<Srv>& records = lookup.found.services;
  if (records.size() == 1 && records[0].host.empty()) return nothing<Srv>(Status::null_mx);
  std::erase_if(records, [&](const Srv& record) {
    if (base::is_host_name(record.host)) return false;
    maillog::warning("malformed domain name in resource data of SRV record for {}: {}", name, record.host);
    return true;
  });
  if (records.empty()) return nothing<Srv>(Status::invalid);
  arrange_by_weight(records);
  return {Status::found, std::move(records), lookup.found.ttl, {}, {}, lookup.is_validated};
}

Answer<io::Address> Resolver::addresses(std::string_view name, Families families, Deadline deadline) {
  if (!base::is_host_name(without_final_dot(name))) return nothing<io::Address>(Status::invalid);
  Answer<io::Address> answer = nothing<io::Address>(Status::no_domain);
  for (const std::string& asked : names_to_try(name)) {
    answer = addresses_of(asked, families, deadline);
    if (answer.status != Status::no_domain && answer.status != Status::no_data) break;
  }
  return answer;
}

Answer<io::Address> Resolver::addresses_of(const std::string& asked, Families families, Deadline deadline) {
  // Both questions are under way before the first answer is awaited.
  std::vector<std::pair<Type, std::shared_ptr<Channel::Question>>> questions;
  for (const Type type : {Type::a, Type::aaaa}) {
    if (wants(families, type == Type::aaaa)) questions.emplace_back(type, channel_->ask(asked, type));
  }
  Answer<io::Address> answer;
  std::optional<Status> failure;
  for (auto& [type, question] : questions) {
    Lookup lookup = take(*channel_, filter_, std::move(question), asked, type, deadline);
    note_validation(lookup, deadline);
    if (lookup.status != Status::found) {
      failure = failure ? worse(*failure, lookup.status) : lookup.status;
      continue;
    }
    answer.is_validated = lookup.is_validated && (answer.records.empty() || answer.is_validated);
    answer.ttl = answer.records.empty() ? lookup.found.ttl : std::min(answer.ttl, lookup.found.ttl);
    answer.records.insert(answer.records.end(), lookup.found.addresses.begin(), lookup.found.addresses.end());
    answer.status = Status::found;
    if (lookup.found.aliases > 0) answer.canonical = lookup.found.name;
  }
  return answer.records.empty() ? nothing<io::Address>(failure.value_or(Status::temporary)) : answer;
}

Answer<std::string> Resolver::names(const io::Address& address, Deadline deadline) {
  Lookup lookup = look_up(reverse_name(address) + ".", Type::ptr, deadline);
  if (lookup.status != Status::found) return nothing<std::string>(lookup.status);
  std::erase_if(lookup.found.texts, [](const std::string& name) { return !base::is_host_name(name); });
  if (lookup.found.texts.empty()) return nothing<std::string>(Status::invalid);
  return {Status::found, std::move(lookup.found.texts), lookup.found.ttl, {}};
}

Answer<std::string> Resolver::name_servers(std::string_view name, Deadline deadline) {
  if (!base::is_host_name(without_final_dot(name))) return nothing<std::string>(Status::invalid);
  Lookup lookup = look_up(name, Type::ns, deadline);
  if (lookup.status != Status::found) return nothing<std::string>(lookup.status);
  std::erase_if(lookup.found.texts, [](const std::string& host) { return !base::is_host_name(host); });
  if (lookup.found.texts.empty()) return nothing<std::string>(Status::invalid);
  return {Status::found, std::move(lookup.found.texts), lookup.found.ttl, {}};
}

Answer<std::string> Resolver::texts(std::string_view name, Deadline deadline) {
  if (!base::is_host_name(without_final_dot(name))) return nothing<std::string>(Status::invalid);
  Lookup lookup = look_up(name, Type::txt, deadline);
  if (lookup.status != Status::found) return nothing<std::string>(lookup.status);
  return {Status::found, std::move(lookup.found.texts), lookup.found.ttl, {}};
}

Answer<Tlsa> Resolver::tlsa(std::string_view name, Deadline deadline) {
  if (!base::is_host_name(without_final_dot(name))) return nothing<Tlsa>(Status::invalid);
  const Lookup lookup = look_up(name, Type::tlsa, deadline);
  Answer<Tlsa> answer = nothing<Tlsa>(lookup.status);
  answer.is_validated = lookup.is_validated;
  for (const std::string& data : lookup.found.texts) {
    if (auto record = read_tlsa(data)) {
      answer.records.push_back(std::move(*record));
    } else {
      maillog::warning("{}: truncated TLSA RR length == {}", name, data.size());
    }
  }
  answer.ttl = lookup.found.ttl;
  return answer;
}

Answer<std::string> Resolver::alias(std::string_view name, Deadline deadline) {
  if (!base::is_host_name(without_final_dot(name))) return nothing<std::string>(Status::invalid);
  Lookup lookup = look_up(name, Type::cname, deadline);
  if (lookup.status != Status::found) return nothing<std::string>(lookup.status);
  return {Status::found, std::move(lookup.found.texts), lookup.found.ttl, {}, {}, lookup.is_validated};
}

Answer<io::Address> Resolver::host_addresses(std::string_view name, Families families, Deadline deadline) {
  Answer<io::Address> answer{Status::found, hosts_.addresses(without_final_dot(name)), {}, {}};
  std::erase_if(answer.records, [&](const io::Address& address) { return !wants(families, address.is_v6()); });
  return answer.records.empty() ? addresses(name, families, deadline) : answer;
}

Answer<std::string> Resolver::host_names(const io::Address& address, Deadline deadline) {
  if (auto name = hosts_.name(address)) return {Status::found, {std::move(*name)}, {}, {}};
  return names(address, deadline);
}

}  // namespace dns
