# shellcheck shell=bash
# What every set-up script shares: progress on stderr, and Debian packages by whoever may install them.

say() { printf '%s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$1" >&2
  if [ $# -gt 1 ]; then printf 'hint: %s\n' "$2" >&2; fi
  exit 1
}

# Where things built for this user are kept between checkouts.
user_cache() {
  local home="${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}"
  printf '%s/sealbridge\n' "${XDG_CACHE_HOME:-$home/.cache}"
}

# Runs a command as root: directly, or through a sudo that asks for no password.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() {
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = 'ii ' ]
}

# Installs the Debian packages named that are missing. Refreshes the package lists only when the plain try fails,
# because a bare machine has none and a prepared one may be offline.
need_packages() {
  local missing=() package log
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} = 0 ]; then return 0; fi
  command -v apt-get >/dev/null ||
    die "these programs are needed and this is not a Debian machine: ${missing[*]}" "install them by hand and run this again"
  can_be_root ||
    die "these Debian packages are missing, and this user is neither root nor allowed to sudo: ${missing[*]}" \
      "as root: apt-get install --no-install-recommends ${missing[*]}"
  say "==> apt-get install ${missing[*]}"
  log=$(mktemp)
  if ! install_packages "${missing[@]}" >"$log" 2>&1; then
    if ! { as_root apt-get -q update && install_packages "${missing[@]}"; } >"$log" 2>&1; then
      cat "$log" >&2
      rm -f "$log"
      die "apt-get could not install ${missing[*]}" "its output is above"
    fi
  fi
  rm -f "$log"
}

install_packages() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$@"
}
