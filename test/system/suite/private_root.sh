#!/bin/sh
# Process 1 of a private instance run as root: a copy-on-write view of this machine in which the built programs are
# installed where Debian's package has them, with its own accounts, mailboxes, queue and log. Started by ours.py in new
# mount, pid, uts and ipc namespaces; nothing outside of the instance's directory is written.
#
# usage: private_root.sh INSTANCE_DIR TREE BUILD HOSTNAME [isolated]
#   isolated   in a network namespace of its own, with a /dev of its own for the syslog socket
set -e
dir=$1 tree=$2 build=$3 name=$4
read -r pid rest </proc/self/stat             # our pid as those outside see it: /proc is still theirs
mount --make-rprivate /
hostname "$name"
fs=$dir/fs root=$dir/fs/root
mount -t tmpfs -o mode=755 tmpfs "$fs"
mkdir "$fs/upper" "$fs/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$fs/upper,workdir=$fs/work" "$root"
mount -t proc proc "$root/proc"
if [ "$5" = isolated ]; then
  ip link set lo up
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  for node in null zero full random urandom tty; do
    touch "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
  done
  ln -s /proc/self/fd "$root/dev/fd"
else
  mount --rbind /dev "$root/dev"
fi
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -m 1777 "$root/run/lock"
# What the mail system writes lies on a plain file system: an overlay's link and inode rules are not those of a disk.
for d in spool/postfix mail lib/postfix log; do
  mkdir -p "$fs/data/var/$d" "$root/var/$d"
  mount --bind "$fs/data/var/$d" "$root/var/$d"
done
for d in home etc/postfix; do
  mkdir -p "$fs/data/$d" "$root/$d"
  mount --bind "$fs/data/$d" "$root/$d"
done
cp -a "$dir/seed/." "$root/"
# Programs of Debian that tests use, unpacked by build-aux/unpack-packages.
if [ -e "$tree/build/tools/.done" ]; then
  cp -a "$tree/build/tools/usr/bin/." "$root/usr/bin/"
  cp -a "$tree"/build/tools/usr/lib/*-linux-*/. "$root"/usr/lib/*-linux-gnu/
fi
chmod 2775 "$root/var/mail"; chgrp mail "$root/var/mail"
# The build tree may lie where only root can go; the instance's users reach it here.
mkdir -p "$root/valija/tree" "$root/valija/build"
mount --bind "$tree" "$root/valija/tree"
mount --bind "$build" "$root/valija/build"
while read -r kind program; do
  case $kind in
    daemon) mkdir -p "$root/usr/lib/postfix/sbin"; ln -sf "/valija/build/$program" "$root/usr/lib/postfix/sbin/" ;;
    script) mkdir -p "$root/usr/lib/postfix/sbin"; ln -sf "/valija/tree/$program" "$root/usr/lib/postfix/sbin/" ;;
    module) mkdir -p "$root/usr/lib/postfix"; ln -sf "/valija/build/$program" "$root/usr/lib/postfix/" ;;
    setgid) rm -f "$root/usr/sbin/${program##*/}"
            install -m 2755 -g 103 "$build/$program" "$root/usr/sbin/" ;;
    command) ln -sf "/valija/build/$program" "$root/usr/sbin/" ;;
  esac
done <"$dir/programs"
ln -sf ../sbin/sendmail "$root/usr/lib/sendmail"
ln -sf ../sbin/sendmail "$root/usr/bin/mailq"
ln -sf ../sbin/sendmail "$root/usr/bin/newaliases"
# The pid is told from inside: whoever enters by it before the chroot would be in the machine's own root.
exec chroot "$root" sh -c 'trap exit TERM; cd /; echo "$1"; exec >/dev/null 2>&1; while :; do sleep 100000 & wait $!; done' init "$pid"
