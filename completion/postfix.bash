# Completion for the commands of the mail system, for bash (and zsh, see postfix.zsh). One function serves all: the command's
# name says what it completes.

# What the commands know of this host. Each is silent where the user may not ask.
_postfix_parameters() {
  { postconf "${_postfix_config[@]}" -d; postconf "${_postfix_config[@]}" -n; } 2>/dev/null | sed 's/ =.*//' | sort -u
}
_postfix_services() { postconf "${_postfix_config[@]}" -M 2>/dev/null | awk '{ print $1 "/" $2 }'; }
_postfix_table_types() { postconf -m 2>/dev/null | sed 's/$/:/'; }
_postfix_queue_ids() { postqueue "${_postfix_config[@]}" -j 2>/dev/null | sed -n 's/.*"queue_id": *"\([^"]*\)".*/\1/p'; }
_postfix_flush_sites() { postconf "${_postfix_config[@]}" -hx fast_flush_domains 2>/dev/null | tr ', \t' '\n\n\n' | grep '^[a-z0-9.-]*$'; }
_postfix_instances() { postmulti -l 2>/dev/null | awk '{ print $1 }'; }
_postfix_groups() { postmulti -l 2>/dev/null | awk '$2 != "-" { print $2 }' | sort -u; }
_postfix_service_names() { postconf "${_postfix_config[@]}" -M 2>/dev/null | awk -v want="$1" '$2 != "inet" && ($3 == "n") == (want == "public") { print $1 }'; }
_postfix_queues="active corrupt deferred hold incoming maildrop"

# Offers words, or files, that begin with what has been typed.
_postfix_offer() {
  local word
  for word in $1; do
    case $word in "$_postfix_cur"*) COMPREPLY+=("$word") ;; esac
  done
}
_postfix_offer_files() { COMPREPLY+=($(compgen -f -- "$_postfix_cur")); }
_postfix_offer_directories() { COMPREPLY+=($(compgen -d -- "$_postfix_cur")); }
_postfix_no_space() { if type compopt >/dev/null 2>&1; then compopt -o nospace 2>/dev/null; fi; }

# How often an option is among the words in front of the cursor, alone or in a group ("-ec").
_postfix_has_option() {
  local i word
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
      --) return 1 ;;
      -*"$1"*) return 0 ;;
    esac
  done
  return 1
}

# The words that are no options, in front of the cursor; options with a value are those of $1.
_postfix_arguments() {
  local i word
  _postfix_words=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
      -?) case $1 in *"${word#-}"*) i=$((i + 1)) ;; esac ;;
      -*) ;;
      *) _postfix_words+=("$word") ;;
    esac
  done
}

_postfix_postconf() {
  case $_postfix_prev in
    -C) _postfix_offer "all builtin service user"; return ;;
    -T) _postfix_offer "compile-version run-version public-key-algorithms"; return ;;
  esac
  case $_postfix_cur in
    -*) _postfix_offer "-a -A -b -c -C -d -e -f -F -h -H -l -m -M -n -o -p -P -t -T -v -x -X -#"; return ;;
  esac
  if _postfix_has_option M || _postfix_has_option F || _postfix_has_option P; then
    _postfix_offer "$(_postfix_services)"
    return
  fi
  if _postfix_has_option e || _postfix_has_option o; then
    _postfix_offer "$(_postfix_parameters | sed 's/$/=/')"
    _postfix_no_space
    return
  fi
  _postfix_offer "$(_postfix_parameters)"
}

_postfix_postfix() {
  case $_postfix_cur in
    -*) _postfix_offer "-c -D -v" ;;
    *) _postfix_offer "abort check drain flush logrotate quick-stop reload set-permissions start start-fg status stop upgrade-configuration" ;;
  esac
}

_postfix_postqueue() {
  case $_postfix_prev in
    -i) _postfix_offer "$(_postfix_queue_ids)"; return ;;
    -s) _postfix_offer "$(_postfix_flush_sites)"; return ;;
  esac
  _postfix_offer "-c -f -i -j -p -s -v"
}

_postfix_postsuper() {
  case $_postfix_prev in
    -d | -e | -f | -h | -H | -r) _postfix_offer "$(_postfix_queue_ids) ALL -"; return ;;
  esac
  case $_postfix_cur in
    -*) _postfix_offer "-c -d -e -f -h -H -p -r -s -S -v" ;;
    *) _postfix_offer "$_postfix_queues bounce defer flush" ;;
  esac
}

_postfix_postcat() {
  case $_postfix_prev in
    -s) return ;;
  esac
  case $_postfix_cur in
    -*) _postfix_offer "-b -c -d -e -f -h -o -q -r -s -v"; return ;;
  esac
  if _postfix_has_option q; then _postfix_offer "$(_postfix_queue_ids)"; else _postfix_offer_files; fi
}

