# Sourced by ./dolmen and ./test. Sets up only what is missing and says in one line what it did.
#   root           the checkout            dotnet_root   where the .NET SDK lives
#   run_dll X …    runs a built program with the native libraries TorchSharp needs

say() { printf 'dolmen: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

find_sdk() {
  if command -v dotnet >/dev/null 2>&1; then
    dotnet_host=$(readlink -f "$(command -v dotnet)")
  else
    dotnet_host=
    for candidate in "${DOTNET_ROOT:-}/dotnet" "$HOME/.dotnet/dotnet" /usr/share/dotnet/dotnet /usr/lib/dotnet/dotnet; do
      [ -x "$candidate" ] && { dotnet_host=$candidate; break; }
    done
    [ -n "$dotnet_host" ] || fail "no .NET SDK found: Dolmen needs .NET 10. Install it from https://dot.net/download (or your system's package dotnet-sdk-10.0) and run this again."
  fi
  dotnet_root=$(dirname "$dotnet_host")
  ls -d "$dotnet_root"/sdk/1[0-9].* >/dev/null 2>&1 || fail "the .NET at $dotnet_root has no SDK 10: Dolmen needs it. Install it from https://dot.net/download and run this again."
  export DOTNET_ROOT=$dotnet_root DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
}

# TorchSharp 0.107 asks for GLIBCXX_3.4.32 (GCC 13). Where the system's libstdc++ is older (Debian 12), a newer one and the C library it
# needs are unpacked into a private folder and used for Dolmen's own processes alone: nothing on the system changes and no root is needed.
native_floor() {
  native=
  [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || return 0
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/dolmen
  native=$cache/native-glibcxx-3.4.32
  [ -x "$native/dotnet" ] && { link_runtime; return 0; }
  [ -e "$cache/system-glibcxx-suffices" ] && { native=; return 0; }
  local library
  for library in $(ldconfig -p 2>/dev/null | sed -n 's/.*libstdc++\.so\.6 .*x86-64.*=> //p') /usr/lib/x86_64-linux-gnu/libstdc++.so.6 /usr/lib64/libstdc++.so.6; do
    if [ -e "$library" ] && grep -aq 'GLIBCXX_3\.4\.32' "$library"; then
      mkdir -p "$cache" && touch "$cache/system-glibcxx-suffices"; native=; return 0
    fi
  done
  local recipe="libstdc++6 of GCC 13 or newer (Debian 13, Ubuntu 24.04 and Fedora 39 have it)"
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "this system's libstdc++ is older than TorchSharp needs (GLIBCXX_3.4.32) and there is no apt-get to fetch a private copy: install $recipe and run this again."
  local mirror
  mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null \
    | grep -v '^ *#' | grep -oE '(https?|ftp)://[^ ]+/debian/?( |$)' | head -1 | tr -d ' ' || true)
  [ -n "$mirror" ] || fail "this system's libstdc++ is older than TorchSharp needs (GLIBCXX_3.4.32) and its apt sources name no Debian mirror to fetch a private copy from: install $recipe and run this again."
  say "this system's libstdc++ is older than TorchSharp needs: fetching Debian 13's (with its C library) into $native for Dolmen alone"
  local work; work=$(mktemp -d "${TMPDIR:-/tmp}/dolmen-native.XXXXXX")
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/root" "$cache"
  : >"$work/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$work/sources.list"
  local private="-o Dir::State=$work/state -o Dir::State::status=$work/status -o Dir::Cache=$work/cache -o Dir::Etc::sourcelist=$work/sources.list -o Dir::Etc::sourceparts=/nonexistent -o APT::Sandbox::User=$(id -un) -o APT::Get::List-Cleanup=0 -o Acquire::Retries=3 -o Acquire::Languages=none"
  if ! { apt-get -qq $private update && (cd "$work" && apt-get -qq $private download libstdc++6 libc6) ; } >"$work/log" 2>&1; then
    cat "$work/log" >&2; rm -rf "$work"
    fail "could not fetch libstdc++6 and libc6 from $mirror: check the network, or install $recipe, and run this again."
  fi
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
  local staged="$native.$$"; mkdir -p "$staged"
  for library in libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 librt.so.1 libresolv.so.2 libmvec.so.1 libstdc++.so.6; do
    cp -L "$(find "$work/root" -name "$library" | head -1)" "$staged/$library"
  done
  # The loader is named like the program it stands for, so that the runtime finds its folder beside it.
  cp -L "$(find "$work/root" -name ld-linux-x86-64.so.2 \( -type f -o -type l \) | grep -v '/lib64/' | head -1)" "$staged/dotnet"
  chmod +x "$staged/dotnet"; rm -rf "$work"
  mv -T "$staged" "$native" 2>/dev/null || rm -rf "$staged"    # another launcher may have been first
  link_runtime
}

# The runtime looks for its folders beside the program that started it.
link_runtime() {
  local part
  for part in host shared sdk packs; do
    [ "$(readlink "$native/$part" 2>/dev/null)" = "$dotnet_root/$part" ] || ln -sfn "$dotnet_root/$part" "$native/$part"
  done
}

# A compiler that waits for more work would outlive the command by minutes. Without pgrep it ends by itself.
end_compiler() {
  local process
  for process in $(pgrep -f -- "-pipename:$1\$" 2>/dev/null || true); do kill "$process" 2>/dev/null || true; done
}

run_dll() {
  if [ -n "$native" ]; then
    exec_line=("$native/dotnet" --library-path "$native" --argv0 dotnet "$dotnet_host" exec "$@")
  else
    exec_line=("$dotnet_host" exec "$@")
  fi
}

# What the build says, as one line that changes: a build of a minute should not look as if it hung. Elsewhere than on a terminal, nothing.
show_build() {
  if [ ! -t 2 ]; then cat >/dev/null; return; fi
  local line built=0
  while IFS= read -r line; do
    case $line in
      *' -> '*) built=$((built + 1)); line=${line%% -> *}; printf '\r\033[Kdolmen: built %s (%d)' "${line##* }" "$built" >&2 ;;
      *estor*) printf '\r\033[Kdolmen: restoring packages' >&2 ;;
    esac
  done
  printf '\r\033[K' >&2
}

