#!/bin/sh
# Installs from Debian what the tests need beside Deno: Orthanc, Redis, sample DICOM files, OpenSSL
# and AWS's own signer. Nothing is upgraded, no service is started, and a second run does nothing.
# Needs root.
set -eu

packages="orthanc orthanc-dicomweb redis-server dcmtk openssl python3-pydicom python3-botocore"

missing=""
for package in $packages; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "install.sh: everything is installed"
  exit 0
fi

# Debian starts the services it installs, unless this file tells it not to.
policy=/usr/sbin/policy-rc.d
kept=$(mktemp -d)
restore() {
  rm -f "$policy"
  if [ -e "$kept/policy-rc.d" ]; then mv "$kept/policy-rc.d" "$policy"; fi
  rm -rf "$kept"
}
trap restore EXIT
trap 'exit 1' HUP INT TERM
if [ -e "$policy" ]; then mv "$policy" "$kept/policy-rc.d"; fi
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

echo "install.sh: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -qq -y --no-install-recommends --no-upgrade $missing
