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

# wait_for_end PID SECONDS: false when it has not ended by then. A zombie, which nobody reaps, has.
wait_for_end() {
  looks=$(($2 * 20))
  while readlink "/proc/$1/exe" >/dev/null 2>&1; do
    [ $looks -gt 0 ] || return 1
    looks=$((looks - 1))
    sleep 0.05
  done
}

# Stops the mail system before its programs change: a master must not start programs of another release. What a policy
# (policy-rc.d) keeps from being stopped is stopped all the same, and is started again at the end: its directories stand in
# the file "restart".
stop_mail_system() {
  restart=/var/spool/postfix/restart
  running=
  for directory in $(instance_directories); do
    ! master_of "$directory" >/dev/null || running="$running $directory"
  done
  [ -n "$running" ] || return 0
  : >"$restart"
  # systemctl returns before the instances have ended.
  [ ! -x /etc/init.d/postfix ] || invoke-rc.d postfix stop >/dev/null 2>&1 || :
  for directory in $running; do
    pid=$(master_of "$directory") || continue
    if [ -d /run/systemd/system ] && ! policy_denies_stop && wait_for_end "$pid" 15; then continue; fi
    echo "$directory" >>"$restart"
    kill "$pid" 2>/dev/null || :
    wait_for_end "$pid" 15 || kill -9 "-$pid" 2>/dev/null || :
  done
}

policy_denies_stop() {
  [ -x /usr/sbin/policy-rc.d ] || return 1
  code=0
  /usr/sbin/policy-rc.d postfix stop >/dev/null 2>&1 || code=$?
  [ "$code" = 101 ]
}
