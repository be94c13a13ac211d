# Which instances of the mail system this host has. To be sourced.

# Prints "NAME ENABLED DIRECTORY" for each instance, the primary one, "-", first. ENABLED is y or n.
postfix_instances() {
  primary=$(/usr/sbin/postconf -h config_directory 2>/dev/null) || return 1
  others=$(/usr/sbin/postconf -h multi_instance_directories 2>/dev/null | tr ',\t' '  ')
  if [ -z "$(echo $others)" ]; then
    echo "- y $primary"
    return 0
  fi
  echo "- $(postfix_instance_enabled "$primary") $primary"
  for directory in $others; do
    [ -f "$directory/main.cf" ] || continue
    # The network may not be there yet: the name depends on nothing that is looked up.
    name=$(/usr/sbin/postconf -o inet_interfaces= -hc "$directory" multi_instance_name 2>/dev/null)
    echo "${name:-${directory##*/}} $(postfix_instance_enabled "$directory") $directory"
  done
}

postfix_instance_enabled() {
  case $(/usr/sbin/postconf -o inet_interfaces= -hc "$1" multi_instance_enable 2>/dev/null) in
    [Yy]*) echo y ;;
    *) echo n ;;
  esac
}

# postfix_instance_directory NAME: its configuration directory.
postfix_instance_directory() {
  if [ "$1" = - ]; then
    /usr/sbin/postconf -h config_directory 2>/dev/null
  else
    postfix_instances | { wanted=$1
      while read -r name _ directory; do
        [ "$name" != "$wanted" ] || { echo "$directory"; exit 0; }
      done
      exit 1; }
  fi
}
