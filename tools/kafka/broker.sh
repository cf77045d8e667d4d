#!/usr/bin/env bash
# A single-node Kafka broker on 127.0.0.1, for the demo, tests and benchmarks.
# `./dev kafka` calls this; tests call it to have a broker of their own.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/ui.sh
source "$ROOT/tools/ui.sh"

JARS=${MILLRACE_KAFKA_LIBS:-$ROOT/.deps/kafka/libs}
MIN_HEAP=512m
MAX_HEAP=${MILLRACE_KAFKA_HEAP:-1g}
READY_SECONDS=60
STOP_SECONDS=30

usage() {
  cat <<'END'
Usage: tools/kafka/broker.sh start|stop|status --port P --dir D [--properties F]

  --port P   clients connect to 127.0.0.1:P; P+1 is taken as well, by the controller
  --dir D    data, configuration, log and process id; made if missing, kept by stop
  --properties F   more settings for the broker, which win over its own; keep PLAINTEXT and
             CONTROLLER among the listeners if they change

start waits until the broker accepts connections; stop waits until it is gone; status succeeds if
it runs. Environment:
  MILLRACE_KAFKA_LIBS   where the jars are; default .deps/kafka/libs, which ./dev kafka fills
  MILLRACE_KAFKA_HEAP   the broker's greatest heap, at least 512m; default 1g
END
}

parse_arguments() {
  ACTION=${1:-} PORT="" DIR="" PROPERTIES=""
  (($# == 0)) || shift
  while (($# > 0)); do
    case $1 in
      --port) PORT=${2:-} ;;
      --dir) DIR=${2:-} ;;
      --properties) PROPERTIES=${2:-} ;;
      *) die "broker.sh does not know '$1'. See broker.sh --help." ;;
    esac
    (($# >= 2)) || die "$1 wants a value."
    shift 2
  done
  case $ACTION in
    start | stop | status) ;;
    help | -h | --help)
      usage
      exit
      ;;
    *) die "Wanted start, stop or status, found '$ACTION'. See broker.sh --help." ;;
  esac
  if ! [[ $PORT =~ ^[0-9]+$ ]] || ((PORT == 0 || PORT >= 65535)); then
    die "Wanted --port between 1 and 65534, found '$PORT'."
  fi
  [[ -n $DIR ]] || die "Wanted --dir with a folder, found none."
  [[ -z $PROPERTIES || -r $PROPERTIES ]] ||
    die "Wanted --properties with a file that can be read, found '$PROPERTIES'."
}

# Prints the process id of this folder's broker, or fails if it is not running. A process id that
# another program got meanwhile does not count.
running_pid() {
  local pid
  [[ -f $DIR/broker.pid ]] || return 1
  pid=$(<"$DIR/broker.pid")
  [[ -r /proc/$pid/cmdline ]] || return 1
  tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF "$DIR/server.properties" || return 1
  printf '%s\n' "$pid"
}

accepts_connections() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The port that the folder's broker was started with.
configured_port() { sed -nE '1s/^# port ([0-9]+)$/\1/p' "$DIR/server.properties"; }

write_configuration() {
  cat >"$DIR/server.properties" <<END
# port $PORT
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((PORT + 1))
listeners=PLAINTEXT://127.0.0.1:$PORT,CONTROLLER://127.0.0.1:$((PORT + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$PORT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$DIR/data
num.partitions=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
log.retention.hours=100000
log.cleaner.backoff.ms=500
END
  # Of a setting that is there twice the last one counts.
  [[ -z $PROPERTIES ]] || cat "$PROPERTIES" >>"$DIR/server.properties"
  cat >"$DIR/log4j2.properties" <<END
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName=$DIR/server.log
appender.file.filePattern=$DIR/server.log.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=[%d] %p %m (%c)%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=2
rootLogger.level=WARN
rootLogger.appenderRef.file.ref=file
logger.started.name=kafka.server.KafkaRaftServer
logger.started.level=INFO
END
}

