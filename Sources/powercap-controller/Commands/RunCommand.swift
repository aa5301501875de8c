/// `powercap-controller run`: the exit status.
func runCommand(settings: Settings) -> Int32 {
    complain("`run` is not there yet")
    return 1
}
