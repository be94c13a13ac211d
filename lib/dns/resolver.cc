#include "lib/dns/resolver.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include <netdb.h>

#include "lib/base/ascii.h"
#include "lib/base/host_name.h"
#include "lib/dns/channel.h"
#include "lib/dns/packet.h"
#include "lib/io/file.h"
#include "lib/log/log.h"

namespace dns {
namespace {

std::string_view without_final_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

// What one question came to: records of one type, or a status other than found.
struct Lookup {
  Status status;
  Found found;
};

// Takes the answer to a question that was asked about `name`, and goes on asking where the answer is only an alias.
Lookup take(Channel& channel, std::shared_ptr<Channel::Question> question, std::string name, Type type, Deadline deadline) {
  for (int aliases = 0;;) {
    Channel::wait(*question, deadline);
    if (!question->is_answered) return {Status::temporary, {}};
    if (question->status != Status::found) return {question->status, {}};
    auto found = read_packet(question->packet, name, type);
    if (!found) {
      maillog::warning("name server reply for {} type {}: {}", name, name_of(type), found.error().message());
      return {Status::garbled, {}};
    }
    const bool has_records = !found->mx.empty() || !found->addresses.empty() || !found->texts.empty();
    if (has_records) return {Status::found, std::move(*found)};
    if (found->aliases == 0) return {Status::no_data, {}};
    aliases += found->aliases;
    if (aliases > alias_limit) return {Status::garbled, {}};
    name = found->name;
    question = channel.ask(name, type);
  }
}

Lookup look_up(Channel& channel, std::string_view name, Type type, Deadline deadline) {
  const std::string asked(without_final_dot(name));
  return take(channel, channel.ask(asked, type), asked, type, deadline);
}

// "4.3.2.1.in-addr.arpa", RFC 1035 section 3.5; "….ip6.arpa", RFC 3596 section 2.5.
std::string reverse_name(const io::Address& address) {
  constexpr std::string_view hex = "0123456789abcdef";
  const std::string_view bytes = address.bytes();
  std::string name;
  for (auto it = bytes.rbegin(); it != bytes.rend(); ++it) {
    const auto byte = static_cast<unsigned char>(*it);
    if (address.is_v6()) {
      name += hex[byte & 15];
      name += '.';
      name += hex[byte >> 4];
      name += '.';
    } else {
      name += std::to_string(byte) + ".";
    }
  }
  return name + (address.is_v6() ? "ip6.arpa" : "in-addr.arpa");
}

bool wants(Families families, bool v6) { return families == Families::both || (families == Families::ipv6) == v6; }

// Neither was found: what may come yet outweighs what is known not to be.
Status worse(Status a, Status b) {
  for (const Status status : {Status::temporary, Status::garbled, Status::invalid, Status::no_data}) {
    if (a == status || b == status) return status;
  }
  return Status::no_domain;
}

}  // namespace

std::string_view name_of(Type type) {
  switch (type) {
    case Type::a: return "A";
    case Type::cname: return "CNAME";
    case Type::ptr: return "PTR";
    case Type::mx: return "MX";
    case Type::txt: return "TXT";
    case Type::aaaa: return "AAAA";
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
  }
  return "";
}

Result<std::unique_ptr<Resolver>> Resolver::open(const Options& options) {
  std::unique_ptr<Resolver> self(new Resolver);
  self->channel_ = TRY(Channel::open(options.servers));
  const auto text = io::read_file(options.hosts_file, hosts_file_limit);
  if (text) {
    self->hosts_ = Hosts::parse(*text);
  } else if (text.error().code() != ENOENT) {
    return base::Failure(text.error());
  }
  return self;
}

Resolver::~Resolver() = default;

Answer<Mx> Resolver::mx(std::string_view name, Deadline deadline) {
  if (!base::is_host_name(without_final_dot(name))) return nothing<Mx>(Status::invalid);
  Lookup lookup = look_up(*channel_, name, Type::mx, deadline);
  if (lookup.status != Status::found) return nothing<Mx>(lookup.status);
  std::vector<Mx>& records = lookup.found.mx;
  // RFC 7505 section 3: the root as the only host.
  if (records.size() == 1 && records[0].host.empty()) return nothing<Mx>(Status::null_mx);
  std::erase_if(records, [&](const Mx& record) {
    if (base::is_host_name(record.host)) return false;
    const bool is_numeric = io::Address::parse(record.host).has_value();
    maillog::warning("{} domain name in resource data of MX record for {}: {}", is_numeric ? "numeric" : "malformed", name,
                     record.host);
    return !is_numeric;
  });
  if (records.empty()) return nothing<Mx>(Status::invalid);
  std::ranges::stable_sort(records, {}, &Mx::preference);
  return {Status::found, std::move(records), lookup.found.ttl, {}};
}

Answer<io::Address> Resolver::addresses(std::string_view name, Families families, Deadline deadline) {
  const std::string asked(without_final_dot(name));
  if (!base::is_host_name(asked)) return nothing<io::Address>(Status::invalid);
  // Both questions are under way before the first answer is awaited.
  std::vector<std::pair<Type, std::shared_ptr<Channel::Question>>> questions;
  for (const Type type : {Type::a, Type::aaaa}) {
    if (wants(families, type == Type::aaaa)) questions.emplace_back(type, channel_->ask(asked, type));
  }
  Answer<io::Address> answer;
  std::optional<Status> failure;
  for (auto& [type, question] : questions) {
    Lookup lookup = take(*channel_, std::move(question), asked, type, deadline);
    if (lookup.status != Status::found) {
      failure = failure ? worse(*failure, lookup.status) : lookup.status;
      continue;
    }
    answer.ttl = answer.records.empty() ? lookup.found.ttl : std::min(answer.ttl, lookup.found.ttl);
    answer.records.insert(answer.records.end(), lookup.found.addresses.begin(), lookup.found.addresses.end());
    answer.status = Status::found;
  }
  return answer.records.empty() ? nothing<io::Address>(failure.value_or(Status::temporary)) : answer;
}

Answer<std::string> Resolver::names(const io::Address& address, Deadline deadline) {
  Lookup lookup = look_up(*channel_, reverse_name(address), Type::ptr, deadline);
  if (lookup.status != Status::found) return nothing<std::string>(lookup.status);
  std::erase_if(lookup.found.texts, [](const std::string& name) { return !base::is_host_name(name); });
  if (lookup.found.texts.empty()) return nothing<std::string>(Status::invalid);
  return {Status::found, std::move(lookup.found.texts), lookup.found.ttl, {}};
}

Answer<std::string> Resolver::texts(std::string_view name, Deadline deadline) {
  if (!base::is_host_name(without_final_dot(name))) return nothing<std::string>(Status::invalid);
  Lookup lookup = look_up(*channel_, name, Type::txt, deadline);
  if (lookup.status != Status::found) return nothing<std::string>(lookup.status);
  return {Status::found, std::move(lookup.found.texts), lookup.found.ttl, {}};
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
