// postdrop(1): puts one message of a local user into maildrop/. Setgid postdrop, run by anybody: nothing that the caller
// prepared is believed (environment, descriptors, signals, records). Holds the group only to write maildrop/ and to
// wake pickup in public/. When it dies before the last step, its file has no execute bit and is never picked up; what
// sendmail(1) was told is on disk is on disk.

#include <optional>
#include <string>

#include <unistd.h>

#include "lib/log/log.h"
#include "submit/environment.h"
#include "submit/postdrop/run.h"

int main(int argc, char** argv) {
  submit::make_surroundings_sane();
  maillog::set_tag("postfix/postdrop");
  std::optional<std::string> config_directory;
  for (int option; (option = ::getopt(argc, argv, "+c:rv")) != -1;) {
    if (option == 'c') config_directory = optarg;
    else if (option == '?') maillog::fatal("usage: postdrop [-c config_dir] [-v]");
  }
  return postdrop::run(config_directory);
}
