# Sourced: programs of other Debian releases, unpacked and not installed, which use the libraries beside them.

unpack() ( # unpack RELEASE FOLDER PACKAGE...: the packages of a release, and what they need
    set -e
    apt=(apt-get -qq -o Dir::Etc::SourceList="$2/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State="$2/state"
        -o Dir::State::status="$2/status" -o Dir::Cache="$2/cache" -o APT::Sandbox::User=)
    mkdir -p "$2"/{state/lists,cache/archives,root}/partial
    : >"$2/status" # nothing counts as installed
    mirror=$(apt-get indextargets --format '$(SITE)' | head -n 1)
    echo "deb $mirror $1 main" >"$2/sources.list"
    "${apt[@]}" update && "${apt[@]}" install -y --download-only --no-install-recommends "${@:3}"
    for package in "$2"/cache/archives/*.deb; do dpkg-deb -x "$package" "$2/root"; done
)

programs() ( # programs FOLDER PROGRAM...: its programs, ready to run, in FOLDER/bin
    set -e
    libraries=$(dirname "$(find "$1/root" -name libc.so.6 -print -quit)")
    loader=$(readlink -f "$libraries/ld-linux-x86-64.so.2")
    rm -rf "$1/bin" && mkdir "$1/bin"
    for program in "${@:2}"; do
        cp "$(find "$1/root" -type f -path "*bin/$program" -print -quit)" "$1/bin/"
        [ "$program" = busybox ] || patchelf --set-interpreter "$loader" \
            --force-rpath --set-rpath "$1/root/lib/x86_64-linux-gnu:$1/root/usr/lib/x86_64-linux-gnu" "$1/bin/$program"
    done
)