format_storage() {
  [[ ! -f $DIR/data/meta.properties ]] || return 0
  # The cluster's id: 16 random bytes, in an alphabet without what looks like an option.
  local id
  id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | tr -d '=')
  java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    "-Dlog4j2.configurationFile=$DIR/log4j2.properties" -cp "$JARS/*" \
    kafka.tools.StorageTool format -t "$id" -c "$DIR/server.properties" \
    >"$DIR/console.log" 2>&1 || fail_with_log "Kafka could not prepare its folder."
}

fail_with_log() {
  tail -n 15 "$DIR/console.log" "$DIR/server.log" 2>/dev/null | sed 's/^/  | /' >&2
  die "$1 The logs are in $DIR."
}

launch() {
  : >"$DIR/server.log"
  # A session of its own, so that Ctrl-C in this terminal does not reach the broker.
  setsid java "-Xms$MIN_HEAP" "-Xmx$MAX_HEAP" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 \
    -XX:InitiatingHeapOccupancyPercent=35 -Djava.awt.headless=true \
    "-Dlog4j2.configurationFile=$DIR/log4j2.properties" -cp "$JARS/*" \
    kafka.Kafka "$DIR/server.properties" </dev/null >"$DIR/console.log" 2>&1 &
  printf '%s\n' $! >"$DIR/broker.pid"
}

wait_until_ready() {
  local pid=$1 deadline=$((SECONDS + READY_SECONDS))
  until grep -q 'Kafka Server started' "$DIR/server.log" && accepts_connections "$PORT"; do
    kill -0 "$pid" 2>/dev/null || fail_with_log "Kafka ended while it was starting."
    if ((SECONDS >= deadline)); then
      kill -KILL "$pid" 2>/dev/null || true
      fail_with_log "Kafka did not accept connections within $READY_SECONDS s and was ended."
    fi
    sleep 0.1
  done
}

start() {
  local pid port
  if pid=$(running_pid); then
    port=$(configured_port)
    [[ $port == "$PORT" ]] || die "A broker with this folder runs already, on port $port, not" \
      "$PORT. Stop it first, or take another folder than $DIR."
    say "Kafka runs already on 127.0.0.1:$PORT (process $pid)."
    return
  fi
  for port in "$PORT" $((PORT + 1)); do
    ! accepts_connections "$port" ||
      die "Port $port is taken by another program. End it, or choose another port."
  done
  [[ -d $JARS ]] || die "Wanted Kafka's jars in $JARS, found none. Run ./dev kafka start once."
  command -v java >/dev/null || die "Wanted Java 17, found no java. Run ./dev kafka start once."

  write_configuration
  format_storage
  launch
  pid=$(<"$DIR/broker.pid")
  wait_until_ready "$pid"
  say "Kafka runs on 127.0.0.1:$PORT (process $pid, log $DIR/server.log)."
}

stop() {
  local pid deadline=$((SECONDS + STOP_SECONDS))
  if ! pid=$(running_pid); then
    rm -f "$DIR/broker.pid"
    say "Kafka is not running."
    return
  fi
  kill -TERM "$pid"
  while [[ -e /proc/$pid ]] && running_pid >/dev/null; do
    if ((SECONDS >= deadline)); then
      say "Kafka did not end within $STOP_SECONDS s; killing it." >&2
      kill -KILL "$pid" 2>/dev/null || true
      deadline=$((SECONDS + STOP_SECONDS))
    fi
    sleep 0.1
  done
  rm -f "$DIR/broker.pid"
  say "Kafka stopped."
}

status() {
  local pid port
  if pid=$(running_pid); then
    port=$(configured_port)
    accepts_connections "$port" ||
      die "Kafka's process $pid is there, but port $port accepts no connections."
    say "Kafka runs on 127.0.0.1:$port (process $pid)."
  else
    say "Kafka is not running."
    return 1
  fi
}

parse_arguments "$@"
if [[ $ACTION == start ]]; then
  mkdir -p "$DIR"
fi
[[ ! -d $DIR ]] || DIR=$(cd "$DIR" && pwd)
"$ACTION"
