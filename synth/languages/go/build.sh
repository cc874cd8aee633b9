# Builds a Go program, in the sandbox. Words: the go command, the folder that prepare.sh filled, which of its lists names what may be
# imported, the files of the package main.
#
# Each command beside the compiler and the linker would cost a hundredth of the build, so the shell does what it can by itself.
set -e
export GOGC=1000
for tools in "${1%/bin/go}"/pkg/tool/*_*; do :; done
shared=$2 list=$3
shift 3
ln -s "$shared" prepared
"$tools/compile" -p main -complete -pack -dwarf=false -importcfg "$shared/$list" -o main.a "$@"
exec "$tools/link" -s -w -buildid= -importcfg "$shared/links" -o program main.a
