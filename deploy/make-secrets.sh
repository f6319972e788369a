#!/bin/sh
# Makes the secrets of docker-compose.yml once, at random, in deploy/secrets (or $1); what is there already is kept.
set -eu
umask 077
dir=${1:-$(dirname "$0")/secrets}
mkdir -p "$dir"

secret() {  # NAME: 32 random bytes as hex
  [ -s "$dir/$1" ] || od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$dir/$1"
}

secret pepper
secret postgres_password
secret redis_password
secret grafana_password
printf 'postgresql+asyncpg://triplegate:%s@postgres:5432/triplegate' "$(cat "$dir/postgres_password")" > "$dir/store_url"
printf 'redis://:%s@redis:6379/0' "$(cat "$dir/redis_password")" > "$dir/redis_url"
# The containers' users are not yours: the files must be readable to them, the directory is to you alone.
chmod 0444 "$dir"/*
chmod 0700 "$dir"
echo "secrets are in $dir; Grafana: admin / $dir/grafana_password"
