#!/bin/sh
# Process 1 of a private Courier: Debian's packages, unpacked by build-aux/unpack-packages, laid over this machine's /usr in
# mount and pid namespaces of its own. Nothing outside of DIRECTORY is written.
#
# usage: courier.sh UNPACKED DIRECTORY IMAP_PORT POP3_PORT    (in DIRECTORY: userdb and passwd; there we write "pid")
set -e
unpacked=$1 dir=$2
read -r pid rest </proc/self/stat             # our pid as those outside see it: /proc is still theirs
echo "$pid" >"$dir/pid"
mount --make-rprivate /
mount -t proc proc /proc
mkdir "$dir/fs"
mount -t tmpfs -o mode=755 tmpfs "$dir/fs"
mkdir "$dir/fs/etc" "$dir/fs/work" "$dir/fs/home"
mount -t overlay overlay -o "lowerdir=$unpacked/usr:/usr" /usr
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$dir/fs/etc,workdir=$dir/fs/work" /etc
mount -t tmpfs -o mode=755 tmpfs /run
cp -a "$unpacked/etc/courier" /etc/
install -m 600 "$dir/userdb" /etc/courier/userdb
cp "$dir/passwd" /etc/passwd
makeuserdb
cat >/etc/courier/authdaemonrc <<END
authmodulelist="authuserdb"
authmodulelistorig="authuserdb"
daemons=2
authdaemonvar=/run/courier/authdaemon
END
mkdir -p /run/courier/authdaemon
mount --bind "$dir/fs/home" /home
mount -t tmpfs -o mode=1777 tmpfs /tmp   # gamin, without which imapd waits at each lock, has its sockets there
/usr/lib/courier/courier-authlib/authdaemond &
# The settings are those of Debian's files, but for what else would need more of a machine.
serve() {
  env -i PATH=/usr/bin:/bin sh -c 'set -a; . /etc/courier/$1; IMAP_EMPTYTRASH= IMAP_STARTTLS=NO; shift
    exec /usr/sbin/couriertcpd -address=127.0.0.1 -maxprocs=40 -maxperip=40 -nodnslookup -noidentlookup "$@" Maildir' sh "$@" &
}
serve imapd "$3" /usr/lib/courier/courier/imaplogin /usr/bin/imapd
serve pop3d "$4" /usr/lib/courier/courier/courierpop3login /usr/lib/courier/courier/courierpop3d
wait
