#include "qmgr/transport.h"

#include <algorithm>

#include "lib/base/check.h"
#include "lib/log/log.h"

namespace qmgr {
namespace {

// What nobody can make sense of is 1, as when nothing is set.
Result<Feedback> feedback(const config::Main& main, const std::string& name) {
  const std::string text = TRY(main.string(name));
  const std::optional<Feedback> parsed = Feedback::parse(text);
  if (!parsed) maillog::warning("{}: ignoring malformed or unreasonable feedback: {}", name, text);
  return parsed.value_or(Feedback{});
}

Result<DestinationLimits> destination_limits(const config::Main& main, const std::string& service) {
  DestinationLimits limits;
  limits.initial_concurrency = TRY(main.integer(service + "_initial_destination_concurrency"));
  limits.concurrency_limit = TRY(main.integer(service + "_destination_concurrency_limit"));
  limits.recipient_limit = TRY(main.integer(service + "_destination_recipient_limit"));
  limits.failed_cohort_limit = TRY(main.integer(service + "_destination_concurrency_failed_cohort_limit"));
  limits.positive = TRY(feedback(main, service + "_destination_concurrency_positive_feedback"));
  limits.negative = TRY(feedback(main, service + "_destination_concurrency_negative_feedback"));
  limits.rate_delay = TRY(main.time(service + "_destination_rate_delay"));
  if (limits.concurrency_limit > 0) {
    limits.initial_concurrency = std::min(limits.initial_concurrency, limits.concurrency_limit);
  }
  return limits;
}

Result<TransportLimits> transport_limits(const config::Main& main, const std::string& service) {
  TransportLimits limits;
  limits.destination = TRY(destination_limits(main, service));
  limits.slots.cost = TRY(main.integer(service + "_delivery_slot_cost"));
  limits.slots.loan = TRY(main.integer(service + "_delivery_slot_loan"));
  limits.slots.discount = TRY(main.integer(service + "_delivery_slot_discount"));
  limits.slots.minimum = TRY(main.integer(service + "_minimum_delivery_slots"));
  limits.rate_delay = TRY(main.time(service + "_transport_rate_delay"));
  limits.recipients = static_cast<std::size_t>(TRY(main.integer(service + "_recipient_limit")));
  limits.extra_recipients = static_cast<std::size_t>(TRY(main.integer(service + "_extra_recipient_limit")));
  limits.refill = static_cast<std::size_t>(TRY(main.integer(service + "_recipient_refill_limit")));
  limits.refill_delay = TRY(main.time(service + "_recipient_refill_delay"));
  return limits;
}

std::size_t left_of(std::size_t limit, std::size_t used) { return limit > used ? limit - used : 0; }

}  // namespace

Result<std::unique_ptr<Transport>> Transport::make(std::string name, const config::Main& main, int process_limit) {
  std::unique_ptr<Transport> transport(new Transport(std::move(name), process_limit));
  transport->limits_ = TRY(transport_limits(main, transport->name_));
  return transport;
}

Destination& Transport::destination(const std::string& nexthop, const std::string& recipient) {
  const DestinationLimits& limits = limits_.destination;
  const std::string& name = limits.recipient_limit == 1 ? recipient : nexthop;
  const auto found = destinations_.find(name);
  if (found != destinations_.end()) return *found->second;
  return *destinations_.emplace(name, std::make_unique<Destination>(name, nexthop, limits)).first->second;
}

// --- the line ---
Job& Transport::job(const Batch& batch, Deadline now) {
  const ActiveMessage& message = *batch.message;
  const auto found = jobs_.find(&message);
  if (found != jobs_.end()) return *found->second;
  Job& made = *jobs_.emplace(&message, std::make_unique<Job>(message, Rank{message.number()}, now)).first->second;
  if (message.unread_recipients() != 0) unread_.emplace(made.rank, &made);
  return made;
}

void Transport::add(Destination& destination, Batch batch, Deadline now) {
  Job& of = job(batch, now);
  of.recipients += batch.recipients.size();
  recipients_ += batch.recipients.size();
  if (of.waiting++ == 0) line_.emplace(of.rank, &of);
  const auto [peer, is_new] = of.peers.try_emplace(&destination, Peer{&of, &destination, {}, of.turns + 1});
  peer->second.waiting.push_back(std::move(batch));
  if (!is_new) return;
  ++of.turns;
  destination.line().emplace(of.rank, &peer->second);
  settle(destination, now);
}

void Transport::unsettle(Destination& destination) {
  const auto found = places_.find(&destination);
  if (found == places_.end()) return;
  if (found->second.ready) ready_.erase(*found->second.ready);
  if (found->second.sleeping) sleeping_.erase({*found->second.sleeping, &destination});
  places_.erase(found);
}

// Puts the destination where it belongs after whatever has happened to it.
void Transport::settle(Destination& destination, Deadline now) {
  unsettle(destination);
  if (!destination.has_waiting()) return;
  if (destination.next_start() > now) {
    sleeping_.emplace(std::pair(destination.next_start(), &destination), &destination);
    places_[&destination].sleeping = destination.next_start();
  } else if (destination.may_start(now)) {
    const auto& [rank, peer] = *destination.line().begin();
    ready_.emplace(std::pair(rank, peer->turn), &destination);
    places_[&destination].ready = std::pair(rank, peer->turn);
  }
}

void Transport::wake(Deadline now) {
  while (!sleeping_.empty() && sleeping_.begin()->first.first <= now) settle(*sleeping_.begin()->second, now);
}

bool Transport::is_full() const {
  return (process_limit_ > 0 && busy_ >= process_limit_) || (limits_.rate_delay.count() > 0 && busy_ > 0);
}

std::optional<Transport::Start> Transport::next(Deadline now) {
  if (is_full() || is_suspended(now) || now < next_start_) return std::nullopt;
  wake(now);
  if (ready_.empty()) return std::nullopt;
  Job& current = *ready_.begin()->second->line().begin()->second->job;
  if (Job* const other = overtaker(current, now)) put_before(*other, current, now);
  Destination& destination = *ready_.begin()->second;
  Peer& peer = *destination.line().begin()->second;
  peer.job->slots.chosen();
  Start start{&destination, take(peer)};
  destination.started();
  ++busy_;
  settle(destination, now);
  return start;
}

// The first batch of a peer, which is gone after its last.
Batch Transport::take(Peer& peer) {
  Batch batch = std::move(peer.waiting.front());
  peer.waiting.pop_front();
  Job& of = *peer.job;
  if (--of.waiting == 0) line_.erase(of.rank);
  peer.turn = ++of.turns;
  if (peer.waiting.empty()) leave_line(peer);
  return batch;
}

void Transport::leave_line(Peer& peer) {
  peer.destination->line().erase(peer.job->rank);
  peer.job->peers.erase(peer.destination);
}

// --- overtaking ---
// Of those that wait the one that gains most by it, as long as it may be delivered by slots that are there or will be.
class Transport::Overtaker {
 public:
  Overtaker(const Transport& transport, const Job& current, Deadline now)
      : transport_(transport), current_(current), now_(now), most_(current.slots.most(current.waiting, transport.limits_.slots)) {}

