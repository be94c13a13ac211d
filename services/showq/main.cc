// showq: lists the queue for mailq and postqueue. Reads the queue directories, answers whoever may reach public/showq, takes
// no input. Keeps the uid of the mail owner and the right to read. When it dies, a listing ends early; mail is not touched.

#include "lib/event/loop.h"
#include "lib/event/offload.h"
#include "lib/server/service.h"
#include "services/showq/lister.h"
#include "services/showq/showq_params.h"

namespace {

constexpr std::size_t messages_per_turn = 200;             // then other fibers run
constexpr std::chrono::seconds write_limit{100};           // a reader that takes nothing for so long is left

class Showq : public server::Service {
 public:
  static Result<std::unique_ptr<server::Service>> make(server::Startup& startup) {
    return std::make_unique<Showq>(TRY(showq::Params::load(startup.main)));
  }
  explicit Showq(const showq::Params& params) : layout_("", params.hash_queue_names, params.hash_queue_depth), lister_(layout_) {}

  void serve(server::Connection& connection) override {
    if (!one_at_a_time_.acquire(base::no_deadline)) return;
    list(connection.stream);
    one_at_a_time_.release();
  }

 private:
  void list(io::Stream& stream) {
    std::string start;
    queue::encode_listing_start(start);
    stream.write(start, base::after(write_limit));
    const auto items = event::blocking([&] { return lister_.list(); });
    for (std::size_t first = 0; first < items.size(); first += messages_per_turn) {
      const std::string part = event::blocking([&] { return lister_.encode(items, first, first + messages_per_turn); });
      if (!stream.write(part, base::after(write_limit))) return;
    }
    std::string end;
    queue::encode_listing_end(end);
    stream.write(end, base::after(write_limit));
    static_cast<void>(stream.flush(base::after(write_limit)));
  }

  queue::Layout layout_;
  showq::Lister lister_;
  event::Semaphore one_at_a_time_{1};
};

}  // namespace

int main(int argc, char** argv) {
  return server::run(argc, argv, {.name = "showq",
                                  .kind = server::Kind::sessions,
                                  .needs = {.connects_unix = false, .reads_files = true},
                                  .make = &Showq::make});
}
