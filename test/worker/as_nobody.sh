#!/bin/sh
# as_nobody.sh TEST RUNNER PATTERN: the same tests as an ordinary user, when we are root. Both programs are
# copied to where nobody can reach them.
set -eu
if [ "$(id -u)" != 0 ]; then
  echo "skipped: not root, the tests have run as an ordinary user already"
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cp "$1" "$folder/test"
cp "$2" "$folder/re-runner"
cd /
setpriv --reuid 65534 --regid 65534 --clear-groups "$folder/test" -n -v 4 -r "$4" -s "$3"
