#!/usr/bin/env bash
# Reads what is in deploy/ with the programs it is for, as far as they can be had: helm, the loader of Docker Compose, and
# the types of Kubernetes. With Go they come from the Go module proxy, pinned in scripts/check-deploy; nothing is installed.
# The last lines say what was skipped, and why. What needs no such program is checked by `npm run test:unit`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

HELM_MODULE=helm.sh/helm/v3/cmd/helm@v3.22.0
# The oldest that the chart allows, and a new one.
KUBERNETES_VERSIONS=(1.25.0 1.34.0)
CHART=deploy/helm/holdfast
COMPOSE=deploy/compose/compose.yaml
PGBOUNCER=deploy/compose/compose.pgbouncer.yaml

skipped=()
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

reader=
if command -v go >/dev/null; then
  if go -C scripts/check-deploy build -o "$scratch/check-deploy" . 2>"$scratch/why"; then
    reader=$scratch/check-deploy
  else
    skipped+=("the readers of scripts/check-deploy: they could not be built: $(tail -n 1 "$scratch/why")")
  fi
else
  skipped+=('the readers of scripts/check-deploy: there is no Go to build them with')
fi

helm=()
if command -v helm >/dev/null; then
  helm=(helm)
elif command -v go >/dev/null && GOBIN=$scratch go install "$HELM_MODULE" 2>"$scratch/why"; then
  helm=("$scratch/helm")
else
  skipped+=("the Helm chart: there is no helm, and none could be built: $(tail -n 1 "$scratch/why" 2>/dev/null || echo 'there is no Go')")
fi

echo '=== compose'
if [[ -n $reader ]]; then
  "$reader" compose "$COMPOSE"
  "$reader" compose "$COMPOSE" "$PGBOUNCER"
fi
if docker compose version >/dev/null 2>&1; then
  docker compose -f "$COMPOSE" config --quiet
  docker compose -f "$COMPOSE" -f "$PGBOUNCER" config --quiet
  echo 'docker compose config: fine'
else
  skipped+=('docker compose config: there is no docker compose')
fi

if [[ ${#helm[@]} -gt 0 ]]; then
  echo '=== helm'
  for values in "$CHART"/ci/*.yaml; do
    "${helm[@]}" lint --strict --quiet "$CHART" --values "$values"
    for version in "${KUBERNETES_VERSIONS[@]}"; do
      "${helm[@]}" template release "$CHART" --namespace holdfast --kube-version "$version" --values "$values" >"$scratch/rendered.yaml"
      if [[ -n $reader ]]; then "$reader" kubernetes <"$scratch/rendered.yaml"; fi
    done
    echo "${values#"$CHART"/}: fine"
  done
  # What must not be installed is refused, and in words.
  refuses() {
    local why=$1
    shift
    if "${helm[@]}" template release "$CHART" --kube-version 1.34.0 "$@" >"$scratch/rendered.yaml" 2>"$scratch/why"; then
      echo "rendered, and should have been refused: $*"
      return 1
    fi
    if ! grep --quiet --fixed-strings -- "$why" "$scratch/why"; then
      echo "refused $*, but not because of \"$why\":"
      cat "$scratch/why"
      return 1
    fi
  }
  # Which Secret and key a variable comes from, in each place where it is set.
  origins() {
    "${helm[@]}" template release "$CHART" --kube-version 1.34.0 --show-only "templates/$1" "${@:3}" |
      grep --after-context 4 -- "- name: $2\$" | sed -En 's/^ +(name|key): //p' | paste --serial --delimiters ' ' || true
  }
  comes_from() {
    local expected=$1 origins
    origins=$(origins "${@:2}")
    [[ $origins == "$expected" ]] || { echo "in $2 $3 comes from "$origins", not from "$expected""; return 1; }
  }
  all=(--values "$CHART/ci/everything.yaml")
  plain=(--values "$CHART/ci/plain.yaml")
  comes_from 'holdfast database-url' migrate.yaml HOLDFAST_DATABASE_URL "${plain[@]}"
  comes_from 'holdfast owner-url' migrate.yaml HOLDFAST_DATABASE_URL "${plain[@]}"     --set migrate.secret.env.HOLDFAST_DATABASE_URL=owner-url
  comes_from 'holdfast-owner database-url' migrate.yaml HOLDFAST_DATABASE_URL "${all[@]}"
  comes_from 'holdfast-owner placements' migrate.yaml HOLDFAST_PLACEMENTS "${all[@]}"
  comes_from 'holdfast listen-url' migrate.yaml HOLDFAST_LISTEN_URL "${all[@]}"
  comes_from 'holdfast database-url' deployment.yaml HOLDFAST_DATABASE_URL "${all[@]}"
  comes_from 'holdfast placements' deployment.yaml HOLDFAST_PLACEMENTS "${all[@]}"
  echo 'the migration has an address of its own, if it is given one, and servers never have that'
  refuses 'secret.name must name a Secret'
  refuses 'tls.secretName must name a Secret' --set secret.name=x
  refuses "additional properties 'drain-dellay' not allowed" "${plain[@]}" --set config.drain-dellay=5s
  refuses "additional properties 'grpc-address' not allowed" "${plain[@]}" --set config.grpc-address=127.0.0.1:1
  refuses '/config/log-level' "${plain[@]}" --set config.log-level=loud
  refuses 'config.auth must say' "${plain[@]}" --set config.auth=null
  refuses 'needs tls.clientCaKey' "${plain[@]}" --set 'config.auth={mtls}'
  refuses 'with mtls alone' "${plain[@]}" --set 'config.auth={mtls},tls.secretName=x,tls.clientCaKey=y'
  refuses 'migrate.secret.env must say' "${plain[@]}" --set migrate.secret.name=holdfast-owner
  echo 'what must not be installed is refused'
fi

echo
echo 'Skipped, and why:'
printf '  %s\n' "${skipped[@]:-nothing}"
