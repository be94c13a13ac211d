# The exchange of a running mail system: its master is held before the programs change, since it must not start programs of
# another release, and ended when the new ones are there and all else is done. Meanwhile the processes that run go on serving
# clients, so that nobody listens only from that end to the start.
#
# All by master's pid, and not only by the service: systemctl returns before the instances have ended, a policy (policy-rc.d)
# may keep it running, and a stop may wait for slow deliveries for as long as clients would notice; what is under way is
# delivered after the start. The directories of the instances that ran stand in was_running until they run again.
was_running=/var/spool/postfix/pid/was-running

# The master process of the instance in $1, if it runs.
master_of() {
  instance_queue=$(postconf -c "$1" -h queue_directory 2>/dev/null) || instance_queue=
  pid=$(tr -d ' ' <"${instance_queue:-/var/spool/postfix}/pid/master.pid" 2>/dev/null) || return 1
  program=$(readlink "/proc/${pid:-none}/exe" 2>/dev/null) || return 1
  case $program in
    */master|*"/master (deleted)") echo "$pid" ;;
    *) return 1 ;;
  esac
}

instance_directories() {
  { postconf -h config_directory; postconf -h multi_instance_directories; } 2>/dev/null | tr ',\t ' '\n\n\n' | sort -u | grep . || :
}

# wait_for_end PID LOOKS: false when it has not ended within as many twentieths of a second. A zombie, which nobody reaps, has.
wait_for_end() {
  looks=$2
  while readlink "/proc/$1/exe" >/dev/null 2>&1; do
    [ $looks -gt 0 ] || return 1
    looks=$((looks - 1))
    sleep 0.05
  done
}

hold_mail_system() {
  held=
  for directory in $(instance_directories); do
    pid=$(master_of "$directory") || continue
    kill -STOP "$pid" 2>/dev/null || continue
    held="$held $directory"
  done
  # shellcheck disable=SC2086
  [ -z "$held" ] || printf '%s\n' $held >"$was_running"
}

# The exchange does not take place.
let_go_on() {
  [ -s "$was_running" ] || return 0
  while read -r directory; do
    ! pid=$(master_of "$directory") || kill -CONT "$pid" 2>/dev/null || :
  done <"$was_running"
  rm -f "$was_running"
}

# end_mail_system LOOKS: with force after so long. Ours finishes deliveries meanwhile. Debian's breaks all off at once, and its
# master may then wait in vain to log it.
end_mail_system() {
  [ -s "$was_running" ] || return 0
  while read -r directory; do
    pid=$(master_of "$directory") || continue
    kill -TERM "$pid" 2>/dev/null || :
    kill -CONT "$pid" 2>/dev/null || :
    wait_for_end "$pid" "$1" || kill -KILL "-$pid" 2>/dev/null || :
  done <"$was_running"
}
