# Compiles the crates that Debian ships as sources. Words: the folder to fill, rustc, cargo. The file `wanted` names what was asked for;
# usr/share/cargo/registry holds that and what it needs.
#
# The folder gets `libraries`, all crates as rustc reads them, and `externs`, a link by its name to each that was asked for. cargo hands
# these to rustc when it builds a crate that needs them all, with their default features, and says so.
set -e
files=$1 RUSTC=$2 cargo=$3
export RUSTC CARGO_HOME="$PWD/cargo" CARGO_TARGET_DIR="$PWD/target" RUSTFLAGS="--remap-path-prefix=$PWD="
mkdir -p cargo own/src "$files/libraries" "$files/externs"
: > own/src/lib.rs
cat > cargo/config.toml <<END
source.crates-io.replace-with = "debian"
source.debian.directory = "$PWD/usr/share/cargo/registry"
net.offline = true
END
cat > own/Cargo.toml <<END
package = { name = "own", version = "0.0.0", edition = "2021" }
[profile.release]
debug = false
[dependencies]
END
sed -n 's,^\./\(usr/share/cargo/registry/[^/]*\)/Cargo.toml$,\1,p' wanted | sort -u | while read -r crate; do
    value() { sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" "$crate/Cargo.toml" | head -n 1; }
    echo "$(value name) = \"=$(value version | sed 's/+.*//')\""
done >> own/Cargo.toml
"$cargo" build --release --offline -v --manifest-path own/Cargo.toml > said 2>&1 || { grep -v '^ *\(Running\|Compiling\|Fresh\)' said >&2; exit 1; }
find target/release/deps \( -name '*.rlib' -o -name '*.so' \) ! -name 'libown-*' -exec cp {} "$files/libraries" \;
grep -- '--crate-name own ' said | grep -o 'lib[^/ ]*-[0-9a-f]*\.\(rmeta\|rlib\|so\)' | sed 's/rmeta$/rlib/' | while read -r library; do
    name=${library#lib}
    ln -s "../libraries/$library" "$files/externs/${name%-*}"
done
[ -n "$(ls "$files/externs")" ] || { echo 'cargo named no crate' >&2; exit 1; }
