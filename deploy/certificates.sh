#!/bin/sh
# Makes what Dask's encryption takes, once: an authority of its own and one certificate, for scheduler, workers and driver.
#   deploy/certificates.sh [FOLDER]      (deploy/tls where none is given; never committed)
# Each side shows the certificate and takes only what the same authority signed, so keep the folder as you keep keys.
set -eu
folder=${1:-$(dirname "$0")/tls}
days=825
[ ! -e "$folder/key.pem" ] || { echo "$folder holds certificates already; remove it to make new ones" >&2; exit 1; }
umask 077
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey rsa:3072 -nodes -days $days -subj "/CN=delegated-influence authority" \
  -keyout "$work/ca.key" -out "$folder/ca.pem" 2>/dev/null
openssl req -newkey rsa:3072 -nodes -subj "/CN=delegated-influence dask" -keyout "$folder/key.pem" -out "$work/request" 2>/dev/null
openssl x509 -req -in "$work/request" -CA "$folder/ca.pem" -CAkey "$work/ca.key" -CAserial "$work/serial" -CAcreateserial -days $days \
  -out "$folder/cert.pem" 2>/dev/null
# The authority's own key is gone with the work folder: nobody can sign another certificate with it.
chmod 600 "$folder"/*.pem
# The containers' user reads them, and nobody else.
chown -R 10001 "$folder" 2>/dev/null || echo "for compose, too: sudo chown -R 10001 $folder"
echo "$folder: ca.pem, cert.pem, key.pem, for $days days"
