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

# wait_for_end PID: false when it has not ended within a second. A zombie, which nobody reaps, has.
wait_for_end() {
  looks=20
  while readlink "/proc/$1/exe" >/dev/null 2>&1; do
    [ $looks -gt 0 ] || return 1
    looks=$((looks - 1))
    sleep 0.05
  done
}

# Stops the mail system before its programs change: a master must not start programs of another release. It is stopped by
# master's pid, and not only by the service: systemctl returns before the instances have ended, a policy (policy-rc.d) may
# keep it running, and a stop may wait for slow deliveries for as long as clients would notice; what is under way is
# delivered after the start. What has run is started again at the end; until then its directories stand in was_running.
stop_mail_system() {
  was_running=/var/spool/postfix/pid/was-running
  running=
  for directory in $(instance_directories); do
    ! master_of "$directory" >/dev/null || running="$running $directory"
  done
  [ -n "$running" ] || return 0
  : >"$was_running"
  for directory in $running; do
    pid=$(master_of "$directory") || continue
    echo "$directory" >>"$was_running"
    kill "$pid" 2>/dev/null || :
    wait_for_end "$pid" || kill -9 "-$pid" 2>/dev/null || :
  done
  # Services are to know of it.
  [ ! -x /etc/init.d/postfix ] || invoke-rc.d postfix stop >/dev/null 2>&1 || :
}
