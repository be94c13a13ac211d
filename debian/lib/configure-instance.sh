#!/bin/sh
# Before an instance starts: copies what services in the queue's chroot look for there, as other packages know it from
# Debian's Postfix. /etc/default/postfix may set SYNC_CHROOT=n, chroot_extra_files and chroot_extra_CAdir.
#
# usage: configure-instance.sh INSTANCE     ("-" is the primary one)
. /usr/lib/postfix/instances.sh

SYNC_CHROOT=y
chroot_extra_files=
chroot_extra_CAdir=
[ ! -f /etc/default/postfix ] || . /etc/default/postfix

config=$(postfix_instance_directory "${1:--}") || { echo "configure-instance.sh: no instance $1" >&2; exit 1; }
value() { /usr/sbin/postconf -c "$config" -hx "$1" 2>/dev/null; }

origin=$(value myorigin)
case $origin in
  /*) origin=$(head -n 1 "$origin" 2>/dev/null) ;;
esac
case $origin in
  debian.org|ubuntu.com)
    echo "myorigin is $origin, whose users are not here: set it (or /etc/mailname) before the mail system starts" >&2
    exit 1 ;;
esac

[ "$SYNC_CHROOT" = y ] || exit 0
/usr/sbin/postconf -c "$config" -F '*/*/chroot' 2>/dev/null | grep -q '= y$' || exit 0
queue=$(value queue_directory)
[ -n "$queue" ] && [ -d "$queue" ] || exit 0
umask 022

# keep FILE..: the chroot's FILE is what FILE is. A process that reads it meanwhile sees the old or the new one whole.
keep() {
  for file in "$@"; do
    [ -f "$file" ] || continue
    copy=$queue$file
    cmp -s "$file" "$copy" && continue
    mkdir -p "${copy%/*}"
    cp -pL "$file" "$copy.new" && mv -f "$copy.new" "$copy"
  done
}

# keep_certificates DIRECTORY: its certificates, and their hashed names.
keep_certificates() {
  case $1 in
    /*) ;;
    *) return 0 ;;
  esac
  [ -d "$1" ] || return 0
  mkdir -p "$queue$1"
  set -- "$1" "$1"/*.pem
  [ -f "$2" ] || return 0
  directory=$1
  shift
  before=$(ls -l --time-style=full-iso "$queue$directory")
  cp -pLu "$@" "$queue$directory/"
  for copy in "$queue$directory"/*.pem; do
    [ -f "${copy#"$queue"}" ] || rm -f "$copy"
  done
  [ "$before" != "$(ls -l --time-style=full-iso "$queue$directory")" ] || return 0
  ! command -v openssl >/dev/null || openssl rehash "$queue$directory" >/dev/null 2>&1
}

mkdir -p "$queue/dev" "$queue/etc" "$queue/lib" "$queue/usr/lib/zoneinfo"
keep /etc/localtime /etc/services /etc/resolv.conf /etc/hosts /etc/host.conf /etc/nsswitch.conf /etc/nss_mdns.config
# shellcheck disable=SC2086
keep $chroot_extra_files
keep /lib/*/libgcc_s*.so* /lib/*/libnss*.so* /lib/*/libresolv*.so*
for copy in "$queue"/lib/*/lib*.so*; do
  [ -e "${copy#"$queue"}" ] || rm -f "$copy"
done
[ -L "$queue/usr/lib/zoneinfo/localtime" ] || ln -sf /etc/localtime "$queue/usr/lib/zoneinfo/localtime"
for device in /dev/random /dev/urandom; do
  [ -e "$queue$device" ] || cp -a "$device" "$queue$device" 2>/dev/null
done

for authorities in "$(value smtp_tls_CApath)" "$(value smtpd_tls_CApath)" "$chroot_extra_CAdir"; do
  keep_certificates "$authorities"
done

# Only where a service in the chroot looks into the accounts itself; passwords are nobody's business there.
case " $(value local_recipient_maps | tr ',' ' ') " in
  *" unix:passwd.byname "*)
    sed 's/^\([^:]*\):[^:]*:/\1:x:/' /etc/passwd >"$queue/etc/passwd.new" && mv -f "$queue/etc/passwd.new" "$queue/etc/passwd" ;;
esac
exit 0