# postmap and postalias. Where ":" ends a word of the shell, the file behind a type is a word of its own.
_postfix_table() {
  case $_postfix_prev in
    -d | -q) [ -n "$_postfix_cur" ] || COMPREPLY=(-); return ;;
    :) _postfix_offer_files; return ;;
  esac
  case $_postfix_cur in
    -*) _postfix_offer "$1" ;;
    :) _postfix_cur=; _postfix_offer_files ;;
    *:*)
      local type=${_postfix_cur%%:*}
      _postfix_cur=${_postfix_cur#*:}
      _postfix_offer_files
      COMPREPLY=("${COMPREPLY[@]/#/$type:}")
      ;;
    */*) _postfix_offer_files ;;
    *)
      _postfix_offer "$(_postfix_table_types)"
      if [ ${#COMPREPLY[@]} -gt 0 ]; then _postfix_no_space; fi
      _postfix_offer_files
      ;;
  esac
}

_postfix_sendmail() {
  case $_postfix_prev in
    -N) _postfix_offer "delay failure never success"; return ;;
    -R) _postfix_offer "full hdrs"; return ;;
    -B) _postfix_offer "7BIT 8BITMIME"; return ;;
    -C | -X) _postfix_offer_files; return ;;
    -f | -F | -h | -L | -r | -V) return ;;
  esac
  case $_postfix_cur in
    -*) _postfix_offer "-B -bd -bi -bl -bm -bp -bs -bv -C -f -F -G -i -N -n -oi -q -qI -qR -r -R -t -U -V -v -X" ;;
    *) COMPREPLY+=($(compgen -u -- "$_postfix_cur" 2>/dev/null)) ;;
  esac
}

_postfix_postmulti() {
  case $_postfix_prev in
    -i) _postfix_offer "$(_postfix_instances) - all"; return ;;
    -g) _postfix_offer "$(_postfix_groups) all"; return ;;
    -G) _postfix_offer "$(_postfix_groups)"; return ;;
    -e) _postfix_offer "assign create deport destroy disable enable import init"; return ;;
    -I) return ;;
    -p) _postfix_postfix; return ;;
    -x) COMPREPLY+=($(compgen -c -- "$_postfix_cur")); return ;;
  esac
  _postfix_offer "-a -e -g -G -i -I -l -p -R -v -x"
}

_postfix_qshape() {
  case $_postfix_prev in
    -b | -m | -n | -N | -t | -w) return ;;
  esac
  case $_postfix_cur in
    -*) _postfix_offer "-b -c -l -m -n -N -p -s -t -w" ;;
    /*) _postfix_offer_directories ;;
    *) _postfix_offer "$_postfix_queues" ;;
  esac
}

_postfix_postlock() {
  case $_postfix_prev in
    -l) _postfix_offer "dotlock fcntl flock"; return ;;
  esac
  case $_postfix_cur in
    -*) _postfix_offer "-c -l -v"; return ;;
  esac
  _postfix_arguments cl
  if [ ${#_postfix_words[@]} = 1 ]; then COMPREPLY+=($(compgen -c -- "$_postfix_cur")); else _postfix_offer_files; fi
}

_postfix_postkick() {
  case $_postfix_cur in
    -*) _postfix_offer "-c -v"; return ;;
  esac
  _postfix_arguments c
  case ${#_postfix_words[@]} in
    0) _postfix_offer "public private" ;;
    1) _postfix_offer "$(_postfix_service_names "${_postfix_words[*]}")" ;;
  esac
}

_postfix_postlog() {
  case $_postfix_prev in
    -p) _postfix_offer "error fatal info panic warn"; return ;;
    -t) return ;;
  esac
  case $_postfix_cur in
    -*) _postfix_offer "-c -i -p -t -v" ;;
  esac
}

_postfix_authtest() {
  case $_postfix_prev in
    -a) _postfix_offer "private/auth"; return ;;
    -s) _postfix_offer "imap pop3 smtp"; return ;;
  esac
  case $_postfix_cur in
    -*) _postfix_offer "-a -c -s -v"; return ;;
  esac
  _postfix_arguments acs
  if [ ${#_postfix_words[@]} = 0 ]; then COMPREPLY+=($(compgen -u -- "$_postfix_cur")); fi
}

_postfix_complete() {
  local _postfix_cur=${COMP_WORDS[COMP_CWORD]} _postfix_prev=${COMP_WORDS[COMP_CWORD - 1]} i
  local _postfix_config=() _postfix_words=()
  COMPREPLY=()
  # Commands that are asked read the same configuration.
  for ((i = 1; i < COMP_CWORD - 1; i++)); do
    if [ "${COMP_WORDS[i]}" = -c ]; then _postfix_config=(-c "${COMP_WORDS[i + 1]}"); fi
  done
  local command=${COMP_WORDS[0]##*/}
  case $command:$_postfix_prev in
    sendmail:-c | postmulti:-c | mailq:* | newaliases:*) ;;
    *:-c) _postfix_offer_directories; return ;;
  esac
  case $command in
    authtest) _postfix_authtest ;;
    postalias) _postfix_table "-c -d -f -i -n -N -o -p -q -r -s -u -v -w" ;;
    postcat) _postfix_postcat ;;
    postconf) _postfix_postconf ;;
    postfix) _postfix_postfix ;;
    postfix-collate) _postfix_offer_files ;;
    postkick) _postfix_postkick ;;
    postlock) _postfix_postlock ;;
    postlog) _postfix_postlog ;;
    postmap) _postfix_table "-b -c -d -f -F -h -i -m -n -N -o -p -q -r -s -u -U -v -w" ;;
    postmulti) _postfix_postmulti ;;
    postqueue) _postfix_postqueue ;;
    postsuper) _postfix_postsuper ;;
    qshape) _postfix_qshape ;;
    sendmail) _postfix_sendmail ;;
    mailq | newaliases) _postfix_offer "-C -v" ;;
  esac
}

complete -F _postfix_complete authtest postalias postcat postconf postfix postfix-collate postkick postlock postlog postmap postmulti \
  postqueue postsuper qshape sendmail mailq newaliases
