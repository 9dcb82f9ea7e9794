#!/bin/sh
# Makes what docker/compose.yaml wants: secrets in docker/.env and docker/secrets/, certificates in
# docker/certificates/. What is there already stays as it is. Needs OpenSSL.
set -eu
cd "${1:-$(dirname "$0")}"
umask 077

random() { openssl rand -hex 24; }

if [ ! -e .env ]; then
  # A key of the form that `make-api-key` makes, and its hash.
  key=$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n')
  hash=$(printf %s "$key" | openssl dgst -sha256 | sed 's/^.* //')
  cat >.env.new <<END
ORTHANC_PASSWORD=$(random)
KEYCLOAK_ADMIN_PASSWORD=$(random)
GATEWAY_CLIENT_SECRET=$(random)
GATEWAY_API_KEY=$key
GATEWAY_API_KEY_HASH=sha256:$hash
END
  mv .env.new .env
fi

# The directories are closed to others on this machine. The files are open: in the containers the
# programs run as users of their own.
mkdir -p secrets certificates
sed -n 's/^GATEWAY_CLIENT_SECRET=//p' .env >secrets/client-secret
chmod 644 secrets/client-secret

if [ ! -e certificates/store.crt ]; then
  cd certificates
  curve="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
  # shellcheck disable=SC2086 # a list of words
  openssl req -x509 $curve -days 825 -subj "/CN=Authority of the example" \
    -keyout authority.key -out authority.crt 2>/dev/null
  for name in keycloak store; do
    # shellcheck disable=SC2086
    openssl req $curve -subj "/CN=$name" -keyout "$name.key" -out "$name.csr" 2>/dev/null
    printf 'subjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n' \
      "$name" >"$name.ext"
    openssl x509 -req -in "$name.csr" -CA authority.crt -CAkey authority.key -CAcreateserial \
      -days 397 -extfile "$name.ext" -out "$name.crt" 2>/dev/null
    chmod 644 "$name.key" "$name.crt"
  done
  chmod 644 authority.crt
  rm -f ./*.csr ./*.ext ./*.srl authority.key
fi
