# Prepares what every Go build needs: the archives of the standard library without cgo, and of the driver. Words: the go command.
#
# `imports` is what programs may import, `links` names all archives. Those that lie in GOROOT stay there; others, which this or another
# build has put into go's cache, are copied to std/, and build.sh makes that name good in its own folder.
set -e
export CGO_ENABLED=0 GOFLAGS= GOWORK=off
go=$1
root=$("$go" env GOROOT)
"$go" list -export -f '{{if .Export}}{{.ImportPath}} {{.Export}}{{end}}' std > archives
while read -r name file; do
    case $file in
        "$root"/*) ;;
        *)
            mkdir -p "std/${name%/*}"
            cp "$file" "std/$name.a"
            file=std/$name.a
            ;;
    esac
    echo "packagefile $name=$file"
done < archives > links
grep -Ev '(^packagefile |/)(internal|vendor)(/|=)' links > imports
rm archives
"$go" tool compile -p codemill -complete -pack -importcfg imports -o codemill.a driver.go