  // In the order of their coming. False when those that have come later cannot be better.
  bool look_at(Job& job) {
    // A second is added, so that of those that have just come the small ones are better.
    const double age = std::chrono::duration<double>(now_ - job.since).count() + 1;
    if (best != nullptr && age <= score_) return false;
    // Recipients that are not read yet count as a delivery each.
    const std::int64_t wanted = job.waiting + static_cast<std::int64_t>(job.message.unread_count());
    const double score = age / static_cast<double>(wanted);
    if (&job == &current_ || wanted > most_ || (best != nullptr && score <= score_) || !transport_.may_start(job)) return true;
    best = &job;
    score_ = score;
    deliveries = wanted;
    return true;
  }

  Job* best = nullptr;
  std::int64_t deliveries = 0;

 private:
  const Transport& transport_;
  const Job& current_;
  const Deadline now_;
  const std::int64_t most_;
  double score_ = 0;
};

bool Transport::may_start(const Job& job) const {
  return std::ranges::any_of(job.peers, [this](const auto& entry) {
    const auto place = places_.find(entry.first);
    return place != places_.end() && place->second.ready.has_value();
  });
}

Job* Transport::overtaker(Job& current, Deadline now) {
  if (!current.slots.may_lend(current.waiting, limits_.slots)) return nullptr;
  Overtaker found(*this, current, now);
  std::size_t left = overtakers_limit;
  for (auto one = line_.begin(); one != line_.end() && left > 0 && found.look_at(*one->second); ++one) --left;
  // Where so many are in front of it whose destinations are at their limits, one may still be the first at its own.
  if (left == 0) {
    left = overtakers_limit;
    for (auto one = ready_.lower_bound({current.rank, UINT64_MAX}); one != ready_.end() && left > 0; ++one, --left) {
      if (!found.look_at(*one->second->line().begin()->second->job)) break;
    }
  }
  // The best one is waited for: else those with the fewest recipients would always be first.
  if (found.best == nullptr || !current.slots.has(found.deliveries, limits_.slots)) return nullptr;
  current.slots.lend(found.deliveries, limits_.slots);
  return found.best;
}

void Transport::put_before(Job& job, Job& current, Deadline now) {
  const auto place = line_.find(current.rank);
  CHECK(place != line_.end());
  const Rank previous = place == line_.begin() ? Rank{0, 0} : std::prev(place)->first;
  const Rank rank = current.rank.before(previous);
  if (rank == current.rank) return;  // so many have overtaken already, and wait
  line_.erase(job.rank);
  for (auto& [destination, peer] : job.peers) {
    unsettle(*destination);
    destination->line().erase(job.rank);
    destination->line().emplace(rank, &peer);
  }
  job.rank = rank;
  line_.emplace(rank, &job);
  for (auto& [destination, peer] : job.peers) settle(*destination, now);
  if (job.message.unread_recipients() == 0 || job.granted != 0) return;
  const std::size_t extra = left_of(limits_.extra_recipients, extra_granted_) / 2;
  extra_granted_ += extra;
  job.extra = extra;
  job.granted = job.recipients + left_of(limits_.recipients, recipients_) / 2 + extra;
}

// --- recipients in memory ---
std::size_t Transport::recipients(const ActiveMessage& message) const {
  const auto found = jobs_.find(&message);
  return found == jobs_.end() ? 0 : found->second->recipients;
}

std::size_t Transport::share(const ActiveMessage& message) const {
  const auto found = jobs_.find(&message);
  if (found == jobs_.end()) return 0;
  const std::size_t granted = left_of(found->second->granted, found->second->recipients);
  if (first_unread() != &message) return granted;
  return std::max(granted, left_of(limits_.recipients, recipients_));
}

void Transport::all_read(const ActiveMessage& message) {
  unread_.erase(Rank{message.number()});
  const auto found = jobs_.find(&message);
  if (found == jobs_.end()) return;
  extra_granted_ -= found->second->extra;
  found->second->granted = found->second->extra = 0;
  if (found->second->recipients == 0) jobs_.erase(found);
}

void Transport::forget(const ActiveMessage& message) {
  all_read(message);
  const auto found = jobs_.find(&message);
  CHECK(found == jobs_.end());
}

// A job is kept as long as anything of it is in memory or will be, with the account of its slots.
void Transport::drop(const Batch& batch) {
  const auto found = jobs_.find(batch.message.get());
  CHECK(found != jobs_.end());
  Job& of = *found->second;
  recipients_ -= batch.recipients.size();
  of.recipients -= batch.recipients.size();
  if (of.recipients == 0 && batch.message->unread_recipients() == 0) all_read(*batch.message);
}

// --- ends ---
void Transport::ended(Destination& destination, const Batch& batch, Deadline now) {
  --busy_;
  if (limits_.rate_delay.count() > 0) next_start_ = now + limits_.rate_delay;
  drop(batch);
  destination.ended(now);
  settle(destination, now);
  if (destination.is_idle(now)) destinations_.erase(destination.name());
  // A destination that was dead, paced or in line at the end of its last delivery hears of no other end.
  if (destinations_.size() < tidy_at_) return;
  std::erase_if(destinations_, [now](const auto& entry) { return entry.second->is_idle(now); });
  tidy_at_ = std::max(tidy_minimum, destinations_.size() * 2);
}

Deadline Transport::next_start(Deadline now) const {
  if (is_full() || (ready_.empty() && sleeping_.empty())) return base::no_deadline;
  Deadline soonest = ready_.empty() ? sleeping_.begin()->first.first : now;
  soonest = std::max({soonest, suspended_until_, next_start_});
  return soonest > now ? soonest : base::no_deadline;
}

std::vector<Batch> Transport::take_all(Destination& destination) {
  std::vector<Batch> all;
  unsettle(destination);
  while (destination.has_waiting()) {
    Batch batch = take(*destination.line().begin()->second);
    drop(batch);
    all.push_back(std::move(batch));
  }
  return all;
}

std::vector<Batch> Transport::take_all() {
  std::vector<Batch> all;
  for (auto& [name, destination] : destinations_) {
    for (Batch& batch : take_all(*destination)) all.push_back(std::move(batch));
  }
  return all;
}

void Transport::revive(Deadline now) {
  suspended_until_ = {};
  for (auto& [name, destination] : destinations_) {
    destination->revive();
    settle(*destination, now);
  }
}

void Transport::revive(const std::string& nexthop, const std::string& recipient, Deadline now) {
  suspended_until_ = {};
  Destination& revived = destination(nexthop, recipient);
  revived.revive();
  settle(revived, now);
}

}  // namespace qmgr
