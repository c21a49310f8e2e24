#!/bin/sh
# Pins every image that is not ours by its digest, where a registry answers: `postgres:17.6` -> `postgres:17.6@sha256:...`.
#   deploy/pin.sh            writes the digests into the files of this folder; run again, it writes today's
#   deploy/pin.sh --check    changes nothing; exit code 1 where an image has no digest, or another one than the registry's
set -eu
cd "$(dirname "$0")"
files="compose.yaml Dockerfile kubernetes/postgres.yaml"
images=$(sed -nE 's/^ *(image:|FROM) *([a-z0-9./-]+:[A-Za-z0-9._-]+)(@sha256:[0-9a-f]{64})? *$/\2/p' $files | grep -v '^delegated-influence' | sort -u)
wrong=0
for image in $images; do
  digest=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$image" 2>/dev/null) || digest=
  case $digest in
    sha256:????????????????????????????????????????????????????????????????) ;;
    *) echo "$image: no registry tells its digest; nothing is written" >&2; exit 1 ;;
  esac
  name=$(printf %s "$image" | sed 's/[.]/\\./g')
  if [ "${1:-}" = --check ]; then
    unpinned=$(grep -hE "(image:|FROM) *$name(@|\$| )" $files | grep -cv "$image@$digest" || true)
    [ "$unpinned" = 0 ] || { echo "$image: is not pinned to $digest" >&2; wrong=1; }
  else
    for file in $files; do
      sed -E "s#((image:|FROM) *)$name(@sha256:[0-9a-f]{64})?( *)\$#\1$image@$digest#" "$file" > "$file.new"
      if cmp -s "$file" "$file.new"; then rm "$file.new"; else cat "$file.new" > "$file"; rm "$file.new"; fi
    done
    echo "$image@$digest"
  fi
done
exit $wrong
