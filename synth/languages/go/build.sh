# Builds a Go program, in the sandbox. Words: the go command, the folder that prepare.sh filled, which of its lists names what may be
# imported, the files of the package main, and `packages=` before a folder that packages.sh filled.
#
# Each command beside the compiler and the linker would cost a hundredth of the build, so the shell does what it can by itself.
set -e
export GOGC=1000
for tools in "${1%/bin/go}"/pkg/tool/*_*; do :; done
shared=$2 list=$2/$3 links=$2/links
shift 3
ln -s "$shared" prepared
for word; do
    shift
    case $word in
    packages=*)
        ln -s "${word#packages=}" packages
        cat "$list" packages/imports > imports
        cat "$links" packages/links > links
        list=imports links=links
        ;;
    *) set -- "$@" "$word" ;;
    esac
done
"$tools/compile" -p main -complete -pack -dwarf=false -importcfg "$list" -o main.a "$@"
exec "$tools/link" -s -w -buildid= -importcfg "$links" -o program main.a
