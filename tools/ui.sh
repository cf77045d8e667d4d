# shellcheck shell=bash
# How the scripts talk to the person at the terminal. Sourced, never run.

say() { printf '%s\n' "$*"; }

# Prints an error and ends the script. Say what was wanted, what was found, what to do.
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Hides addresses in what other programs print: where packages come from is this machine's business.
hide_addresses() { sed -E 's#[a-z]+://[^[:space:])>,]+#(address)#g'; }

# run_step <title> <log file> <command…>: runs a long command with its output in the log. Shows
# the elapsed time while it runs, and the end of the log if it fails; returns its status.
run_step() {
  local title=$1 log=$2
  shift 2
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 &
  local pid=$! start=$SECONDS status=0 shown=0 elapsed
  # An interrupted step must not go on in the background.
  # shellcheck disable=SC2064
  trap "kill $pid 2>/dev/null; exit 130" INT TERM
  [[ -t 1 ]] || say "$title …"
  while kill -0 "$pid" 2>/dev/null; do
    elapsed=$((SECONDS - start))
    if [[ -t 1 ]]; then
      printf '\r%s … %d s' "$title" "$elapsed"
    elif ((elapsed - shown >= 30)); then
      shown=$elapsed
      say "  still at it after $elapsed s"
    fi
    sleep 0.2
  done
  wait "$pid" || status=$?
  trap - INT TERM
  if [[ -t 1 ]]; then
    printf '\r%s … %d s%s\n' "$title" $((SECONDS - start)) \
      "$([[ $status == 0 ]] || printf ', failed')"
  fi
  if [[ $status != 0 ]]; then
    tail -n 20 "$log" | hide_addresses | sed 's/^/  | /' >&2
    say "  (all of it is in ${log#"$PWD"/})" >&2
  fi
  return "$status"
}
