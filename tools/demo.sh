#!/usr/bin/env bash
# Runs the orders pipeline from end to end: a producer, the job with its two sinks, and at the end
# what the lake holds. Data stays in data/, so that a second run continues where the first ended.
# `./dev demo` calls this after building and after starting Kafka.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
# shellcheck source=tools/ui.sh
source tools/ui.sh

BUILD_DIR=build/release
SERVERS=127.0.0.1:19092
SECONDS_TO_RUN=0
RATE=200
WITH_PYTHON=0
CHECKPOINT=data/checkpoints
LAKE=data/refined_orders
STOP_SECONDS=30

PRODUCER=""
JOB=""

usage() {
  cat <<'END'
Usage: ./dev demo [--seconds N] [--bootstrap-servers HOST:PORT] [--rate R] [--python]

  --seconds N             stop after N seconds; otherwise Ctrl-C does
  --bootstrap-servers A   use this Kafka instead of starting one
  --rate R                orders a second; default 200
  --python                run the PySpark original of the job (millrace submit)
END
}

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      -h | --help)
        usage
        exit
        ;;
      --python)
        WITH_PYTHON=1
        shift
        continue
        ;;
      *=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    esac
    (($# >= 2)) || die "$1 wants a value. See ./dev demo --help."
    case $1 in
      --seconds) SECONDS_TO_RUN=$2 ;;
      --bootstrap-servers) SERVERS=$2 ;;
      --rate) RATE=$2 ;;
      --build-dir) BUILD_DIR=$2 ;;
      *) die "./dev demo does not know '$1'. See ./dev demo --help." ;;
    esac
    shift 2
  done
  [[ $SECONDS_TO_RUN =~ ^[0-9]+$ ]] || die "Wanted whole seconds, found '$SECONDS_TO_RUN'."
}

check_programs() {
  local program
  for program in orders_producer ecommerce_tracking ecommerce_summary millrace; do
    [[ -x $BUILD_DIR/$program ]] ||
      die "Wanted the program $program in $BUILD_DIR, found none. Run ./dev build release."
  done
}

is_running() { [[ -n $1 ]] && kill -0 "$1" 2>/dev/null; }

# finish <name> <process>: asks a process of ours to end, waits for it, and returns its status.
finish() {
  local name=$1 pid=$2 deadline=$((SECONDS + STOP_SECONDS)) status=0
  [[ -n $pid ]] || return 0
  kill -INT "$pid" 2>/dev/null || true
  while is_running "$pid"; do
    if ((SECONDS >= deadline)); then
      say "$name did not end within $STOP_SECONDS s; killing it." >&2
      kill -KILL "$pid" 2>/dev/null || true
      break
    fi
    sleep 0.1
  done
  wait "$pid" || status=$?
  return "$status"
}

# The producer first, so that the job can take in what was sent.
stop_both() {
  local failed=0
  trap '' INT TERM
  finish "The producer" "$PRODUCER" || failed=1
  finish "The job" "$JOB" || failed=1
  PRODUCER="" JOB=""
  return "$failed"
}

# Whether the time is up, the person wants to stop, or one of the two ended by itself.
over() {
  ((INTERRUPTED)) && return 0
  ((SECONDS_TO_RUN > 0 && SECONDS - STARTED >= SECONDS_TO_RUN)) && return 0
  ! is_running "$PRODUCER" || ! is_running "$JOB"
}

run_pipeline() {
  mkdir -p data
  # The first order makes the topic, which the job must find when it starts.
  "$BUILD_DIR/orders_producer" --bootstrap-servers "$SERVERS" --create-topic --partitions 4 \
    --count 1 </dev/null >data/producer.log 2>&1 ||
    die "No order could be sent to $SERVERS. See data/producer.log."
  INTERRUPTED=0 STARTED=$SECONDS
  trap 'INTERRUPTED=1' INT TERM
  # Job control gives both a process group of their own: Ctrl-C reaches this script only, and it
  # stops them in the right order. Without, bash would also make them ignore SIGINT.
  set -m
  "$BUILD_DIR/orders_producer" --bootstrap-servers "$SERVERS" --rate "$RATE" \
    </dev/null >data/producer.log 2>&1 &
  PRODUCER=$!
  local job=("$BUILD_DIR/ecommerce_tracking")
  if ((WITH_PYTHON)); then
    job=("$BUILD_DIR/millrace" submit --python .deps/venv/bin/python
      apps/orders/ecommerce_tracking.py)
  fi
  "${job[@]}" --bootstrap-servers "$SERVERS" --checkpoint "$CHECKPOINT" --output "$LAKE" \
    </dev/null &
  JOB=$!
  set +m
  until over; do
    sleep 0.2 || true
  done
  is_running "$PRODUCER" || ((INTERRUPTED)) ||
    say "The producer ended by itself; its log is data/producer.log." >&2
  is_running "$JOB" || ((INTERRUPTED)) || say "The job ended by itself." >&2
  stop_both || die "The producer or the job failed. See above, and data/producer.log."
}

show_lake() {
  say ""
  say "What the lake $LAKE holds now:"
  "$BUILD_DIR/ecommerce_summary" --output "$LAKE"
}

parse_arguments "$@"
check_programs
trap 'stop_both || true' EXIT
run_pipeline
show_lake
