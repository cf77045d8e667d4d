# shellcheck shell=bash
# Installs what the project needs, by package name, and only what is missing. Sourced by ./dev.
#
# Everything that is not a Debian package goes to .deps/. A stamp file beside each part holds a
# hash of its pins, so that a second run costs milliseconds and needs no network.
# Needs ROOT (the repository) and tools/ui.sh.

# shellcheck disable=SC2153
DEPS=$ROOT/.deps
VENV=$DEPS/venv

# Debian packages, by what they are for.
APT_BUILD=(
  g++ cmake ninja-build ccache mold pkg-config
  libabsl-dev libcli11-dev libfmt-dev libgmock-dev libgrpc++-dev libgtest-dev liblz4-dev
  libprotobuf-dev librdkafka-dev libre2-dev librocksdb-dev libsimdjson-dev libsnappy-dev
  libspdlog-dev libssl-dev libxxhash-dev libzstd-dev nlohmann-json3-dev protobuf-compiler
  protobuf-compiler-grpc tzdata zlib1g-dev
)
APT_LINT=(clang-format clang-tidy)
APT_PYTHON=(python3 python3-venv)
APT_JAVA=(openjdk-17-jre-headless)
APT_MAVEN=(maven)

# need_apt <package…>: installs those of the packages that are missing.
need_apt() {
  if ! command -v apt-get >/dev/null; then
    [[ ${MILLRACE_SKIP_APT:-} != 1 ]] || return 0
    die "This system has no apt-get, so ./dev cannot install packages. Install the" \
      "counterparts of these Debian packages, then set MILLRACE_SKIP_APT=1: $*"
  fi
  local missing=() package installed
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
  done
  ((${#missing[@]} == 0)) || install_apt "${missing[@]}"
}

install_apt() {
  local root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "Debian packages are missing and you are neither root nor have sudo." \
        "Ask for: apt-get install --no-install-recommends $*"
    sudo -v || die "sudo refused. Ask for: apt-get install --no-install-recommends $*"
    root=(sudo)
  fi
  say "Missing Debian packages: $*"
  local install=("${root[@]}" env DEBIAN_FRONTEND=noninteractive
    apt-get install -y --no-install-recommends "$@")
  # Known package lists are good enough most of the time; refresh them only when they are not.
  if apt_can_install "$@" && run_step "Installing them" "$DEPS/log/apt.log" "${install[@]}"; then
    return
  fi
  run_step "Refreshing the package lists" "$DEPS/log/apt-update.log" "${root[@]}" apt-get update ||
    die "apt-get update failed. Check the network and the apt sources of this machine."
  run_step "Installing Debian packages" "$DEPS/log/apt.log" "${install[@]}" ||
    die "Could not install: $*"
}

apt_can_install() {
  apt-get install -s --no-install-recommends "$@" >/dev/null 2>&1
}

# Whether a stamp says that <part> was installed from exactly <key>.
stamp_is() { [[ -f $DEPS/stamps/$1 && $(<"$DEPS/stamps/$1") == "$2" ]]; }

set_stamp() {
  mkdir -p "$DEPS/stamps"
  printf '%s\n' "$2" >"$DEPS/stamps/$1"
}

hash_of() { sha256sum | cut -d' ' -f1; }

# Runs <command…> while no other ./dev installs into .deps.
with_deps_lock() {
  mkdir -p "$DEPS"
  local lock
  exec {lock}>"$DEPS/lock"
  flock -n "$lock" || {
    say "Another ./dev is installing; waiting for it …"
    flock "$lock"
  }
  local status=0
  "$@" || status=$?
  exec {lock}>&-
  return "$status"
}

# Prints a Python that can make a virtual environment, or nothing.
find_python() {
  local candidate
  for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
      2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
}

venv_key() { hash_of <"$ROOT/tools/requirements.txt"; }

# Makes .deps/venv with the packages of tools/requirements.txt.
need_venv() {
  stamp_is venv "$(venv_key)" || with_deps_lock install_venv
}

install_venv() {
  local key
  key=$(venv_key)
  ! stamp_is venv "$key" || return 0  # another ./dev was faster
  # A changed pin changes an environment in place; only a broken one is made anew.
  "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || make_venv
  run_step "Installing Python packages (1.2 GB on disk)" "$DEPS/log/pip.log" \
    "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input \
    -r "$ROOT/tools/requirements.txt" ||
    die "Could not install the packages of tools/requirements.txt. Check the network, try again."
  set_stamp venv "$key"
}

make_venv() {
  local python
  python=$(find_python)
  if [[ -z $python ]]; then
    need_apt "${APT_PYTHON[@]}"
    python=$(find_python)
    [[ -n $python ]] ||
      die "Wanted Python 3.11 or newer with venv, found $(python3 --version 2>&1)." \
        "Install one and put it first in PATH."
  fi
  rm -rf "$VENV"
  run_step "Making .deps/venv" "$DEPS/log/venv.log" "$python" -m venv "$VENV" ||
    die "Could not make a virtual environment with $python."
}

arrow_key() {
  { grep '^pyarrow==' "$ROOT/tools/requirements.txt"; cat "$ROOT/tools/arrow_libraries.py"; } |
    hash_of
}

# Makes .deps/arrow, the C++ libraries that the engine links against, out of the pyarrow wheel.
need_arrow() {
  need_venv
  stamp_is arrow "$(arrow_key)" || with_deps_lock install_arrow
}

install_arrow() {
  local key
  key=$(arrow_key)
  ! stamp_is arrow "$key" || return 0
  run_step "Preparing Arrow's libraries" "$DEPS/log/arrow.log" \
    "$VENV/bin/python" "$ROOT/tools/arrow_libraries.py" "$DEPS/arrow" ||
    die "Could not prepare the libraries of the pyarrow wheel."
  set_stamp arrow "$key"
}

# Whether `java` is there and new enough for Kafka 4 and Spark 4.
have_java() {
  local version
  version=$(java -version 2>&1 | sed -nE '1s/.*"([0-9]+).*/\1/p') || return 1
  [[ $version =~ ^[0-9]+$ ]] && ((version >= 17))
}

need_java() {
  have_java || need_apt "${APT_JAVA[@]}"
  have_java || die "Wanted Java 17 or newer, found $(command -v java || echo none). Set PATH."
}

jars_key() { hash_of <"$ROOT/tools/$1/pom.xml"; }

# need_jars <kafka|spark>: copies the jars of tools/<name>/pom.xml to .deps/<name>/libs.
need_jars() {
  stamp_is "$1" "$(jars_key "$1")" || with_deps_lock install_jars "$1"
}

install_jars() {
  local name=$1 key
  key=$(jars_key "$name")
  ! stamp_is "$name" "$key" || return 0
  command -v mvn >/dev/null || need_apt "${APT_MAVEN[@]}"
  rm -rf "${DEPS:?}/$name"
  run_step "Fetching the jars of tools/$name (once)" "$DEPS/log/$name.log" \
    mvn -B -ntp -f "$ROOT/tools/$name/pom.xml" dependency:copy-dependencies \
    "-DoutputDirectory=$DEPS/$name/libs" ||
    die "Could not fetch the jars of tools/$name/pom.xml. Check the network, try again."
  set_stamp "$name" "$key"
}

# Puts the clients of tools/clients.txt into .deps/clients/<version>, each alone: what they need is
# in .deps/venv.
need_clients() {
  need_venv
  stamp_is clients "$(hash_of <"$ROOT/tools/clients.txt")" || with_deps_lock install_clients
}

install_clients() {
  local key pin version
  key=$(hash_of <"$ROOT/tools/clients.txt")
  ! stamp_is clients "$key" || return 0
  rm -rf "${DEPS:?}/clients"
  while read -r pin; do
    version=${pin##*==}
    run_step "Fetching the PySpark client $version" "$DEPS/log/clients.log" \
      "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input --no-deps \
      --target "$DEPS/clients/$version" "$pin" ||
      die "Could not fetch $pin. Check the network, try again."
  done < <(grep -v '^#' "$ROOT/tools/clients.txt")
  set_stamp clients "$key"
}

need_build() {
  need_apt "${APT_BUILD[@]}"
  need_arrow
}

need_kafka() {
  need_java
  need_jars kafka
}

need_spark() {
  need_java
  need_venv
  need_jars spark
}

need_lint() { need_apt "${APT_LINT[@]}"; }