# Compiles ahead of time what every command starts with: the just-in-time compiler is half of the time from the call to the first token.
# Methods for wide vectors are left to it, so results stay the same bits. Where the compiler cannot be had, commands start later, and
# nothing else changes.
compile_ahead() {
  [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || return 0
  local bin=$root/src/Dolmen.Cli/bin/Release/net10.0 kept=$root/.dolmen/ahead
  mkdir -p "$kept"
  (
    cd "$kept"
    "$dotnet_host" restore "$root/eng/AheadOfTime.proj" -v quiet --nologo
    packages=${NUGET_PACKAGES:-$HOME/.nuget/packages}
    crossgen=$(ls -d "$packages"/microsoft.netcore.app.crossgen2.linux-x64/*/tools/crossgen2 | sort -V | tail -1)
    chmod u+x "$crossgen"
    references=()
    for framework in Microsoft.NETCore.App Microsoft.AspNetCore.App; do
      references+=(-r "$(ls -d "$dotnet_root/shared/$framework"/10.* | sort -V | tail -1)/*.dll")
    done
    export crossgen bin
    # An assembly as old as what was made of it is that itself, or has not changed since.
    printf '%s\n' dolmen Dolmen.{Artifacts,Checkpoints,Evaluation,Inference,Numerics,Pipeline,Retrieval,Serving,Templates,Tokenization} \
      System.CommandLine Spectre.Console | xargs -P 2 -I NAME sh -c '
        if [ ! -e NAME.dll ] || [ "$bin/NAME.dll" -nt NAME.dll ]; then
          rm -f NAME.new
          "$crossgen" "$bin/NAME.dll" -r "$bin/*.dll" "$@" --targetos linux --targetarch x64 -O -o NAME.new && mv NAME.new NAME.dll
        fi && [ "$bin/NAME.dll" -ot NAME.dll ] && cp -p NAME.dll "$bin/NAME.ahead" && mv "$bin/NAME.ahead" "$bin/NAME.dll" || true' \
        sh "${references[@]}"
  ) >"$kept/log" 2>&1 || true
}

# build STAMP TARGET MESSAGE: compiles when a source is newer than the last good build. ./dolmen leaves out what its command does not need:
# the analyzers, which take as long as the compiler, documentation files, and the sources that packages carry in their symbols; ./test has
# them all, and where it ran once ./dolmen builds as it does, so that neither undoes the other's work. One compiler serves all projects and
# ends here. It does not profile its own code (DOTNET_TieredPGO), which costs more than half as much again and pays after minutes.
build() {
  local stamp=$root/.dolmen/$1 target=$2 message=$3 compiler=dolmen-$$ lean=
  [ "$1" = built-cli ] && [ ! -e "$root/.dolmen/built-tests" ] \
    && lean="-p:RunAnalyzers=false -p:GenerateDocumentationFile=false -p:EmbedAllSources=false"
  [ -n "${DOLMEN_NO_BUILD:-}" ] && [ -e "$stamp" ] && return 0
  if [ -e "$stamp" ] && [ -z "$(find "$root/src" "$root/benchmarks" "$root/samples" "$root/recipes" "$root/tests" "$root/eng" "$root"/*.props "$root"/*.targets "$root/global.json" \
      \( -name bin -o -name obj \) -prune -o \( -type f -o -type d \) -newer "$stamp" -print -quit)" ]; then return 0; fi
  mkdir -p "$root/.dolmen"
  exec 9>"$root/.dolmen/build.lock"
  command -v flock >/dev/null && flock 9
  say "$message"
  # A project's folder changes when these are made in it, which would look like a change of its sources next time.
  local project; for project in "$root"/{src,tests,benchmarks,samples}/*/*.csproj; do mkdir -p "${project%/*}/bin" "${project%/*}/obj"; done
  local started; started=$(mktemp "$root/.dolmen/started.XXXXXX")
  local log=$root/.dolmen/build.log
  # shellcheck disable=SC2086  # the lean build's properties are words of their own
  if ! (cd "$root" && DOTNET_TieredPGO=0 "$dotnet_host" build "$target" -c Release --nologo -v minimal -nodeReuse:false $lean \
      -p:UseSharedCompilation=true -p:SharedCompilationId="$compiler" 2>&1) 9>&- | tee "$log" | show_build; then
    end_compiler "$compiler"; rm -f "$started"; grep -E 'error|warning' "$log" | sort -u >&2 || cat "$log" >&2; fail "the build failed: see the errors above."
  fi
  end_compiler "$compiler"
  [ "$1" != built-cli ] || compile_ahead
  mv "$started" "$stamp"
  exec 9>&-
}
