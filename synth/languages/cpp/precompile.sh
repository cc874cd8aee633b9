# Precompiles a header, and lets programs find it under the names of other headers. Words: the header (a file here), a folder, the names
# as one word (`-` for none), the folder of instantiate.cc, the compiler with its flags.
#
# Templates that wait are instantiated in advance (instantiate.cc) where the compiler takes plugins; where it does not, or does not
# want the result, the header is precompiled as usual. Messages name the file that was precompiled as the one that includes the headers,
# so it is called as the program is. Beside each precompiled name lies a header that reads the real one: g++ reads it
# where it does not want the precompiled one, or where the header is included again.
set -e
header=$1 folder=$2 names=$3 plugin=$4/instantiate
shift 4
source=$header

precompile() { "$@" -x c++-header -o "$header.gch" "$source"; }
is_used() { echo | "$@" -H -fsyntax-only -include "./$header" -x c++ - 2>&1 | grep -q '^!'; }

if [ ! -e "$header.gch" ]; then
    if [ "$names" != - ]; then
        source=main.cpp
        cp "$header" "$source"
    fi
    [ -e "$plugin.so" ] || "$1" -shared -fPIC -O1 -o "$plugin.so" "$plugin.cc" 2>/dev/null || :
    if ! precompile "$@" "-fplugin=$plugin.so" 2>/dev/null || ! is_used "$@"; then
        precompile "$@"
    fi
fi
for name in $names; do
    case $name in
        -) continue ;;
        */*) mkdir -p "$folder/${name%/*}" && up=../.. ;;
        *) mkdir -p "$folder" && up=.. ;;
    esac
    printf '#include_next <%s>\n' "$name" > "$folder/$name"
    ln -s "$up/$header.gch" "$folder/$name.gch"
done
