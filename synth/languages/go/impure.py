"""What Go programs call that gives another answer at another time. The runs see the order of maps."""

from typing import Final

IMPURE: Final = {
    "chance": ("rand.", '"math/rand"', '"math/rand/v2"', '"crypto/rand"', "maphash."),
    "the clock": ("time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.Tick"),
    "threads": ("runtime.", "atomic."),
    "files": ("ioutil.", "os.Open", "os.ReadFile", "os.Create", "os.WriteFile", "embed."),
    "its input": ("os.Stdin", "fmt.Scan", "fmt.Scanln", "fmt.Scanf"),
    "the environment": ("os.Args", "os.Getenv", "os.Getpid", "os.Hostname", "os.Exit", "exec.", "flag."),
    "the network": ("net.", "http."),
}
